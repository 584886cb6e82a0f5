# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in docstrings of core give the results that they show."""

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "core"
MODULES = sorted(
    ".".join(("core", *path.relative_to(CORE).with_suffix("").parts))
    for path in CORE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError:
        if importlib.util.find_spec("torch") is not None:
            raise
        pytest.skip("needs the runtime")
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
