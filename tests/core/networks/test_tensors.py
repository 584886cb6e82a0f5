# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of tensors are read as they were written, and one that is damaged is refused with one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.networks.tensors import read_tensors

ARRAYS = {
    "half": np.linspace(-2, 2, 6, dtype=np.float16).reshape(2, 3),
    "single": np.arange(4, dtype=np.float32).reshape(1, 4, 1),
    "double": np.array(3.5),
    "whole": np.array([-1, 2**40], np.int64),
    "bytes": np.arange(3, dtype=np.uint8),
    "flags": np.array([True, False, True]),
    "none": np.zeros((0, 5), np.float32),
}
NAMES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8", "bool": "BOOL"}


def packed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def written(arrays: dict[str, np.ndarray]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    return packed(header, data)


def test_what_is_written_is_read(tmp_path: Path):
    path = tmp_path / "some.safetensors"
    path.write_bytes(written(ARRAYS))
    found = read_tensors(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_files_of_the_safetensors_library_are_read(tmp_path: Path):
    library = pytest.importorskip("safetensors.numpy")
    library.save_file(ARRAYS, tmp_path / "some.safetensors", metadata={"format": "pt"})
    found = read_tensors(tmp_path / "some.safetensors")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


def read_or_refused(path: Path, content: bytes) -> dict[str, np.ndarray] | None:
    """What is read; None where the file is refused. Any other exception is one of the test."""
    path.write_bytes(content)
    try:
        return read_tensors(path)
    except InputError as error:
        refusal = str(error)
    assert path.name in refusal
    assert refusal.count("\n") == 0
    return None


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path):
    content = written(ARRAYS)
    for left in range(len(content)):
        assert read_or_refused(tmp_path / "cut.safetensors", content[:left]) is None, left


@pytest.mark.parametrize("mask", [0x01, 0x02, 0x10, 0x40, 0x80, 0xFF])
def test_a_byte_that_is_flipped_is_refused_or_read(mask: int, tmp_path: Path):
    content = written(ARRAYS)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= mask
        read_or_refused(tmp_path / "flipped.safetensors", bytes(flipped))


def entry(**changes: object) -> dict[str, object]:
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        (2**63).to_bytes(8, "little") + b"{}",
        (10**8 + 1).to_bytes(8, "little") + b"{}",
        (3).to_bytes(8, "little") + b"{}",
        (0).to_bytes(8, "little") + b"{}",
        packed(b"[" * 100_000),
        packed(b"{\xff}"),
        packed(b'{"x": NaN}'),
        packed([]),
        packed(5),
        packed(None),
        packed({"x": None}),
        packed({"x": []}),
        packed({"x": {}}),
        *(
            packed(entry(**changes), bytes(8))
            for changes in (
                {"dtype": "BF16"},
                {"dtype": "F8_E4M3"},
                {"dtype": None},
                {"dtype": []},
                {"shape": [3]},
                {"shape": [-1]},
                {"shape": [2**70]},
                {"shape": [2**40, 2**40]},
                {"shape": [0, 2**62, 2**62]},
                {"shape": "2"},
                {"shape": None},
                {"shape": [1] * 100},
                {"shape": [2.5]},
                {"shape": [None]},
                {"data_offsets": [0, 9]},
                {"data_offsets": [-4, 4]},
                {"data_offsets": [8, 0]},
                {"data_offsets": [0, 7]},
                {"data_offsets": [1e9, 2e9]},
                {"data_offsets": [0.0, 8.0]},
                {"data_offsets": [0]},
                {"data_offsets": [0, 4, 8]},
                {"data_offsets": None},
                {"data_offsets": ["0", "8"]},
                {"data_offsets": [2**70, 2**71]},
            )
        ),
    ],
)
def test_a_header_that_cannot_be_is_refused(content: bytes, tmp_path: Path):
    assert read_or_refused(tmp_path / "odd.safetensors", content) is None


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.safetensors is missing"):
        read_tensors(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        read_tensors(tmp_path)
