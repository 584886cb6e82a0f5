# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are replaced whole or not at all, and a failure is one sentence."""

import errno
import os
from pathlib import Path

import pytest

from core.errors import InputError
from core.files import NotWrittenError, replacing, write_whole


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    write_whole(path, "Grüße\n")
    assert path.read_bytes() == "Grüße\n".encode()
    write_whole(path, b"\0")
    assert path.read_bytes() == b"\0"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyError("a"), KeyboardInterrupt()]
)
def test_where_anything_fails_the_old_file_stays(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(NotWrittenError if isinstance(error, OSError) else type(error)) as raised:
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
    if isinstance(error, OSError):
        assert str(raised.value) == f"{path} cannot be written: No space left on device; the existing file was kept."


def test_a_folder_that_is_missing_or_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.txt cannot be written: No such file or directory\.$"):
        write_whole(tmp_path / "none" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder cannot be written: Is a directory; the existing file was kept\.$"):
        write_whole(tmp_path / "folder", "")
    assert os.listdir(tmp_path) == ["folder"]
