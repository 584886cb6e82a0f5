# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer's feet are where decoded motion has them."""

import numpy as np
import torch

from core.motion.features import CONTACT_JOINTS, decode, encode
from core.motion.rotation import rotation_y
from core.motion.skeleton import neutral_skeleton
from core.training.components import fit_components
from core.training.feet import Feet
from tests.core.moves import wandering

SKELETON = neutral_skeleton()


def test_feet_are_where_decode_puts_them():
    rows = [encode(wandering(40, seed=seed), SKELETON) for seed in range(3)]
    normalizer = fit_components(np.concatenate(rows).astype(np.float32))
    components = torch.from_numpy(np.stack([normalizer.normalize(part) for part in rows])).float()
    places, steps = Feet(normalizer, SKELETON)(components)
    for k, part in enumerate(rows):
        motion = decode(part, SKELETON)
        positions = motion.positions(SKELETON)
        heading = np.concatenate([[0.0], np.cumsum(part[:-1, 0])])  # of the facing frame, as decode integrates it
        to_facing = rotation_y(-heading)
        feet = positions[:, CONTACT_JOINTS] - positions[:, :1] * [1.0, 0.0, 1.0]
        np.testing.assert_allclose(places[k], np.einsum("tij,tkj->tki", to_facing, feet), atol=1e-4)
        moved = np.diff(positions[:, CONTACT_JOINTS], axis=0)
        np.testing.assert_allclose(steps[k], np.einsum("tij,tkj->tki", to_facing[:-1], moved), atol=1e-4)


def test_a_loss_on_feet_reaches_legs_and_path_and_nothing_above():
    normalizer = fit_components(encode(wandering(40, seed=1), SKELETON).astype(np.float32))
    components = torch.zeros(1, 10, 163, requires_grad=True)
    places, steps = Feet(normalizer, SKELETON)(components)
    (places.square().sum() + steps.square().sum()).backward()
    assert components.grad is not None
    reached = components.grad.abs().sum((0, 1)) > 0
    legs = [13 + 6 * (joint - 1) + k for joint in (1, 2, 4, 5, 7, 8) for k in range(6)]
    assert set(torch.nonzero(reached).flatten().tolist()) == {0, 1, 2, *range(3, 13), *legs}
