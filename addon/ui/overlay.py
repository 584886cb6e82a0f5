# SPDX-License-Identifier: GPL-3.0-or-later
"""A bar in the NLA editor that shows which frames are stale, locked, being generated, or visible in the preview."""

from typing import Any

import bpy
import numpy as np

from ..character.active import active_character
from ..data import current_context
from ..generation.stretches import find_stretches

_COLORS = {"STALE": (0.95, 0.55, 0.1, 0.9), "LOCKED": (0.55, 0.58, 0.62, 0.9), "RUNNING": (0.25, 0.6, 1.0, 0.9)}
_COLORS["SEEN"] = (0.75, 0.92, 1.0, 1.0)  # drawn over RUNNING
_HEIGHT = 5  # pixels at an interface scale of 1


def _draw() -> None:
    context = current_context()
    armature = active_character(context)
    if armature is None:
        return
    found = find_stretches(context.scene, armature)
    if not found:
        return
    import gpu
    from gpu_extras.batch import batch_for_shader

    region, scale = context.region, context.preferences.system.ui_scale
    top = region.height - round(24 * scale)  # below the frame numbers
    shader: Any = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    for kind, color in _COLORS.items():
        corners: list[tuple[float, float]] = []
        for one in found:
            if one.kind == kind:
                left, right = (
                    np.clip(region.view2d.view_to_region(frame, 0, clip=False)[0], 0, region.width)
                    for frame in (one.start, one.stop)
                )
                low, high = top - _HEIGHT * scale, top
                corners += [(left, low), (right, low), (right, high), (left, low), (right, high), (left, high)]
        if corners:
            shader.uniform_float("color", color)
            batch_for_shader(shader, "TRIS", {"pos": corners}).draw(shader)
    gpu.state.blend_set("NONE")


_handlers: list[object] = []


def register() -> None:
    """Add the bar to the NLA editor."""
    if not bpy.app.background:
        _handlers.append(bpy.types.SpaceNLA.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    """Remove the bar."""
    while _handlers:
        bpy.types.SpaceNLA.draw_handler_remove(_handlers.pop(), "WINDOW")
