# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files atomically: completely or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


class NotWrittenError(InputError):
    """A file cannot be written: the disk is full, or the folder is missing or read-only."""


@contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """Yield a temporary path next to `path`, and move the file written there to `path` at the end.

    If anything fails, the temporary file is removed and an existing file at `path` is left unchanged.

    Raises:
        NotWrittenError: in place of an OSError.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        kept = "; the existing file was kept" if path.exists() else ""
        raise NotWrittenError(f"{path} cannot be written: {error.strerror or error}{kept}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file atomically, text as UTF-8; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
