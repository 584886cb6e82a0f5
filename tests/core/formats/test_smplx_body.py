# SPDX-License-Identifier: GPL-3.0-or-later
"""The licensed body file is read without running anything in it, and whatever is wrong with it is one sentence."""

import numpy as np
import pytest

from core.errors import InputError
from core.formats.smplx_body import load_smplx_body
from core.motion.skeleton import INDEX, neutral_skeleton
from tests.smplx_files import CENTER, arrays, write


def test_the_joints_are_those_of_the_file(tmp_path):
    body = load_smplx_body(write(tmp_path / "SMPLX_NEUTRAL.npz"))
    found, neutral = body.skeleton(), neutral_skeleton().rest_positions
    np.testing.assert_allclose(found.rest_positions - found.rest_positions[0], neutral - neutral[0], atol=1e-9)
    np.testing.assert_allclose(found.root_offset, CENTER, atol=1e-9)
    assert found.rest_positions[:, 1].min() == pytest.approx(0.02)  # its cube stands on the floor
    assert (found.relaxed_hands[0, 0], found.relaxed_hands[-1, -1]) == (0.1, 0.2)


def test_betas_shape_body_and_joints(tmp_path):
    body = load_smplx_body(write(tmp_path / "SMPLX_NEUTRAL.npz"))
    small, large = body.skeleton().rest_positions, body.skeleton([2.0, 1.0]).rest_positions
    head, ankle = INDEX["head"], INDEX["left_ankle"]
    assert large[head, 1] - large[ankle, 1] == pytest.approx(1.2 * (small[head, 1] - small[ankle, 1]))
    assert large[:, 1].min() == pytest.approx(1.2 * 0.02)  # what all is lifted by is taken back
    with pytest.raises(InputError, match="10 betas"):
        body.skeleton(np.zeros(11))


def _bad():
    good = arrays()
    yield "no weights", {"weights": None}, "no weights"
    yield "no shapes", {"shapedirs": None}, "no shapedirs"
    yield "shape", {"v_template": good["v_template"][:, :2]}, "v_template"
    yield "scalar", {"v_template": np.zeros(())}, "v_template"
    yield "fewer joints", {"J_regressor": good["J_regressor"][:24]}, "J_regressor"
    yield "fewer shapes", {"shapedirs": good["shapedirs"][..., :5]}, "10 shapes"
    yield "other tree", {"kintree_table": good["kintree_table"][:, ::-1]}, "joint hierarchy"
    yield "faces", {"f": good["f"] + 9999}, "faces"
    yield "no faces", {"f": np.zeros((0, 3), int)}, "faces"
    yield "not finite", {"weights": np.full_like(good["weights"], np.nan)}, "finite"
    yield "words", {"f": np.array([["a", "b", "c"]])}, "numbers"
    yield "a pickled array", {"shapedirs": np.array([1, {}], dtype=object)}, "cannot be read"


@pytest.mark.parametrize(("changed", "said"), [pytest.param(*more, id=name) for name, *more in _bad()])
def test_bad_files_are_one_sentence(tmp_path, changed, said):
    path = write(tmp_path / "SMPLX_NEUTRAL.npz", **changed)
    with pytest.raises(InputError, match=said) as error:
        load_smplx_body(path)
    assert "SMPLX_NEUTRAL.npz" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_npz_at_all(tmp_path):
    whole = write(tmp_path / "whole.npz").read_bytes()
    files = {"cut.npz": whole[: len(whole) // 2], "empty.npz": b"", "page.npz": b"<html>Sign in</html>"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            load_smplx_body(tmp_path / name)
    np.save(tmp_path / "single.npy", np.zeros(3))
    with pytest.raises(InputError, match="cannot be read"):
        load_smplx_body(tmp_path / "single.npy")
    with pytest.raises(InputError, match="does not exist"):
        load_smplx_body(tmp_path / "SMPLX_NEUTRAL.npz")
    with pytest.raises(InputError, match="cannot be read"):
        load_smplx_body(tmp_path)


def test_damaged_content_within_the_zip(tmp_path):
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, **{key: value for key, value in arrays().items() if key != "part2num"})
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.npz cannot be read"):
        load_smplx_body(path)


def test_a_pickle_is_not_opened(tmp_path):
    with pytest.raises(InputError, match="pickle, which can run arbitrary code"):
        load_smplx_body(tmp_path / "SMPLX_NEUTRAL.pkl")
