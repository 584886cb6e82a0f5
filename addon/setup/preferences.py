# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the add-on's preferences."""

from typing import cast

from ...core.assets import DEFAULT_MODEL
from ..data import AddonSettings, DeviceChoice, current_context
from . import runtime


def default_model() -> str:
    """Return the model for scenes that name none."""
    preferences = get()
    return (preferences.model if preferences else "") or DEFAULT_MODEL


def device() -> DeviceChoice:
    """Return the device that the network should run on."""
    preferences = get()
    return preferences.device if preferences else "auto"


def smplx_file() -> str:
    """Return the path of the user's SMPL-X body; empty if none is set."""
    preferences = get()
    return preferences.smplx_file if preferences else ""


def get() -> AddonSettings | None:
    """Return the preferences, or None if the add-on runs from the source tree."""
    addon = current_context().preferences.addons.get(runtime.ROOT_PACKAGE)
    return cast(AddonSettings, addon.preferences) if addon else None
