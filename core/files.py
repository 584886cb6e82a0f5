# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


class NotWrittenError(InputError):
    """A file that cannot be written: the disk is full, or the folder is missing or may not be written to."""


@contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """A file beside `path` to write to, which takes its place at the end.

    Where anything fails the file beside is removed and what was there stays; an OSError becomes a NotWrittenError.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        kept = "; what was there stays" if path.exists() else ""
        raise NotWrittenError(f"{path} cannot be written: {error.strerror or error}{kept}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
