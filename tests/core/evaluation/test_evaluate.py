# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole command on tiny clips and a tiny model."""

import json

import numpy as np
import pytest
import soundfile

from core.conditions.speech import SAMPLE_RATE, load_audio
from core.errors import InputError
from core.evaluation import evaluate as command
from core.evaluation.evaluate import main
from core.evaluation.seams import KINDS
from tests.core.evaluation.sounds import tones
from tests.core.evaluation.tiny import CONFIG


def test_the_command_writes_table_figures_and_pictures(folder, model, monkeypatch, capsys):
    sound = folder / "voices" / "someone.wav"
    sound.parent.mkdir()
    soundfile.write(sound, tones(3.0, 0.5), SAMPLE_RATE)
    monkeypatch.setattr(command, "DEMO_VOICE", sound)
    monkeypatch.setattr(command, "EvaluatorConfig", lambda **_: CONFIG)
    arguments = ["--model", str(model), "--clips", str(folder / "clips"), "--out", str(folder / "out" / "tiny")]
    assert main([*arguments, "--limit", "2"]) == 0
    out = folder / "out" / "tiny"
    figures = json.loads((out / "metrics.json").read_text())
    for section in ("text", "speech", "body_text", "body_speech", *(f"joins/{kind}" for kind in KINDS)):
        table = figures
        for key in section.split("/"):
            table = table[key]
        assert set(table) == {"mocap", "ours", "shuffled", "noise"}
        assert all(np.isfinite(value) for row in table.values() for value in row.values()), section
    assert figures["body_text"]["mocap"]["jerk_ratio"] == 1
    assert figures["about"]["prompts"] == 8
    text = (out / "table.md").read_text()
    assert all(f"| {row} |" in text for row in ("mocap", "ours", "shuffled", "noise"))
    assert "quick run" in text
    assert text in capsys.readouterr().out
    for name in ("joins", "actions", "body", "text", "speech"):
        assert (out / f"{name}.png").stat().st_size > 500
    assert len(load_audio(next((out / "voices").glob("*.wav")))) > 5 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--limit", "1"], "--limit"),
        (["--seed", "-1"], "--seed"),
        (["--clips", "missing"], "contains no prepared clips"),
        (["--model", "missing"], "no model"),
        (["--speech", "missing"], "no held-out speech recordings"),
    ],
)
def test_bad_input_is_one_sentence(folder, model, more, message):
    with pytest.raises(InputError, match=message):
        main(["--model", str(model), "--clips", str(folder / "clips"), *more])
