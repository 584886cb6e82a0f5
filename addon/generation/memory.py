# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the memory of the model back, when asked to or after the minutes that the preferences say."""

import gc
import sys
import time
from functools import lru_cache
from typing import Any

import bpy

from .. import job
from ..setup import preferences, runtime

_LOOK_SECONDS = 20.0
_used = [0.0]  # when a job was last seen running


def is_loaded() -> bool:
    """Whether a model lies in memory."""
    return loaded_model.cache_info().currsize > 0


def unload() -> None:
    """Forget the model and the text encoder; they are loaded again when they are used."""
    loaded_model.cache_clear()
    text = sys.modules.get(f"{runtime.ROOT_PACKAGE}.core.conditions.text")
    if text is not None:
        text.load_text_encoder.cache_clear()
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _look() -> float:
    now = time.monotonic()
    if job.current() is not None or not is_loaded():
        _used[0] = now
    settings = preferences.get()
    minutes = settings.keep_minutes if settings is not None else 0
    if minutes and now - _used[0] > 60 * minutes:
        unload()
    return _LOOK_SECONDS


def register() -> None:
    if not bpy.app.background:
        bpy.app.timers.register(_look, first_interval=_LOOK_SECONDS, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)


@lru_cache(maxsize=1)
def loaded_model(name: str) -> Any:
    from ...core.model.checkpoint import load_model

    return load_model(name)
