# SPDX-License-Identifier: GPL-3.0-or-later
"""The same timelines, seeds and models keep giving the motion that was stored (`golden_motion.py`)."""

import numpy as np
import pytest

from tests.core.golden_motion import CASES, TOLERANCE, numbers, stored


@pytest.mark.parametrize("name", CASES)
def test_the_stored_motion_is_generated_again(name: str):
    np.testing.assert_allclose(numbers(name), stored(name), atol=TOLERANCE, rtol=0)
