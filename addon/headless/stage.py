# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for videos of the character: floor, light, a camera that follows, and rendering."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TextIO, cast

import bpy
import numpy as np
from mathutils import Vector

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.filters import gaussian_filter
from .. import compat
from ..takes import bake
from ..units import Z_UP, Array

_OFFSET = np.array([1.5, -4.6, 0.75])  # from the point that the camera looks at to the camera: in front, to the left
_LOOK_HEIGHT = 0.95  # meters above the floor
_LENS = 41.0  # millimeters
_SMOOTHING = 0.8  # seconds, standard deviation of the smoothing of the camera's path
_TILES = 20  # tiles of one metre around the character's path
_COLORS = (("Stage Light", (0.56, 0.58, 0.61)), ("Stage Dark", (0.47, 0.49, 0.52)))
_BACKDROP = (0.16, 0.18, 0.21)


def build(scene: bpy.types.Scene, motion: Motion, size: tuple[int, int]) -> None:
    """Add floor, light and camera to a scene, and set up rendering.

    Args:
        scene: The scene.
        motion: At the scene's frame rate, from its first frame on.
        size: (width, height) in pixels.
    """
    path = motion.translation @ Z_UP.T * [1.0, 1.0, 0.0]  # (T, 3) on the floor
    _add_floor(scene, path)
    _add_sun(scene)
    _add_camera(scene, _smooth(path, _SMOOTHING * motion.fps))
    _set_look(scene, size)


def render_video(scene: bpy.types.Scene, path: Path, on_frame: Callable[[int, int], object]) -> None:
    """Render the scene's frame range to an MP4 file with sound.

    Args:
        scene: The scene.
        path: The .mp4 file.
        on_frame: Called as on_frame(done, total) after each frame.

    Raises:
        InputError: Blender could not write the video.
    """
    settings = compat.set_video_output(scene.render)
    settings.constant_rate_factor = "HIGH"
    settings.audio_bitrate = 160
    scene.render.use_file_extension = False
    scene.render.filepath = str(path)
    total = scene.frame_end - scene.frame_start + 1
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        on_frame(done, total)

    bpy.app.handlers.render_write.append(count)
    try:
        with _quiet() as log:
            bpy.ops.render.render(animation=True, scene=scene.name)
            words = log()
    finally:
        bpy.app.handlers.render_write.remove(count)
    if done < total or not path.is_file():
        raise InputError(f"Blender could not write the video {path}: {words[-300:].strip() or 'no reason was given'}.")


def write_sound(path: Path) -> None:
    """Mix the current scene's sound over its frame range to a WAV file; silence if it has none.

    Raises:
        InputError: Blender could not write the file.
    """
    try:
        bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16")
    except RuntimeError as error:
        raise InputError(f"Blender could not write the sound {path}: {str(error).strip()}.") from error


@contextlib.contextmanager
def _quiet() -> Generator[Callable[[], str]]:
    """Capture Blender's own console output, and provide a function that returns it; Python's output is still shown."""
    streams: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile("w+", errors="replace") as file:

        def words() -> str:
            file.seek(0)
            return file.read()

        try:
            with open(kept[0], "w", closefd=False) as out, open(kept[1], "w", closefd=False) as err:
                sys.stdout, sys.stderr = out, err
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                yield words
        finally:
            sys.stdout, sys.stderr = streams
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)


def _smooth(path: Array, width: float) -> Array:
    """Smooth the columns of (T, 3) by a Gaussian with a standard deviation of `width` frames, extending the ends."""
    return gaussian_filter(path, width, int(3 * width) + 1)


def _add_floor(scene: bpy.types.Scene, path: Array) -> None:
    """Add a checkerboard of one-metre tiles around the path (T, 3), which makes travel visible."""
    low = np.floor(path.min(axis=0)).astype(int) - _TILES
    high = np.ceil(path.max(axis=0)).astype(int) + _TILES
    columns, rows = high[0] - low[0], high[1] - low[1]
    x, y = np.meshgrid(np.arange(columns + 1) + low[0], np.arange(rows + 1) + low[1])
    vertices = np.column_stack((x.ravel(), y.ravel(), np.zeros(x.size)))
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()  # a tile's corner
    faces = np.column_stack((first, first + 1, first + columns + 2, first + columns + 1))
    mesh = bpy.data.meshes.new("Stage Floor")
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    for name, color in _COLORS:
        material = bpy.data.materials.new(name)
        material.diffuse_color = (*color, 1.0)
        shader = next(node for node in compat.use_nodes(material).nodes if node.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value = (*color, 1.0)
        mesh.materials.append(material)
    checker = (np.add.outer(np.arange(rows), np.arange(columns)) % 2).ravel()
    mesh.polygons.foreach_set("material_index", checker.astype(np.int32))
    scene.collection.objects.link(bpy.data.objects.new("Stage Floor", mesh))


def _add_sun(scene: bpy.types.Scene) -> None:
    """Add a light for other render engines than Workbench, which has its own."""
    light = cast("bpy.types.SunLight", bpy.data.lights.new("Stage Sun", "SUN"))
    light.energy = 3.0
    light.angle = 0.1
    sun = bpy.data.objects.new("Stage Sun", light)
    sun.rotation_euler = (0.8, 0.15, 0.5)
    scene.collection.objects.link(sun)


def _add_camera(scene: bpy.types.Scene, path: Array) -> None:
    """Add a camera with a fixed direction that moves along a path (T, 3), with one key per frame."""
    data = bpy.data.cameras.new("Stage Camera")
    data.lens = _LENS
    camera = bpy.data.objects.new("Stage Camera", data)
    camera.rotation_mode = "QUATERNION"
    camera.rotation_quaternion = Vector((-_OFFSET).tolist()).to_track_quat("-Z", "Y")
    scene.collection.objects.link(camera)
    scene.camera = camera
    places = path + _OFFSET + [0.0, 0.0, _LOOK_HEIGHT]
    action, slot, bag = compat.new_action("Stage Camera", camera.name)
    frames = scene.frame_start + np.arange(len(path), dtype=np.float64)
    for axis in range(3):
        bake.write_keys(compat.new_curve(bag, "location", axis, "Location"), frames, places[:, axis])
    animation = camera.animation_data_create()
    animation.action = action
    animation.action_slot = slot


def _set_look(scene: bpy.types.Scene, size: tuple[int, int]) -> None:
    """Set up Workbench, which is fast without a graphics card."""
    render: Any = scene.render  # its engines are only known at run time
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    display = cast("bpy.types.SceneDisplay", scene.display)
    display.render_aa = "FXAA"  # several samples take several times as long
    display.light_direction = (-0.35, 0.85, 0.4)
    display.shadow_focus = 0.3
    shading = cast("bpy.types.View3DShading", display.shading)
    shading.light = "STUDIO"
    shading.studio_light = "paint.sl"
    shading.color_type = "MATERIAL"
    shading.show_shadows = True
    shading.shadow_intensity = 0.5
    shading.show_cavity = True
    shading.cavity_type = "SCREEN"
    shading.show_specular_highlight = True
    view: Any = scene.view_settings  # its transforms are only known at run time
    view.view_transform = "Standard"
    if scene.world is None:
        scene.world = bpy.data.worlds.new("Stage")
    scene.world.color = _BACKDROP
