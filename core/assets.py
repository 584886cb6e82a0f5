# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files that are included lie, and the names of the defaults. Imports nothing heavy: the add-on reads it."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
MODELS = ASSETS / "models"
TEXT_ENCODER = ASSETS / "text_encoder"
SKELETON = ASSETS / "skeleton.npz"
WOODEN_FIGURE = ASSETS / "character" / "wooden.npz"
DEMO_TIMELINE = ASSETS / "demo" / "stage_talk.json"
DEMO_VOICE = ASSETS / "demo" / "jfk_inaugural.flac"

DEFAULT_MODEL = "open"
DEFAULT_ENCODER = "all-MiniLM-L6-v2"

MODEL_CONFIG = "config.json"
MODEL_WEIGHTS = "weights.safetensors"
MODEL_NORMALIZER = "normalizer.safetensors"
