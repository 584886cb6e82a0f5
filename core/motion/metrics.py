# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of motion that need no trained network: pure functions of world positions (T, 55, 3) in metres, Y up.

Measures of jerk and acceleration take any joints: positions[:, HANDS] for those of the hands.

Each says its unit. Measures of third differences depend on the frame rate and the joints: compare only like with like,
and always beside recorded motion. A clip too short for a measure has the measure 0.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .features import CONTACT_JOINTS, headings
from .rotation import Array, quaternion_to_axis_angle, rotation_y
from .skeleton import INDEX, JOINT_NAMES, Skeleton

TOES = (INDEX["left_foot"], INDEX["right_foot"])
HANDS = (INDEX["left_wrist"], INDEX["right_wrist"], *range(INDEX["left_index1"], INDEX["left_index1"] + 30))
TOE_HEIGHT = 0.05  # metres under which a toe is taken to be on the floor (Kimodo)
SKATE_SPEED = 0.2  # metres a second from which that is skating (Kimodo)
FLOAT_HEIGHT = 0.05  # metres of air under every foot from which a body is unsupported
_SSIM_WINDOW = 7
_FALLING = -9.81 / 2  # metres a second squared under which a body without support is in a jump

_LIMITS = {
    "hip": 135, "knee": 165, "ankle": 80, "foot": 75, "spine": 60, "neck": 65, "head": 75, "collar": 60,
    "shoulder": 150, "elbow": 165, "wrist": 110, "jaw": 45, "eye": 45,
}  # fmt: skip
_FINGER_LIMIT = 140  # a fist, clenched
_KNEE_BACK = 15  # degrees beyond straight
_KNEES = (INDEX["left_knee"], INDEX["right_knee"])


def acceleration(positions: Array, fps: float) -> float:
    """Mean length of the joints' second difference times fps^2, m/s^2 (FreeTalker Table 1, without its scale)."""
    return _mean(np.linalg.norm(np.diff(positions, 2, axis=0), axis=-1)) * fps**2


def jerk(positions: Array, fps: float) -> float:
    """Mean length of the joints' third difference times fps^3, m/s^3 (FreeTalker Table 1, without its scale)."""
    return _mean(np.linalg.norm(np.diff(positions, 3, axis=0), axis=-1)) * fps**3


def jerk_profile(positions: Array) -> Array:
    """Jerk a frame (T - 3,) as FlowMDM defines it: third difference, L1 over x, y, z, the largest of the joints.

    Metres per frame^3. Entry k spans frames k..k+3.
    """
    return np.abs(np.diff(positions, 3, axis=0)).sum(-1).max(-1, initial=0.0)


def peak_jerk(profiles: Sequence[Array]) -> float:
    """PJ of transitions (FlowMDM): the largest value over time of the mean of equally long jerk profiles.

    The mean hides a single pop; see `seam_peaks` for the worst one.
    """
    return float(np.mean(profiles, axis=0).max(initial=0.0))


def area_under_jerk(profiles: Sequence[Array], reference: float) -> float:
    """AUJ of transitions (FlowMDM): sum over time of |mean jerk profile - reference|, the mean jerk of recordings."""
    return float(np.abs(np.mean(profiles, axis=0) - reference).sum())


def seam_peaks(positions: Array, seams: Sequence[int], reach: int) -> tuple[Array, Array]:
    """Peak jerk about each seam, and of every equally long stretch that meets none: ((S,), (N,)), metres per frame^3.

    seams: frames where intervals meet; reach: frames of jerk profile on each side. The worst transition against the
    inside is seams.max() / np.median(inside).
    """
    profile = jerk_profile(positions)  # (T - 3,)
    if not len(profile):
        return np.zeros(len(seams)), np.zeros(0)
    spans = [range(max(seam - 2 - reach, 0), seam + reach) for seam in seams]  # a seam lies in the middle of k..k+3
    at_seams = np.array([profile[span.start : span.stop].max(initial=0.0) for span in spans])
    free = np.ones(len(profile), bool)
    for span in spans:
        free[span.start : span.stop] = False
    width = 2 * reach + 2
    starts = [k for k in range(0, len(profile) - width + 1, width) if free[k : k + width].all()]
    return at_seams, np.array([profile[k : k + width].max() for k in starts])


def transition_distance(positions: Array, frame: int) -> float:
    """Mean displacement of the joints from frame - 1 to frame as seen from the body, metres (STMC).

    Seen from the body: from the pelvis, along the axes of where it faces.
    """
    pair = positions[frame - 1 : frame + 1]
    if len(pair) < 2:
        return 0.0
    turn = rotation_y(-headings(positions)[frame - 1 : frame + 1])  # (2, 3, 3)
    local = np.einsum("tij,tkj->tki", turn, pair - pair[:, :1])
    return _mean(np.linalg.norm(local[1] - local[0], axis=-1))


def root_drift(positions: Array, fps: float) -> float:
    """How far the pelvis of a body that should stay in place ends from where it began, metres a second."""
    if len(positions) < 2:
        return 0.0
    away = (positions[-1, 0] - positions[0, 0])[[0, 2]]
    return float(np.linalg.norm(away)) / ((len(positions) - 1) / fps)


def joint_limits() -> Array:
    """(55,) radians that a joint's rotation from the T-pose does not exceed in a healthy body, the pelvis' infinite."""
    degrees = [
        np.inf if name == "pelvis" else next((limit for part, limit in _LIMITS.items() if part in name), _FINGER_LIMIT)
        for name in JOINT_NAMES
    ]
    return np.radians(degrees)


def joint_limit_violations(rotations: Array) -> float:
    """Share of frames in which a joint of local rotations (T, 55, 4) is beyond `joint_limits`, or a knee bent back."""
    turned = quaternion_to_axis_angle(rotations)  # (T, 55, 3)
    beyond = (np.linalg.norm(turned, axis=-1) > joint_limits()).any(-1)
    beyond |= (turned[:, _KNEES, 0] < -np.radians(_KNEE_BACK)).any(-1)
    return _mean(beyond)


def ssim(a: Array, b: Array, data_range: float = 1.0) -> float:
    """Mean structural similarity of two pictures (H, W), H and W at least 7 (Wang et al. 2004); 1 is the same.

    Windows of 7 x 7 that weigh alike, sample covariances, K1 0.01, K2 0.03; data_range: what lies between black and
    white. Of motions the pictures are matrices of frames by coordinates. Raises ValueError for other shapes.
    """
    size = (_SSIM_WINDOW, _SSIM_WINDOW)
    if a.shape != b.shape or min(a.shape) < _SSIM_WINDOW:
        raise ValueError(f"two pictures of one size of 7 x 7 or more are needed, not {a.shape} and {b.shape}")
    x, y = (np.lib.stride_tricks.sliding_window_view(picture, size) for picture in (a, b))  # (H - 6, W - 6, 7, 7)
    n = _SSIM_WINDOW**2
    mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
    unbiased = n / (n - 1)
    var_x, var_y = unbiased * x.var((2, 3)), unbiased * y.var((2, 3))
    shared = unbiased * (np.einsum("hwij,hwij->hw", x, y) / n - mean_x * mean_y)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * shared + c2)
    return _mean(likeness / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)))


def foot_skate(positions: Array, fps: float) -> float:
    """Mean horizontal speed, m/s, of toes that stay under 5 cm from one frame to the next (Kimodo's measure)."""
    return _mean(_low_toe_speeds(positions, fps))


def skate_ratio(positions: Array, fps: float) -> float:
    """Share of toes under 5 cm in both of two frames that move faster than 0.2 m/s (Kimodo's measure)."""
    return _mean(_low_toe_speeds(positions, fps) > SKATE_SPEED)


def slide(positions: Array) -> float:
    """Mean horizontal displacement of the feet in contact, metres a frame (Motius).

    In contact is slower than 1 cm a frame, or less than 2 cm above the clip's lowest foot.
    """
    feet = positions[:, TOES]  # (T, 2, 3)
    step = np.diff(feet, axis=0)
    low = feet[1:, :, 1] < feet[..., 1].min(initial=np.inf) + 0.02
    contact = low | (np.linalg.norm(step, axis=-1) < 0.01)
    return _mean(np.linalg.norm(step[..., [0, 2]], axis=-1)[contact])


def sole_heights(positions: Array, skeleton: Skeleton) -> Array:
    """Height of the sole under left ankle, left foot, right ankle, right foot: (T, 4) metres.

    That is how far the joint is above its height in the rest pose.
    """
    return positions[:, CONTACT_JOINTS, 1] - skeleton.rest_positions[list(CONTACT_JOINTS), 1]


def penetration(positions: Array, skeleton: Skeleton) -> float:
    """Mean over frames of how deep the deepest sole is under the floor, metres."""
    return _mean(np.maximum(-sole_heights(positions, skeleton).min(-1), 0.0))


def floating(positions: Array, skeleton: Skeleton, fps: float) -> float:
    """Share of frames in which nothing holds the body up, though it is not in a jump (after Motius' Float).

    Unsupported: every foot more than 5 cm up and every other joint more than 10 cm. In a jump the pelvis falls with
    half of gravity at the least.
    """
    if len(positions) < 3:
        return 0.0
    unsupported = (sole_heights(positions, skeleton) > FLOAT_HEIGHT).all(-1)
    unsupported &= (np.delete(positions[..., 1], CONTACT_JOINTS, axis=1) > 0.10).all(-1)
    fall = np.diff(positions[:, 0, 1], 2) * fps**2
    return _mean(unsupported[1:-1] & (fall > _FALLING))


def _low_toe_speeds(positions: Array, fps: float) -> Array:
    toes = positions[:, TOES]  # (T, 2, 3)
    low = toes[..., 1] < TOE_HEIGHT
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps
    return speed[low[1:] & low[:-1]]


def _mean(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else 0.0
