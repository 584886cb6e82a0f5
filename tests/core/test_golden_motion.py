# SPDX-License-Identifier: GPL-3.0-or-later
"""The same timelines, seeds and models keep giving the motion that was stored (`golden_motion.py`)."""

import importlib.util

import numpy as np
import pytest

from core.assets import DEFAULT_ENCODER
from core.conditions.encoder_files import find_encoder
from core.errors import InputError
from tests.core.golden_motion import CASES, TOLERANCE, numbers, stored

try:
    find_encoder(DEFAULT_ENCODER)
except InputError:
    pytest.skip("all-MiniLM-L6-v2 is not installed", allow_module_level=True)


@pytest.mark.parametrize("name", CASES)
def test_the_stored_motion_is_generated_again(name: str):
    if "speech" in name and importlib.util.find_spec("soundfile") is None:
        pytest.skip("soundfile is not installed")
    np.testing.assert_allclose(numbers(name), stored(name), atol=TOLERANCE, rtol=0)
