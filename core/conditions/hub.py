# SPDX-License-Identifier: GPL-3.0-or-later
"""Load third-party networks from a folder, the local cache or the Hugging Face hub."""

# transformers and its hub carry few types
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

Loaded = TypeVar("Loaded")
_allowed: ContextVar[bool] = ContextVar("_allowed", default=True)
_TIMEOUT = 5.0  # seconds


@contextmanager
def access(allowed: bool) -> Generator[None]:
    """Allow or forbid requests to the hub in this thread; folders and the local cache are used either way."""
    before = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(before)


def load(source: str, loader: Callable[[bool], Loaded]) -> Loaded:
    """Load a network from local files, or download it.

    Before a download the hub is asked once whether it knows the name, since its own retries take half a minute.

    Args:
        source: a folder or a hub name.
        loader: called with local_files_only.

    Returns:
        The loader's result.

    Raises:
        Exception: whatever the loader or the hub raises.
    """
    try:
        return loader(True)
    except Exception:  # transformers raises many kinds
        if Path(source).is_dir() or not _allowed.get():
            raise
    import huggingface_hub

    huggingface_hub.model_info(source, timeout=_TIMEOUT)
    return loader(False)
