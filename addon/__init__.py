# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender add-on: a list of modules, registered in this order and unregistered in the reverse."""

from . import job, operators, panels, preferences, properties, sequencer

MODULES = (properties, preferences, job, operators, panels, sequencer)


def register() -> None:
    for module in MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(MODULES):
        module.unregister()
