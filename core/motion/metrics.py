# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of motion that need no trained network: functions of world positions (T, 55, 3) in meters, Y up.

Jerk and acceleration accept any joints, for example positions[:, HANDS]. They depend on the frame rate and on the
joints, so compare only values computed alike, next to those of recorded motion. A clip too short for a metric gives 0.

The sources are FreeTalker Table 1, FlowMDM (Barquero et al. 2024), STMC (Petrovich et al. 2024), and the metrics of
Kimodo and Motius where named.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .features import CONTACT_JOINTS, headings
from .rotation import Array, quaternion_to_axis_angle, rotation_y
from .skeleton import INDEX, JOINT_NAMES, Skeleton

TOES = (INDEX["left_foot"], INDEX["right_foot"])
HANDS = (INDEX["left_wrist"], INDEX["right_wrist"], *range(INDEX["left_index1"], INDEX["left_index1"] + 30))
TOE_HEIGHT = 0.05  # meters; a lower toe counts as on the floor (Kimodo)
SKATE_SPEED = 0.2  # meters per second; a faster toe on the floor counts as skating (Kimodo)
FLOAT_HEIGHT = 0.05  # meters; with every sole higher the body counts as unsupported
_SSIM_WINDOW = 7
_FREE_FALL = -9.81 / 2  # meters per second squared; an unsupported pelvis that accelerates below this is jumping

_LIMITS = {
    "hip": 135, "knee": 165, "ankle": 80, "foot": 75, "spine": 60, "neck": 65, "head": 75, "collar": 60,
    "shoulder": 150, "elbow": 165, "wrist": 110, "jaw": 45, "eye": 45,
}  # fmt: skip
_FINGER_LIMIT = 140  # a clenched fist
_KNEE_HYPEREXTENSION = 15  # degrees beyond straight
_KNEES = (INDEX["left_knee"], INDEX["right_knee"])


def acceleration(positions: Array, fps: float) -> float:
    """Mean norm of the joints' acceleration by second differences, m/s² (FreeTalker Table 1, apart from its scale)."""
    return _mean(np.linalg.norm(np.diff(positions, 2, axis=0), axis=-1)) * fps**2


def jerk(positions: Array, fps: float) -> float:
    """Mean norm of the joints' jerk by third differences, m/s³ (FreeTalker Table 1, apart from its scale)."""
    return _mean(np.linalg.norm(np.diff(positions, 3, axis=0), axis=-1)) * fps**3


def jerk_profile(positions: Array) -> Array:
    """Jerk over time as defined by FlowMDM: L1 norm of third differences, maximum over joints.

    Returns:
        (T - 3,) in meters per frame³; entry k spans frames k..k + 3.
    """
    return np.abs(np.diff(positions, 3, axis=0)).sum(-1).max(-1, initial=0.0)


def peak_jerk(profiles: Sequence[Array]) -> float:
    """Peak jerk (PJ) of transitions (FlowMDM): maximum over time of the mean of equally long jerk profiles.

    Unlike `seam_peaks`, which finds the worst transition, the mean hides a single pop.
    """
    return float(np.mean(profiles, axis=0).max(initial=0.0))


def area_under_jerk(profiles: Sequence[Array], reference: float) -> float:
    """Area under the jerk (AUJ) of transitions (FlowMDM): sum over time of |mean jerk profile - reference|.

    Args:
        profiles: equally long results of `jerk_profile` around transitions.
        reference: mean of the jerk profile of recorded motion.
    """
    return float(np.abs(np.mean(profiles, axis=0) - reference).sum())


def seam_peaks(positions: Array, seams: Sequence[int], reach: int) -> tuple[Array, Array]:
    """Compute the peak jerk around each seam, and of equally long stretches without a seam.

    Args:
        positions: (T, J, 3) world positions in meters.
        seams: S frames at which intervals meet.
        reach: frames of the jerk profile on each side of a seam.

    Returns:
        Peaks at the seams (S,) and of the N stretches elsewhere (N,), both in meters per frame³. How much worse the
        worst transition is than motion inside intervals is at_seams.max() / np.median(elsewhere).
    """
    profile = jerk_profile(positions)  # (T - 3,)
    if not len(profile):
        return np.zeros(len(seams)), np.zeros(0)
    spans = [range(max(seam - 2 - reach, 0), seam + reach) for seam in seams]  # entry seam - 2 is centered on the seam
    at_seams = np.array([profile[span.start : span.stop].max(initial=0.0) for span in spans])
    free = np.ones(len(profile), bool)
    for span in spans:
        free[span.start : span.stop] = False
    width = 2 * reach + 2
    starts = [k for k in range(0, len(profile) - width + 1, width) if free[k : k + width].all()]
    return at_seams, np.array([profile[k : k + width].max() for k in starts])


def transition_distance(positions: Array, frame: int) -> float:
    """Mean displacement of the joints from frame - 1 to frame relative to pelvis and heading, in meters (STMC)."""
    pair = positions[frame - 1 : frame + 1]
    if len(pair) < 2:
        return 0.0
    turn = rotation_y(-headings(positions)[frame - 1 : frame + 1])  # (2, 3, 3)
    local = np.einsum("tij,tkj->tki", turn, pair - pair[:, :1])
    return _mean(np.linalg.norm(local[1] - local[0], axis=-1))


def root_drift(positions: Array, fps: float) -> float:
    """Horizontal distance from first to last pelvis per second, m/s: the drift of a body that should stay in place."""
    if len(positions) < 2:
        return 0.0
    away = (positions[-1, 0] - positions[0, 0])[[0, 2]]
    return float(np.linalg.norm(away)) / ((len(positions) - 1) / fps)


def joint_limits() -> Array:
    """Return the largest rotation (55,) in radians from the T-pose that each joint allows; infinite for the pelvis."""
    degrees = [
        np.inf if name == "pelvis" else next((limit for part, limit in _LIMITS.items() if part in name), _FINGER_LIMIT)
        for name in JOINT_NAMES
    ]
    return np.radians(degrees)


def joint_limit_violations(rotations: Array) -> float:
    """Fraction of frames of local rotations (T, 55, 4) that exceed `joint_limits` or hyperextend a knee."""
    turned = quaternion_to_axis_angle(rotations)  # (T, 55, 3)
    beyond = (np.linalg.norm(turned, axis=-1) > joint_limits()).any(-1)
    beyond |= (turned[:, _KNEES, 0] < -np.radians(_KNEE_HYPEREXTENSION)).any(-1)
    return _mean(beyond)


def ssim(a: Array, b: Array, data_range: float = 1.0) -> float:
    """Compute the mean structural similarity of two images (Wang et al. 2004); 1 means identical.

    Uniform 7 x 7 windows, sample covariances, K1 = 0.01 and K2 = 0.03. To compare motions, pass matrices of frames by
    coordinates as images.

    Args:
        a: (H, W), both at least 7.
        b: (H, W).
        data_range: difference between the largest and smallest possible value.

    Raises:
        ValueError: the shapes differ, or are smaller than 7 x 7.
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
    """Mean horizontal speed in m/s of toes that are below 5 cm in two consecutive frames (Kimodo)."""
    return _mean(_low_toe_speeds(positions, fps))


def skate_ratio(positions: Array, fps: float) -> float:
    """Fraction of toes below 5 cm in two consecutive frames that move faster than 0.2 m/s (Kimodo)."""
    return _mean(_low_toe_speeds(positions, fps) > SKATE_SPEED)


def slide(positions: Array) -> float:
    """Mean horizontal displacement of feet in contact, in meters per frame (Motius).

    A foot is in contact while it moves less than 1 cm per frame or is less than 2 cm above the clip's lowest foot.
    """
    feet = positions[:, TOES]  # (T, 2, 3)
    step = np.diff(feet, axis=0)
    low = feet[1:, :, 1] < feet[..., 1].min(initial=np.inf) + 0.02
    contact = low | (np.linalg.norm(step, axis=-1) < 0.01)
    return _mean(np.linalg.norm(step[..., [0, 2]], axis=-1)[contact])


def sole_heights(positions: Array, skeleton: Skeleton) -> Array:
    """Height (T, 4) in meters of left ankle, left foot, right ankle and right foot above their rest pose height."""
    return positions[:, CONTACT_JOINTS, 1] - skeleton.rest_positions[list(CONTACT_JOINTS), 1]


def penetration(positions: Array, skeleton: Skeleton) -> float:
    """Mean over frames of the depth of the lowest sole below the floor, in meters."""
    return _mean(np.maximum(-sole_heights(positions, skeleton).min(-1), 0.0))


def floating(positions: Array, skeleton: Skeleton, fps: float) -> float:
    """Fraction of frames in which the body is neither supported nor jumping (after Motius' Float).

    The body is unsupported if every sole is more than 5 cm and every other joint more than 10 cm above the floor. It
    is jumping if the pelvis accelerates downward by at least half of gravity.
    """
    if len(positions) < 3:
        return 0.0
    unsupported = (sole_heights(positions, skeleton) > FLOAT_HEIGHT).all(-1)
    unsupported &= (np.delete(positions[..., 1], CONTACT_JOINTS, axis=1) > 0.10).all(-1)
    fall = np.diff(positions[:, 0, 1], 2) * fps**2
    return _mean(unsupported[1:-1] & (fall > _FREE_FALL))


def _low_toe_speeds(positions: Array, fps: float) -> Array:
    toes = positions[:, TOES]  # (T, 2, 3)
    low = toes[..., 1] < TOE_HEIGHT
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps
    return speed[low[1:] & low[:-1]]


def _mean(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else 0.0
