# SPDX-License-Identifier: GPL-3.0-or-later
"""The `Motion` of one body: slice, join, mirror, turn, resample, save and load it."""

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
"""Frames per second at which features are computed and networks run (FreeTalker section 3.1)."""

_Z_UP = axis_angle_to_matrix([np.pi / 2, 0.0, 0.0])  # Y-up to Z-up coordinates: y -> z, z -> -y
_RATE_KEYS = ("mocap_frame_rate", "mocap_framerate", "fps")
_KEYS = ("poses", "trans", "betas", "gender", "up_axis", *_RATE_KEYS)


@dataclass(frozen=True)
class Motion:
    """A motion clip of one body: a pelvis path and the local rotations of the 55 SMPL-X joints.

    World coordinates are Y up with the floor at y = 0; the rest pose faces +Z and its left is +X (method section 1).

    Attributes:
        translation: (T, 3) world position of the pelvis in meters.
        rotations: (T, 55, 4) local unit quaternions (w, x, y, z) relative to the SMPL-X T-pose.
        fps: frames per second.
        betas: (10,) SMPL-X shape coefficients.
        gender: "neutral", "male" or "female", as in SMPL-X files.

    Raises:
        InputError: the arrays do not have these shapes.
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
        """Duration: number of frames divided by the frame rate."""
        return len(self) / self.fps

    def slice(self, start: int, stop: int | None = None) -> "Motion":
        """Return frames start to stop, with the rules of a Python slice."""
        return replace(self, translation=self.translation[start:stop], rotations=self.rotations[start:stop])

    def forward_kinematics(self, skeleton: Skeleton) -> tuple[Array, Array]:
        """Return world positions (T, 55, 3) in meters and world rotations (T, 55, 3, 3)."""
        return skeleton.forward_kinematics(quaternion_to_matrix(self.rotations), self.translation)

    def positions(self, skeleton: Skeleton) -> Array:
        """Return world joint positions (T, 55, 3) in meters."""
        return self.forward_kinematics(skeleton)[0]

    def mirrored(self) -> "Motion":
        """Return the motion with left and right exchanged: reflected in the plane x = 0."""
        flip = np.array([1.0, 1.0, -1.0, -1.0])  # reflection in x negates the y and z of a rotation vector
        return replace(
            self,
            translation=self.translation * [-1.0, 1.0, 1.0],
            rotations=self.rotations[:, list(MIRRORED)] * flip,
        )

    def turned(self, radians: float) -> "Motion":
        """Return the motion rotated about the vertical axis through its first pelvis; positive is to the left."""
        turn = rotation_y(radians)
        pivot = self.translation[0] * [1.0, 0.0, 1.0]
        rotations = self.rotations.copy()
        rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(turn), rotations[:, 0])
        return replace(self, translation=(self.translation - pivot) @ turn.T + pivot, rotations=rotations)

    def moved(self, offset: Sequence[float]) -> "Motion":
        """Return the motion translated by offset (3,) meters."""
        return replace(self, translation=self.translation + np.asarray(offset, np.float64))

    def resampled(self, fps: float, frames: int | None = None, first: float = 0.0) -> "Motion":
        """Return the motion at another frame rate, by slerp for rotations and linear interpolation for the path.

        Frame k of the result is the pose at first + k / fps seconds.

        Args:
            fps: the new frame rate.
            frames: number of frames to return; by default as many as lie within the clip. Times outside the clip
                repeat its first or last frame.
            first: time of the first frame in seconds.

        Raises:
            InputError: fps is not positive.
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
        """Write an AMASS/SMPL-X npz: poses (T, 165), trans (T, 3), betas, gender, mocap_frame_rate.

        Like AMASS the file is Z up, which its key `up_axis` records.

        Raises:
            InputError: the file cannot be written. An existing file is then left unchanged.
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
        """Read an AMASS/SMPL-X npz with 55, 52 (SMPL-H) or 22 (SMPL body) joints; missing joints stay at rest.

        Args:
            path: the .npz file.
            up_axis: "y" or "z"; defaults to the file's own `up_axis`, then to AMASS's "z".

        Raises:
            InputError: the file cannot be read as such an npz; the message names it.
        """
        path = Path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                data = {key: file[key] for key in _KEYS if key in file.files}  # AMASS adds pickled labels
            poses = np.asarray(data["poses"], np.float64)
            trans = np.asarray(data["trans"], np.float64)
            rate = next(float(data[key]) for key in _RATE_KEYS if key in data)
        except (OSError, ValueError, KeyError, StopIteration, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path.name} is not an SMPL-X motion; use an .npz with poses (T, 165), trans and mocap_frame_rate."
            ) from error
        if poses.ndim != 2 or trans.shape != (len(poses), 3) or poses.shape[1] not in (66, 156, 165):
            raise InputError(
                f"{path.name} has poses {poses.shape} and trans {trans.shape} instead of (T, 165) and (T, 3)."
            )
        if not (np.isfinite(poses).all() and np.isfinite(trans).all() and rate > 0):
            raise InputError(f"{path.name} contains values that are not finite numbers; export it again.")
        rotations = axis_angle_to_quaternion(_to_smplx_joints(poses.reshape(len(poses), -1, 3)))
        betas = np.zeros(10)
        given = np.asarray(data.get("betas", betas), np.float64).ravel()[:10]
        betas[: len(given)] = given
        translation = trans + neutral_skeleton(betas).root_offset
        if (up_axis or str(data.get("up_axis", "z"))) == "z":
            rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(_Z_UP.T), rotations[:, 0])
            translation = translation @ _Z_UP
        gender = np.asarray(data.get("gender", "neutral")).astype(str).item()  # bytes in some AMASS files
        return Motion(translation, continuous(rotations), rate, betas, gender)


def _to_smplx_joints(poses: Array) -> Array:
    """Expand poses (T, J, 3) of 22, 52 or 55 joints to (T, 55, 3); SMPL-H has no jaw and eyes."""
    full = np.zeros((len(poses), JOINTS, 3))
    full[:, :22] = poses[:, :22]
    hands = poses[:, -30:] if poses.shape[1] > 22 else np.zeros((len(poses), 30, 3))
    full[:, 25:] = hands
    if poses.shape[1] == JOINTS:
        full[:, 22:25] = poses[:, 22:25]
    return full


def join(motions: Sequence[Motion]) -> Motion:
    """Concatenate clips in time, leaving each where it is in the world.

    Raises:
        InputError: there are no clips, or their frame rates differ.
    """
    if not motions or any(motion.fps != motions[0].fps for motion in motions):
        raise InputError("Joining requires at least one motion, and the same frame rate for all; resample them first.")
    return replace(
        motions[0],
        translation=np.concatenate([motion.translation for motion in motions]),
        rotations=continuous(np.concatenate([motion.rotations for motion in motions])),
    )


def rest_motion(frames: int, skeleton: Skeleton, fps: float = CORE_FPS) -> Motion:
    """Return the T-pose held for a number of frames, standing on the floor at the origin."""
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (frames, JOINTS, 1))
    return Motion(np.tile(skeleton.rest_positions[0] * [0.0, 1.0, 0.0], (frames, 1)), rotations, fps)
