# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender add-on: modules that are registered in the order of `MODULES` and unregistered in reverse.

The modules are imported on registration, so that `python -m addon.batch` can start from the source tree.
"""

from importlib import import_module

MODULES = (
    "translations",
    "rigs.properties",
    "properties",
    "ui.preferences",
    "job",
    "generation.memory",
    "setup.versions",
    "ui.operators",
    "ui",
    "generation.stretches",
    "ui.overlay",
    "ui.preview",
    "timeline.sequencer",
    "ui.operators.rig",
    "ui.rig_panel",
)


def register() -> None:
    """Register all modules."""
    for name in MODULES:
        import_module(f".{name}", __package__).register()


def unregister() -> None:
    """Unregister all modules."""
    for name in reversed(MODULES):
        import_module(f".{name}", __package__).unregister()
