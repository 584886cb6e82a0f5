# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder says of its training."""

from dataclasses import replace
from types import SimpleNamespace

import torch

from core.training.export import export
from core.training.trainer import train
from tests.core.training.tiny import CONFIG, recipe


def test_weights_may_be_blended_with_those_they_began_with(clips, tmp_path):
    first = train(clips, tmp_path / "first", CONFIG, recipe(2), "tiny")
    second = train(clips, tmp_path / "second", CONFIG, recipe(3), "tiny", first)
    blended = export(tmp_path / "second" / "state.pt", clips, tmp_path / "blended", "tiny", recipe(3), first, 0.25)
    names = ("joint.weight", "motion_out.bias")
    old, new, between = (model.denoiser.state_dict() for model in (first, second, blended))
    for name in names:
        torch.testing.assert_close(between[name], 0.75 * old[name] + 0.25 * new[name], atol=1e-3, rtol=0)
        assert not torch.equal(new[name], between[name])


def test_clips_that_the_weights_have_seen_are_not_held_out(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "split", SimpleNamespace(recordings={"a", "b"}))
    fresh = train(clips, tmp_path / "fresh", CONFIG, recipe(1), "tiny")
    on = train(clips, tmp_path / "on", CONFIG, recipe(1), "tiny", start=fresh)
    assert fresh.config.held_out_clips == on.config.held_out_clips == 2
    saw_all = replace(fresh, config=replace(fresh.config, held_out_clips=0))
    assert train(clips, tmp_path / "more", CONFIG, recipe(1), "tiny", start=saw_all).config.held_out_clips == 0
