# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation needs numpy alone, and gives the same motion as where everything is installed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.assets import DEFAULT_ENCODER
from core.conditions.encoder_files import find_encoder
from core.errors import InputError
from core.generate import Settings, generate
from core.model.folder import open_model
from core.timeline.strips import TextStrip, Timeline

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "librosa", "scipy", "soundfile", "safetensors", "tokenizers", "huggingface_hub")
MODULES = ("core.generate", "core.model.folder", "core.conditions.speech", "core.conditions.text", "core.planning.plan")
TIMELINE = Timeline(
    (TextStrip(0, 2.5, "a person walks forward"), TextStrip(2.5, 4.5, "the old man waves — slowly")), fps=24, seed=3
)

BLOCKED = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY}))  # as if they were not installed
import numpy as np
from core.generate import Settings, generate
from core.model.folder import open_model
from tests.core.test_without_torch import TIMELINE
motion = generate(TIMELINE, open_model("open"), Settings(steps=4))
np.savez(sys.argv[1], translation=motion.translation, rotations=motion.rotations)
"""


def run(code: str, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("module", MODULES)
def test_nothing_heavy_is_imported(module: str):
    loaded = run(f"import sys, {module}; print(*sorted({{*{HEAVY}}} & sys.modules.keys()))")
    assert loaded.split() == []


def test_a_text_becomes_the_same_motion_without_them(tmp_path: Path):
    try:
        find_encoder(DEFAULT_ENCODER)
    except InputError:
        pytest.skip("all-MiniLM-L6-v2 is not installed")
    run(BLOCKED, str(tmp_path / "motion.npz"))
    without = np.load(tmp_path / "motion.npz")
    motion = generate(TIMELINE, open_model("open", device="cpu"), Settings(steps=4))
    np.testing.assert_allclose(without["translation"], motion.translation, atol=1e-6, rtol=0)
    np.testing.assert_allclose(without["rotations"], motion.rotations, atol=1e-6, rtol=0)
