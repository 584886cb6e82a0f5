# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the licensed SMPL-X body from the user's own SMPLX_NEUTRAL.npz, without running any code stored in the file."""

# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..motion.rotation import Array
from ..motion.skeleton import JOINTS, PARENTS, Skeleton

SHAPES = 10
"""Number of shape directions to read from the file; these mean the same in all of its versions."""

_SHAPES_OF = {
    "v_template": "(V, 3)",
    "shapedirs": f"(V, 3, {SHAPES} or more)",
    "J_regressor": f"({JOINTS}, V)",
    "weights": f"(V, {JOINTS})",
    "kintree_table": f"(2, {JOINTS})",
    "f": "(F, 3)",
}
_HANDS = ("hands_meanl", "hands_meanr")


@dataclass(frozen=True)
class SmplxBody:
    """The body in the T-pose, in the model's own coordinates: meters, Y up, facing +Z (Pavlakos et al. 2019).

    Attributes:
        vertices: (V, 3) template.
        shapes: (V, 3, 10) displacement of the vertices per unit of each beta.
        regressor: (55, V) weights that compute joints from vertices.
        weights: (V, 55) skinning weights.
        faces: (F, 3) triangles.
        hands: (30, 3) rotation vectors of joints 25..54 that relax the fingers.
    """

    vertices: Array
    shapes: Array
    regressor: Array
    weights: Array
    faces: npt.NDArray[np.int32]
    hands: Array

    def shaped(self, betas: npt.ArrayLike) -> Array:
        """Return the vertices (V, 3) of a shape of up to 10 betas."""
        given = np.asarray(betas, np.float64).ravel()
        return self.vertices + self.shapes[..., : len(given)] @ given

    def skeleton(self, betas: npt.ArrayLike = ()) -> Skeleton:
        """Return the rest pose of a shape, with the soles at y = 0.

        Raises:
            InputError: more than 10 betas are given.
        """
        if np.size(betas) > SHAPES:
            raise InputError(f"The SMPL-X body takes up to {SHAPES} betas, not {np.size(betas)}.")
        vertices = self.shaped(betas)
        joints = self.regressor @ vertices
        return Skeleton(joints - [0.0, vertices[:, 1].min(), 0.0], joints[0].copy(), self.hands)


def load_smplx_body(path: Path) -> SmplxBody:
    """Read SMPLX_NEUTRAL.npz, SMPLX_MALE.npz or SMPLX_FEMALE.npz.

    Raises:
        InputError: the file is missing, a pickle, truncated, or no SMPL-X body; the message says what to do.
    """
    if path.suffix.lower() == ".pkl":
        raise InputError(
            f"{path.name} is a pickle, which can run arbitrary code when it is opened; choose SMPLX_NEUTRAL.npz from "
            "the same download at smpl-x.is.tue.mpg.de."
        )
    keys = (*_SHAPES_OF, *_HANDS)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: np.asarray(file[key]) for key in keys if key in file.files}
    except FileNotFoundError as error:
        raise InputError(
            f"The file {path} does not exist; choose your SMPLX_NEUTRAL.npz in the preferences."
        ) from error
    except Exception as error:  # numpy raises many kinds of errors for a file that is damaged or no npz
        raise InputError(
            f"{path.name} cannot be read as an SMPL-X body and may be incomplete; choose SMPLX_NEUTRAL.npz from "
            "smpl-x.is.tue.mpg.de."
        ) from error
    for key in _SHAPES_OF:
        if key not in found:
            raise InputError(f"{path.name} is not an SMPL-X body, it has no {key}; choose SMPLX_NEUTRAL.npz.")
    for key, values in found.items():
        if values.dtype.kind not in "fiu":
            raise InputError(f"{path.name} has no numbers in {key}; choose SMPLX_NEUTRAL.npz.")
    return _checked(path, {key: values.astype(np.float64) for key, values in found.items()})


def _checked(path: Path, found: dict[str, Array]) -> SmplxBody:
    """Build the body; raises InputError if shapes or values cannot be those of an SMPL-X body."""
    vertices = len(found["v_template"]) if found["v_template"].ndim else 0
    wanted: dict[str, tuple[int | None, ...]] = {
        "v_template": (vertices, 3), "shapedirs": (vertices, 3, None), "J_regressor": (JOINTS, vertices),
        "weights": (vertices, JOINTS), "kintree_table": (2, JOINTS), "f": (None, 3),
    }  # fmt: skip
    for key, shape in wanted.items():
        have = found[key].shape
        if len(have) != len(shape) or any(one not in (None, other) for one, other in zip(shape, have, strict=True)):
            raise InputError(f"{path.name} has {key} of shape {have}, not {_SHAPES_OF[key]}; choose SMPLX_NEUTRAL.npz.")
    if not vertices or not len(found["f"]) or found["shapedirs"].shape[2] < SHAPES:
        raise InputError(
            f"{path.name} has no vertices, no faces or fewer than {SHAPES} shapes; choose SMPLX_NEUTRAL.npz."
        )
    if tuple(found["kintree_table"][0, 1:].astype(int)) != PARENTS[1:]:
        raise InputError(f"{path.name} has a different joint hierarchy than SMPL-X; choose SMPLX_NEUTRAL.npz.")
    if not all(np.isfinite(values).all() for values in found.values()):
        raise InputError(f"{path.name} contains values that are not finite numbers; download it again.")
    if found["f"].min() < 0 or found["f"].max() >= vertices:
        raise InputError(f"{path.name} has faces that use vertices it does not have; download it again.")
    hands = [found[key].ravel() if key in found else np.zeros(45) for key in _HANDS]
    relaxed = np.concatenate(hands)
    return SmplxBody(
        found["v_template"],
        found["shapedirs"][..., :SHAPES],
        found["J_regressor"],
        found["weights"],
        found["f"].astype(np.int32),
        (relaxed if len(relaxed) == 90 else np.zeros(90)).reshape(30, 3),
    )
