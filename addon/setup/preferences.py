# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on's preferences say."""

from typing import Any

import bpy

from ...core.assets import DEFAULT_MODEL
from . import runtime


def default_model() -> str:
    """The model where the scene names none."""
    preferences = get()
    return (preferences.model if preferences else "") or DEFAULT_MODEL


def device() -> str:
    """What the network is to run on: auto, cpu, cuda or mps."""
    preferences = get()
    return preferences.device if preferences else "auto"


def smplx_file() -> str:
    """The path of the user's SMPL-X body, empty where none is chosen."""
    preferences = get()
    return preferences.smplx_file if preferences else ""


def get() -> Any | None:
    """The preferences, or None where the add-on runs from its source."""
    addon = bpy.context.preferences.addons.get(runtime.ROOT_PACKAGE)
    return addon.preferences if addon else None
