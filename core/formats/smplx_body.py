# SPDX-License-Identifier: GPL-3.0-or-later
"""The licensed SMPL-X body, from the user's own SMPLX_NEUTRAL.npz. Plain numpy: nothing in the file is run."""

# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..motion.rotation import Array
from ..motion.skeleton import JOINTS, PARENTS, Skeleton

SHAPES = 10
"""How many of the file's shape directions are read; they mean the same in each of its versions."""

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
    """A body in the T-pose, in the model's own coordinates: metres, Y up, facing +Z.

    vertices: (V, 3). shapes: (V, 3, 10) what a unit of each beta adds. regressor: (55, V) joints from vertices.
    weights: (V, 55) of the joints on each vertex. faces: (F, 3) triangles. hands: (30, 3) the relaxed fingers.
    """

    vertices: Array
    shapes: Array
    regressor: Array
    weights: Array
    faces: npt.NDArray[np.int32]
    hands: Array

    def shaped(self, betas: npt.ArrayLike) -> Array:
        """The vertices (V, 3) of a shape, up to 10 betas."""
        given = np.asarray(betas, np.float64).ravel()
        return self.vertices + self.shapes[..., : len(given)] @ given

    def skeleton(self, betas: npt.ArrayLike = ()) -> Skeleton:
        """The rest pose of a shape, the soles at 0. Raises InputError for more than 10 betas."""
        if np.size(betas) > SHAPES:
            raise InputError(f"The SMPL-X body takes up to {SHAPES} betas, not {np.size(betas)}.")
        vertices = self.shaped(betas)
        joints = self.regressor @ vertices
        return Skeleton(joints - [0.0, vertices[:, 1].min(), 0.0], joints[0].copy(), self.hands)


def load_smplx_body(path: Path) -> SmplxBody:
    """Read SMPLX_NEUTRAL.npz (or _MALE, _FEMALE).

    Raises InputError, with what to do, where the file is missing, a pickle, cut off, or no SMPL-X body.
    """
    if path.suffix.lower() == ".pkl":
        raise InputError(
            f"{path.name} is a pickle, which can run any code when it is opened: choose SMPLX_NEUTRAL.npz, which the "
            "same download from smpl-x.is.tue.mpg.de holds."
        )
    keys = (*_SHAPES_OF, *_HANDS)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: np.asarray(file[key]) for key in keys if key in file.files}
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}: choose your SMPLX_NEUTRAL.npz in the preferences.") from error
    except Exception as error:  # numpy fails in many ways over what is no npz, or is damaged
        raise InputError(
            f"{path.name} cannot be read as an SMPL-X body, it may be cut off: choose SMPLX_NEUTRAL.npz from "
            "smpl-x.is.tue.mpg.de."
        ) from error
    for key in _SHAPES_OF:
        if key not in found:
            raise InputError(f"{path.name} is no SMPL-X body, it has no {key}: choose SMPLX_NEUTRAL.npz.")
    for key, values in found.items():
        if values.dtype.kind not in "fiu":
            raise InputError(f"{path.name} holds no numbers as {key}: choose SMPLX_NEUTRAL.npz.")
    return _checked(path, {key: values.astype(np.float64) for key, values in found.items()})


def _checked(path: Path, found: dict[str, Array]) -> SmplxBody:
    """The body, or InputError naming the array whose shape or values no SMPL-X body has."""
    vertices = len(found["v_template"]) if found["v_template"].ndim else 0
    wanted: dict[str, tuple[int | None, ...]] = {
        "v_template": (vertices, 3), "shapedirs": (vertices, 3, None), "J_regressor": (JOINTS, vertices),
        "weights": (vertices, JOINTS), "kintree_table": (2, JOINTS), "f": (None, 3),
    }  # fmt: skip
    for key, shape in wanted.items():
        have = found[key].shape
        if len(have) != len(shape) or any(one not in (None, other) for one, other in zip(shape, have, strict=True)):
            raise InputError(f"{path.name} has {key} of {have}, not {_SHAPES_OF[key]}: choose SMPLX_NEUTRAL.npz.")
    if not vertices or not len(found["f"]) or found["shapedirs"].shape[2] < SHAPES:
        raise InputError(
            f"{path.name} has no vertices, no faces or fewer than {SHAPES} shapes: choose SMPLX_NEUTRAL.npz."
        )
    if tuple(found["kintree_table"][0, 1:].astype(int)) != PARENTS[1:]:
        raise InputError(f"{path.name} has another tree of joints than SMPL-X: choose SMPLX_NEUTRAL.npz.")
    if not all(np.isfinite(values).all() for values in found.values()):
        raise InputError(f"{path.name} holds values that are not finite numbers: download it again.")
    if found["f"].min() < 0 or found["f"].max() >= vertices:
        raise InputError(f"{path.name} has faces of vertices that there are not: download it again.")
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
