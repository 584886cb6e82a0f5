# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain and styled items are split."""

import pytest

from core.training.styles import split_by_style


@pytest.mark.parametrize(("styles", "parts"), [("", []), ("--", ["--"]), ("ab", ["ab"]), ("a-b-c", ["--", "abc"])])
def test_the_plain_and_the_styled(styles, parts):
    assert ["".join(part) for part in split_by_style(styles, lambda item: item.strip("-"))] == parts
