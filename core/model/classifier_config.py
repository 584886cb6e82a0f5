# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape and the constants of the prompt classifier, for both of its implementations."""

from .config import DenoiserConfig

HIDDEN = 1024
PROTOTYPES = 48
"""Sentence vectors that are kept of each action."""
LAYER = DenoiserConfig(width=128, layers=2, heads=4, feedforward=512, dropout=0.2, norm_first=True)
"""Shape of the transformer over tokens; what else a denoiser has does not count."""
PROTOTYPE_WEIGHT = 12.0
"""Weight of the cosine of an action's nearest prototype, added to its logit."""
SHARPNESS = 4.0
"""Power of probabilities, between the mean of all captions and the likeliest alone."""
RENAMED_TENSORS = {"typical": "prototypes"}
"""Names of tensors in files of earlier versions -> their names now."""
LEAST_PROBABILITY = 1e-9  # its power is still a number
LEAST_LOGIT = -80.0  # below the highest: its exponential is still a number
