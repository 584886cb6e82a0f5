# SPDX-License-Identifier: GPL-3.0-or-later
"""Acclaim files against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.amc import load_amc, load_asf

ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 0 1 0
     length 2
     axis 0 0 90 XYZ
     dof rx rz
     limits (-160 20)
            (-70 70)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 3
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
AMC = """:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0
2
root 0 0 0 90 90 0
upper 90 0
"""


def write(folder: Path, asf: str = ASF, amc: str = AMC) -> tuple[Path, Path]:
    (folder / "a.asf").write_text(asf)
    (folder / "a.amc").write_text(amc)
    return folder / "a.asf", folder / "a.amc"


def test_reading(tmp_path: Path) -> None:
    asf, amc = write(tmp_path)
    clip = load_amc(amc, load_asf(asf), fps=60)
    assert (clip.names, clip.parents, clip.fps) == (("root", "upper", "lower"), (-1, 0, 1), 60)
    positions, world = clip.world()
    np.testing.assert_allclose(positions[0], [[1, 2, 3], [1, 2, 3], [1, 4, 3]], atol=1e-12)
    # The root turns about X, then about the world's Y. The upper bone turns about its own X, which rest has along the
    # world's Y, so its far end does not move by it: y -> z by the root's X, z -> x by the root's Y.
    np.testing.assert_allclose(positions[1], [[0, 0, 0], [0, 0, 0], [2, 0, 0]], atol=1e-12)
    # what hangs on it does turn: x -> -z by the bone, -z -> y by X, and Y leaves y
    np.testing.assert_allclose(world[1, 2] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize("broken", ["", "1\nroot 1 2 3\n", AMC.replace("upper 90 0", "")])
def test_broken_motion_is_named(tmp_path: Path, broken: str) -> None:
    asf, amc = write(tmp_path, amc=broken)
    with pytest.raises(InputError, match=r"a\.amc"):
        load_amc(amc, load_asf(asf))


@pytest.mark.parametrize("broken", ["", ASF.replace("root upper", "nobody upper"), ASF.replace("length 2", "")])
def test_broken_skeleton_is_named(tmp_path: Path, broken: str) -> None:
    asf, _ = write(tmp_path, asf=broken)
    with pytest.raises(InputError, match=r"a\.asf"):
        load_asf(asf)
