# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert between axis-angle, quaternion, matrix, 6D and Euler rotations.

Quaternions are (w, x, y, z) and matrices act on column vectors. All functions accept any leading shape (...) and
compute in float64.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

_TINY = 1e-12
_AXES = {"X": 0, "Y": 1, "Z": 2}


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), _TINY)


def axis_angle_to_quaternion(v: npt.ArrayLike) -> Array:
    """Convert rotation vectors in radians (..., 3) to unit quaternions (..., 4).

    >>> axis_angle_to_quaternion([0.0, 0.0, np.pi]).round(6).tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    v = np.asarray(v, np.float64)
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    # sin(a/2)/a tends to 1/2; numpy's sinc is exact at zero
    return np.concatenate([np.cos(angle / 2), v * np.sinc(angle / (2 * np.pi)) / 2], -1)


def quaternion_to_axis_angle(q: npt.ArrayLike) -> Array:
    """Convert unit quaternions (..., 4) to rotation vectors (..., 3) of at most pi radians."""
    q = np.asarray(q, np.float64)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    scale: Array = np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)
    return q[..., 1:] * scale


def quaternion_to_matrix(q: npt.ArrayLike) -> Array:
    """Convert unit quaternions (..., 4) to matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def matrix_to_quaternion(m: npt.ArrayLike) -> Array:
    """Convert rotation matrices (..., 3, 3) to unit quaternions (..., 4) with w >= 0.

    For each matrix the best conditioned of four square-root branches is used (Shepperd 1978).
    """
    m = np.asarray(m, np.float64)
    d = np.diagonal(m, axis1=-2, axis2=-1)
    trace = d.sum(-1)
    choices = np.stack([trace, d[..., 0], d[..., 1], d[..., 2]], -1)
    best = choices.argmax(-1)[..., None, None]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    squares = 1 + 2 * choices - trace[..., None]
    squares[..., 0] = 1 + trace
    candidates = np.stack(
        [
            np.stack([squares[..., 0], wx, wy, wz], -1),
            np.stack([wx, squares[..., 1], xy, xz], -1),
            np.stack([wy, xy, squares[..., 2], yz], -1),
            np.stack([wz, xz, yz, squares[..., 3]], -1),
        ],
        -2,
    )
    q = _unit(np.take_along_axis(candidates, best, axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def axis_angle_to_matrix(v: npt.ArrayLike) -> Array:
    """Convert rotation vectors in radians (..., 3) to matrices (..., 3, 3)."""
    return quaternion_to_matrix(axis_angle_to_quaternion(v))


def matrix_to_axis_angle(m: npt.ArrayLike) -> Array:
    """Convert matrices (..., 3, 3) to rotation vectors (..., 3) of at most pi radians."""
    return quaternion_to_axis_angle(matrix_to_quaternion(m))


def matrix_to_6d(m: npt.ArrayLike) -> Array:
    """Convert matrices (..., 3, 3) to 6D rotations (..., 6): their first two columns (Zhou et al. 2019).

    Unlike here, PyTorch3D's 6D rotation is the first two rows.
    """
    m = np.asarray(m, np.float64)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], -1)


def matrix_from_6d(v: npt.ArrayLike) -> Array:
    """Convert 6D rotations (..., 6), which need not be orthonormal, to matrices (..., 3, 3) by Gram-Schmidt."""
    v = np.asarray(v, np.float64)
    x = _unit(v[..., :3])
    y = _unit(v[..., 3:] - (x * v[..., 3:]).sum(-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], -1)


def quaternion_multiply(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """Compute the Hamilton product a b (..., 4): rotation by b, then by a."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, np.float64), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, np.float64), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def quaternion_conjugate(q: npt.ArrayLike) -> Array:
    """Invert unit quaternions (..., 4)."""
    return np.asarray(q, np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def slerp(a: npt.ArrayLike, b: npt.ArrayLike, weight: npt.ArrayLike) -> Array:
    """Interpolate along the shorter arc between quaternions (Shoemake 1985).

    Args:
        a: (..., 4) unit quaternions, returned at weight 0.
        b: (..., 4) unit quaternions, returned at weight 1.
        weight: broadcasts to (...).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    delta = quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(a), b))
    return _unit(quaternion_multiply(a, axis_angle_to_quaternion(np.asarray(weight, np.float64)[..., None] * delta)))


def continuous(q: npt.ArrayLike) -> Array:
    """Flip signs of quaternions (T, ..., 4) so that consecutive frames lie in one hemisphere."""
    q = np.asarray(q, np.float64)
    flips = np.where((q[1:] * q[:-1]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    return np.concatenate([q[:1], q[1:] * np.cumprod(flips, 0)], 0)


def rotation_y(angle: npt.ArrayLike) -> Array:
    """Return rotations (..., 3, 3) about the up axis by angle (...) in radians; positive takes +Z toward +X, the left.

    >>> (rotation_y(np.pi / 2) @ [0.0, 0.0, 1.0]).round(6).tolist()
    [1.0, 0.0, 0.0]
    """
    angle = np.asarray(angle, np.float64)
    return axis_angle_to_matrix(angle[..., None] * np.array([0.0, 1.0, 0.0]))


def rotation_between(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """Return the smallest rotation (..., 3, 3) that takes direction a (..., 3) to direction b (..., 3).

    The lengths of a and b do not matter. Opposite directions rotate by pi about an axis perpendicular to a.
    """
    a, b = np.broadcast_arrays(_unit(np.asarray(a, np.float64)), _unit(np.asarray(b, np.float64)))
    cosine = (a * b).sum(-1, keepdims=True)
    helper = np.where(np.abs(a[..., :1]) < 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    opposite = np.concatenate([np.zeros_like(cosine), _unit(np.cross(a, helper))], -1)
    q = np.concatenate([1 + cosine, np.cross(a, b)], -1)
    return quaternion_to_matrix(np.where(cosine < -1 + 1e-9, opposite, _unit(q)))


def nearest_rotation(m: npt.ArrayLike) -> Array:
    """Return the proper rotation (..., 3, 3) nearest to a matrix (..., 3, 3) in the Frobenius norm (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(np.asarray(m, np.float64))
    sign = np.ones(u.shape[:-1])
    sign[..., 2] = np.sign(np.linalg.det(u @ vt))
    return (u * sign[..., None, :]) @ vt


def euler_to_matrix(angles: npt.ArrayLike, order: str) -> Array:
    """Convert intrinsic Euler angles in radians (..., n) about the n axes of order, such as "ZXY", to matrices."""
    angles = np.asarray(angles, np.float64)
    result = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for i, axis in enumerate(order.upper()):
        result = result @ axis_angle_to_matrix(angles[..., i, None] * np.eye(3)[_AXES[axis]])
    return result


def matrix_to_euler(m: npt.ArrayLike, order: str) -> Array:
    """Convert matrices (..., 3, 3) to intrinsic Euler angles in radians (..., 3).

    Args:
        m: rotation matrices.
        order: three different axes, such as "ZXY".

    Returns:
        Angles in that order; at gimbal lock the third is 0.
    """
    m = np.asarray(m, np.float64)
    i, j, k = (_AXES[axis] for axis in order.upper())
    parity = 1.0 if (j - i) % 3 == 1 else -1.0
    middle = np.arcsin(np.clip(parity * m[..., i, k], -1, 1))
    locked = np.abs(m[..., i, k]) > 1 - 1e-9
    first = np.where(
        locked,
        np.arctan2(parity * m[..., k, j], m[..., j, j]),
        np.arctan2(-parity * m[..., j, k], m[..., k, k]),
    )
    third = np.where(locked, 0.0, np.arctan2(-parity * m[..., i, j], m[..., i, i]))
    return np.stack([first, middle, third], -1)
