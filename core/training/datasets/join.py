# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare join`: several folders of takes, such as one with words and one with speech, to one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..dataset import Clip
from .build import Arrays, Conditions, Floats, write_takes


def join_takes(sources: Sequence[Path], out: Path) -> None:
    """Write the takes of all sources to `out`, each with its split.

    Raises InputError where a source holds no takes, or they were prepared with different encoders or speech blocks.
    """
    headers = [_header(source) for source in sources]
    conditions = [Conditions(header["encoder"], tuple(header["speech_blocks"])) for header in headers]
    for source, one in zip(sources[1:], conditions[1:], strict=True):
        if one != conditions[0]:
            raise InputError(
                f"The takes in {source} have the text encoder {one.encoder} and the speech blocks "
                f"{','.join(one.blocks)}, those in {sources[0]} {conditions[0].encoder} and "
                f"{','.join(conditions[0].blocks)}: prepare them alike."
            )
    if out.resolve() in [source.resolve() for source in sources]:
        raise InputError(f"{out} is one of the folders to be joined: give another --out.")
    known: dict[str, Floats] = {}
    arrays = [Arrays(source) for source in sources]
    for header, array in zip(headers, arrays, strict=True):
        known |= dict(zip(header["words"], array["sentences"], strict=True))
    takes = [
        [(Clip(**row | {"sentences": ()}), [header["words"][i] for i in row["sentences"]]) for row in header["takes"]]
        for header in headers
    ]
    width = arrays[0]["speech"].shape[1]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_takes(out, arrays, takes, conditions[0], width, lambda words: np.stack([known[word] for word in words]))
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _header(source: Path) -> dict[str, Any]:
    try:
        return json.loads((source / "takes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{source} holds no takes: give folders that `python -m core prepare` wrote.") from error
