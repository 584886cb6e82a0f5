# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of others, from a folder or from the hub."""

# transformers and its hub carry few types
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

Loaded = TypeVar("Loaded")
_allowed: ContextVar[bool] = ContextVar("_allowed", default=True)
_SECONDS = 5.0  # in which the hub answers, or is taken to be out of reach


@contextmanager
def access(allowed: bool) -> Generator[None]:
    """Within it, and in its thread, the hub is asked only where that is allowed; what is here is found either way."""
    before = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(before)


def load(source: str, loader: Callable[[bool], Loaded]) -> Loaded:
    """What `loader(local_files_only)` makes of a folder or hub name: of the files that are here, else of the hub's.

    Raises what it raises. The hub is asked once whether it knows the name: its own downloads try for half a minute.
    """
    try:
        return loader(True)
    except Exception:  # transformers raises many kinds
        if Path(source).is_dir() or not _allowed.get():
            raise
    import huggingface_hub

    huggingface_hub.model_info(source, timeout=_SECONDS)
    return loader(False)
