# SPDX-License-Identifier: GPL-3.0-or-later
"""A preview of the motion being generated, drawn as lines in the 3D viewport.

Nothing is written to the file: the lines are drawn from the running job, and disappear with it.
"""

from typing import Any, cast

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import Array
from ...core.motion.skeleton import INDEX, PARENTS
from .. import job
from ..data import current_context
from ..generation import session
from ..rigs import armature as rig
from ..units import frames_per_second

_BONES = [(PARENTS[joint], joint) for joint in range(1, len(PARENTS))]
_FACE = [(INDEX["left_eye"], INDEX["right_eye"])]  # forms a triangle with the head that shows where it faces
_FINGERS = [pair for pair in _BONES if pair[1] > INDEX["right_eye"]]
_BODY = [pair for pair in _BONES if pair not in _FINGERS] + _FACE
_WIDTHS = ((_FINGERS, 1.5), (_BODY, 3.0))  # pixels at an interface scale of 1
_EDGE = 2.0  # pixels, width of the outline

_cached: tuple[Motion | None, Array] = (None, np.zeros((0, 55, 3)))


def points(scene: bpy.types.Scene, armature: bpy.types.Object) -> Array | None:
    """Return the joints (55, 3) of the preview at the scene's current frame, in world space.

    Returns:
        None if there is no preview, or the frame is not being generated.
    """
    global _cached  # noqa: PLW0603 - computed once per preview
    running, motion = session.running(armature), session.preview(armature)
    if running is None or motion is None:
        _cached = (None, np.zeros((0, 55, 3)))
        return None
    if motion is not _cached[0]:
        try:
            _cached = (motion, rig.joints(motion, armature))
        except InputError:  # the bone map was changed meanwhile
            return None
    seconds = (scene.frame_current_final - running.first_frame) / frames_per_second(scene)
    k = round(seconds * motion.fps)
    if not (0 <= k < min(len(motion), len(running.new)) and running.new[k]):
        return None
    world = np.array(armature.matrix_world)
    return _cached[1][k] @ world[:3, :3].T + world[:3, 3]


def _draw() -> None:
    """Draw the lines in the theme's colors of posed bones and wires."""
    if job.current() is None:
        return
    context = current_context()
    space = cast("bpy.types.SpaceView3D", context.space_data)
    if not space.overlay.show_overlays:
        return
    armature = next((one for one in context.view_layer.objects if session.preview(one) is not None), None)
    if armature is None or not armature.visible_in_viewport_get(space):
        return
    places = points(context.scene, armature)
    if places is None:
        return
    import gpu
    from gpu_extras.batch import batch_for_shader

    theme, scale = context.preferences.themes[0].view_3d, context.preferences.system.ui_scale
    shader: Any = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("NONE")
    viewport: Any = gpu.state.viewport_get()
    shader.uniform_float("viewportSize", viewport[2:])
    for edge, color in ((_EDGE, (*theme.wire[:3], 0.6)), (0.0, (*theme.bone_pose[:3], 1.0))):
        for pairs, width in _WIDTHS:
            shader.uniform_float("lineWidth", (width + edge) * scale)
            shader.uniform_float("color", color)
            batch_for_shader(shader, "LINES", {"pos": places[np.ravel(pairs)].tolist()}).draw(shader)
    gpu.state.blend_set("NONE")


_handlers: list[object] = []


def register() -> None:
    """Add the preview to the 3D viewport."""
    if not bpy.app.background:
        _handlers.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def unregister() -> None:
    """Remove the preview."""
    while _handlers:
        bpy.types.SpaceView3D.draw_handler_remove(_handlers.pop(), "WINDOW")
