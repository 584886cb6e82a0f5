# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: a pelvis path and 55 local rotations; slice, join, mirror, resample, save and load."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import replacing
from .rotation import (
    Array,
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    continuous,
    matrix_to_quaternion,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_y,
    slerp,
)
from .skeleton import JOINTS, MIRRORED, Skeleton, neutral_skeleton

CORE_FPS = 20.0
"""Frames per second of features, networks and everything between them."""

_Z_UP = axis_angle_to_matrix([np.pi / 2, 0.0, 0.0])  # y -> z, z -> -y: a Y-up world seen with Z up
_RATE_KEYS = ("mocap_frame_rate", "mocap_framerate", "fps")
_KEYS = ("poses", "trans", "betas", "gender", "up_axis", *_RATE_KEYS)


@dataclass(frozen=True)
class Motion:
    """A clip of one body.

    translation: (T, 3) world position of the pelvis in metres; Y up, the floor at y = 0, facing +Z, left is +X.
    rotations: (T, 55, 4) local unit quaternions (w, x, y, z) relative to the SMPL-X T-pose.
    fps: frames per second. betas: (10,) SMPL-X shape. gender: as in SMPL-X files.
    """

    translation: Array
    rotations: Array
    fps: float = CORE_FPS
    betas: Array = field(default_factory=lambda: np.zeros(10))
    gender: str = "neutral"

    def __post_init__(self) -> None:
        frames = len(self.translation)
        if self.translation.shape != (frames, 3) or self.rotations.shape != (frames, JOINTS, 4):
            raise InputError(
                f"A motion needs a translation (T, 3) and rotations (T, {JOINTS}, 4), not "
                f"{self.translation.shape} and {self.rotations.shape}."
            )

    def __len__(self) -> int:
        return len(self.translation)

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    def slice(self, start: int, stop: int | None = None) -> "Motion":
        """Frames start..stop, as Python slices do."""
        return replace(self, translation=self.translation[start:stop], rotations=self.rotations[start:stop])

    def forward_kinematics(self, skeleton: Skeleton) -> tuple[Array, Array]:
        """World positions (T, 55, 3) and world rotations (T, 55, 3, 3)."""
        return skeleton.forward_kinematics(quaternion_to_matrix(self.rotations), self.translation)

    def positions(self, skeleton: Skeleton) -> Array:
        """World joint positions (T, 55, 3)."""
        return self.forward_kinematics(skeleton)[0]

    def mirrored(self) -> "Motion":
        """Left and right exchanged (reflection in the plane x = 0)."""
        flip = np.array([1.0, 1.0, -1.0, -1.0])  # a reflection in x keeps a rotation's x and turns its y and z
        return replace(
            self,
            translation=self.translation * [-1.0, 1.0, 1.0],
            rotations=self.rotations[:, list(MIRRORED)] * flip,
        )

    def turned(self, radians: float) -> "Motion":
        """Turned about the vertical through the pelvis of the first frame; positive turns to the left."""
        turn = rotation_y(radians)
        pivot = self.translation[0] * [1.0, 0.0, 1.0]
        rotations = self.rotations.copy()
        rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(turn), rotations[:, 0])
        return replace(self, translation=(self.translation - pivot) @ turn.T + pivot, rotations=rotations)

    def moved(self, offset: Sequence[float]) -> "Motion":
        """Shifted by offset (3,) metres."""
        return replace(self, translation=self.translation + np.asarray(offset, np.float64))

    def resampled(self, fps: float, frames: int | None = None, first: float = 0.0) -> "Motion":
        """At another frame rate: frame k is the pose at first + k / fps seconds, by slerp and linear interpolation.

        frames: how many to make; as many as lie within the clip where not given. Times outside hold its end.
        """
        if fps <= 0:
            raise InputError(f"A frame rate must be above 0, not {fps}.")
        if frames is None:
            frames = int(np.floor(((len(self) - 1) / self.fps - first) * fps + 1e-6)) + 1
        if fps == self.fps and frames == len(self) and first == 0.0:
            return self
        times = np.clip(first * self.fps + np.arange(frames) * (self.fps / fps), 0, len(self) - 1)
        low = np.minimum(times.astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        weight = times - low
        translation = (1 - weight[:, None]) * self.translation[low] + weight[:, None] * self.translation[high]
        rotations = slerp(self.rotations[low], self.rotations[high], weight[:, None])
        return replace(self, translation=translation, rotations=continuous(rotations), fps=float(fps))

    def save(self, path: Path | str) -> None:
        """Write the AMASS/SMPL-X npz layout: poses (T, 165), trans (T, 3), betas, gender, mocap_frame_rate.

        AMASS is Z up, and so is the file (recorded under `up_axis`). Raises InputError where it cannot be written; what
        was there stays then.
        """
        path = Path(path)
        rotations = self.rotations.copy()
        rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(_Z_UP), rotations[:, 0])
        root_offset = neutral_skeleton(self.betas).root_offset
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(
                file,
                poses=quaternion_to_axis_angle(rotations).reshape(len(self), -1).astype(np.float32),
                trans=(self.translation @ _Z_UP.T - root_offset).astype(np.float32),
                betas=self.betas.astype(np.float32),
                gender=self.gender,
                mocap_frame_rate=np.float64(self.fps),
                up_axis="z",
            )

    @staticmethod
    def load(path: Path | str, up_axis: str | None = None) -> "Motion":
        """Read an AMASS/SMPL-X npz of 55 joints (or 22 body or 52 SMPL-H joints; the rest stay at rest).

        up_axis: "y" or "z"; where not given the file's own `up_axis`, and AMASS's z otherwise.
        Raises InputError naming the file where it is not such an npz.
        """
        path = Path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                data = {key: file[key] for key in _KEYS if key in file.files}  # AMASS has pickled labels beside them
            poses = np.asarray(data["poses"], np.float64)
            trans = np.asarray(data["trans"], np.float64)
            rate = next(float(data[key]) for key in _RATE_KEYS if key in data)
        except (OSError, ValueError, KeyError, StopIteration, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path.name} is no SMPL-X motion: an npz with poses (T, 165), trans and mocap_frame_rate is needed."
            ) from error
        if poses.ndim != 2 or trans.shape != (len(poses), 3) or poses.shape[1] not in (66, 156, 165):
            raise InputError(f"{path.name} has poses {poses.shape} and trans {trans.shape}, not (T, 165) and (T, 3).")
        if not (np.isfinite(poses).all() and np.isfinite(trans).all() and rate > 0):
            raise InputError(f"{path.name} holds values that are not finite numbers.")
        rotations = axis_angle_to_quaternion(_spread(poses.reshape(len(poses), -1, 3)))
        betas = np.zeros(10)
        given = np.asarray(data.get("betas", betas), np.float64).ravel()[:10]
        betas[: len(given)] = given
        translation = trans + neutral_skeleton(betas).root_offset
        if (up_axis or str(data.get("up_axis", "z"))) == "z":
            rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(_Z_UP.T), rotations[:, 0])
            translation = translation @ _Z_UP
        gender = np.asarray(data.get("gender", "neutral")).astype(str).item()  # AMASS has bytes here and there
        return Motion(translation, continuous(rotations), rate, betas, gender)


def _spread(poses: Array) -> Array:
    """Poses of 22, 52 or 55 joints (T, J, 3) -> (T, 55, 3); SMPL-H has no jaw and eyes."""
    full = np.zeros((len(poses), JOINTS, 3))
    full[:, :22] = poses[:, :22]
    hands = poses[:, -30:] if poses.shape[1] > 22 else np.zeros((len(poses), 30, 3))
    full[:, 25:] = hands
    if poses.shape[1] == JOINTS:
        full[:, 22:25] = poses[:, 22:25]
    return full


def join(motions: Sequence[Motion]) -> Motion:
    """Clips of one frame rate, one after the other, as they stand in the world.

    Raises InputError where there is none, or frame rates differ.
    """
    if not motions or any(motion.fps != motions[0].fps for motion in motions):
        raise InputError("Joining needs at least one motion, and one frame rate for all: resample first.")
    return replace(
        motions[0],
        translation=np.concatenate([motion.translation for motion in motions]),
        rotations=continuous(np.concatenate([motion.rotations for motion in motions])),
    )


def rest_motion(frames: int, skeleton: Skeleton, fps: float = CORE_FPS) -> Motion:
    """The T-pose for some frames, standing on the floor at the origin."""
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (frames, JOINTS, 1))
    return Motion(np.tile(skeleton.rest_positions[0] * [0.0, 1.0, 0.0], (frames, 1)), rotations, fps)
