# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare join`: several folders of packed clips, such as one with text and one with speech, to one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..clips_file import ClipsHeader, read_header
from .cache import Conditions, Floats
from .clips_writer import Arrays, write_clips


def join_clips(sources: Sequence[Path], out: Path) -> None:
    """Write the clips of all folders to one, each with its split.

    Args:
        sources: Folders that `prepare` wrote.
        out: Where to write.

    Raises:
        InputError: A folder holds no clips, or they were prepared with different encoders or speech blocks.
    """
    headers = [_read(source) for source in sources]
    conditions = [Conditions(header.encoder, header.speech_blocks) for header in headers]
    for source, one in zip(sources[1:], conditions[1:], strict=True):
        if one != conditions[0]:
            raise InputError(
                f"The clips in {source} have the text encoder {one.encoder} and the speech blocks "
                f"{','.join(one.blocks)}, but those in {sources[0]} have {conditions[0].encoder} and "
                f"{','.join(conditions[0].blocks)}; prepare them alike."
            )
    if out.resolve() in [source.resolve() for source in sources]:
        raise InputError(f"{out} is one of the folders to be joined; give another --out.")
    known: dict[str, Floats] = {}
    arrays = [Arrays(source) for source in sources]
    for header, array in zip(headers, arrays, strict=True):
        known |= dict(zip(header.words, array["sentences"], strict=True))
    parts = [[(clip, [header.words[i] for i in clip.sentences]) for clip in header.clips] for header in headers]
    width = arrays[0]["speech"].shape[1]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_clips(out, arrays, parts, conditions[0], width, lambda words: np.stack([known[word] for word in words]))
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _read(source: Path) -> ClipsHeader:
    try:
        return read_header(source)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{source} contains no prepared clips; give folders written by `python -m core prepare`."
        ) from error
