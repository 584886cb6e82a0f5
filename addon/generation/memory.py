# SPDX-License-Identifier: GPL-3.0-or-later
"""Caches the loaded model, and unloads it on demand or after the time set in the preferences."""

import gc
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import bpy

from .. import job
from ..setup import preferences, runtime

if TYPE_CHECKING:
    from ...core.model.model import Model

_CHECK_SECONDS = 20.0
_last_used = [0.0]  # monotonic time at which a job was last running


def is_loaded() -> bool:
    """Whether a model is in memory."""
    return loaded_model.cache_info().currsize > 0


def unload() -> None:
    """Drop the model and the text encoder from memory; the next use loads them again."""
    loaded_model.cache_clear()
    text = sys.modules.get(f"{runtime.ROOT_PACKAGE}.core.conditions.text")
    if text is not None:
        text.load_text_encoder.cache_clear()
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _unload_if_idle() -> float:
    now = time.monotonic()
    if job.current() is not None or not is_loaded():
        _last_used[0] = now
    settings = preferences.get()
    minutes = settings.keep_minutes if settings is not None else 0
    if minutes and now - _last_used[0] > 60 * minutes:
        unload()
    return _CHECK_SECONDS


def register() -> None:
    """Start the timer that unloads an idle model."""
    if not bpy.app.background:
        bpy.app.timers.register(_unload_if_idle, first_interval=_CHECK_SECONDS, persistent=True)


def unregister() -> None:
    """Stop the timer."""
    if bpy.app.timers.is_registered(_unload_if_idle):
        bpy.app.timers.unregister(_unload_if_idle)


@lru_cache(maxsize=1)
def loaded_model(name: str, device: str = "auto") -> "Model":
    """Load a model, or return the one in memory.

    Args:
        name: Name or path of the model.
        device: What it is to run on; see `open_model`.

    Raises:
        InputError: The model cannot be loaded.
    """
    from ...core.model.folder import open_model

    return open_model(name, device=device, torch_if_installed=not bpy.app.background)
