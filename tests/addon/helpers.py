# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the add-on share: recordings, motion, and where bones are and ought to be."""

import math
import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

EXTENSION = "bl_ext.user_default.freetalker"


def write_wave(path: Path, seconds: float, rate: int = 16000, channels: int = 1, width: int = 2) -> Path:
    times = np.arange(round(seconds * rate)) / rate
    values = np.sin(2 * math.pi * 220 * times)
    samples = (values * 12000).astype("<i2") if width == 2 else (values * 60 + 128).astype(np.uint8)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(np.repeat(samples, channels).tobytes())
    return path


def wild_motion(ft: SimpleNamespace, frames: int = 30, fps: float = 24.0) -> Any:
    """Every joint turned by its own random amount, the pelvis all over the place."""
    random = np.random.default_rng(3)
    turns = np.cumsum(random.normal(size=(frames, 55, 3)) * 0.4, axis=0)
    places = np.cumsum(random.normal(size=(frames, 3)) * 0.1, axis=0) + np.array([0.0, 1.0, 0.0])
    return ft.clip.Motion(places, ft.rotation.axis_angle_to_quaternion(turns), fps=fps)


def wild_work(ft: SimpleNamespace, orders: list[Any]) -> Callable[..., Any]:
    """A stand-in for `worker.work`: wild motion where an order has changed, the base where it has not."""

    def work(order: Any, report: Callable[..., None], cancelled: Callable[[], bool]) -> Any:
        orders.append(order)
        random = np.random.default_rng(len(orders))
        frames = (
            round(max(strip.end for strip in (*order.timeline.text, *order.timeline.speech)) * order.timeline.fps) + 1
        )
        turns = ft.rotation.axis_angle_to_quaternion(np.cumsum(random.normal(size=(frames, 55, 3)) * 0.2, axis=0))
        motion = ft.clip.Motion(random.normal(size=(frames, 3)) + np.array([0, 1, 0]), turns, fps=order.timeline.fps)
        if order.base is None:
            return motion
        changed = order.changed
        translation, rotations = motion.translation, motion.rotations
        translation[~changed], rotations[~changed] = (
            order.base.translation[: len(changed)][~changed[: len(order.base)]],
            order.base.rotations[: len(changed)][~changed[: len(order.base)]],
        )
        return motion

    return work


def bone_heads(ft: SimpleNamespace, armature: Any, frame: int) -> Any:
    """Where Blender puts the bones' heads, in the world, (55, 3)."""
    bpy.context.scene.frame_set(frame)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(
        [list(evaluated.matrix_world @ evaluated.pose.bones[name].head) for name in ft.skeleton.JOINT_NAMES]
    )


def expected_heads(ft: SimpleNamespace, motion: Any) -> Any:
    """The same by core's own forward kinematics, (T, 55, 3), Z up."""
    positions = motion.positions(ft.skeleton.neutral_skeleton())
    return np.stack([positions[..., 0], -positions[..., 2], positions[..., 1]], axis=-1)


def nla_editor() -> Any:
    """A context in which Blender's own operators on strips run."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "NLA_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def append_object(path: Path, name: str) -> Any:
    """An object of a .blend file, linked to the scene and active."""
    with bpy.data.libraries.load(str(path)) as (_, into):
        into.objects = [name]
    (armature,) = into.objects
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    return armature
