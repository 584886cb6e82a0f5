# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core score`, on files in the published layouts."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main as core_main
from core.evaluation import published_rows
from core.motion.clip import Motion
from core.timeline.strips import Timeline
from tests.core.evaluation.published_files import (
    write_autoencoder,
    write_test_set,
)
from tests.core.moves import wandering
from tests.core.tiny_networks import vectors


def score(*arguments: str | Path) -> int:
    return core_main(["score", *(str(argument) for argument in arguments)])


def test_score_humanml3d(evaluator_folder: Path, plain_model: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("core.planning.inputs.encode_texts", vectors)
    write_test_set(tmp_path / "HumanML3D", 33)
    arguments = (
        "humanml3d",
        "--model",
        plain_model,
        "--source",
        tmp_path,
        "--evaluator",
        evaluator_folder,
        "--steps",
        "1",
    )
    assert score(*arguments, "--multimodality", "2", "--out", tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    rows = found["rows"]
    assert list(rows) == ["recordings", "ours", "shuffled", "noise"]
    assert rows["recordings"]["fid"]["mean"] == pytest.approx(0, abs=1e-6)
    assert rows["ours"]["fid"] == rows["shuffled"]["fid"]
    assert rows["ours"]["fid"]["mean"] > 0
    assert rows["ours"]["multimodality"]["mean"] > 0
    assert found["seeds"] == [0]
    assert {cell["interval"] for row in rows.values() for cell in row.values()} == {None}
    assert found["about"]["clips"] == 33
    said = capsys.readouterr().out
    assert said.endswith((tmp_path / "out" / "table.md").read_text())
    assert "±" not in said
    assert "| FID ↓ | R@1 ↑ | R@2 ↑ | R@3 ↑ | MM-Dist ↓ | diversity → | multimodality |" in said
    assert score(*arguments, "--limit", "0") == 2
    assert "--limit must be 1 or more" in capsys.readouterr().err
    assert score(*arguments, "--rounds", "0") == 2
    assert capsys.readouterr().err == "--rounds must be 1 or more, not 0.\n"


class _Wanderer:
    """Stands in for `generate`: wanders by the seed, and remembers seeds and prompts; interrupted after `stop`."""

    def __init__(self, stop: int | None):
        self.seeds: list[int] = []
        self.prompts: list[str] = []
        self.stop = stop

    def __call__(self, timeline: Timeline, *_: object) -> Motion:
        if len(self.seeds) == self.stop:
            raise KeyboardInterrupt
        self.seeds.append(timeline.seed)
        self.prompts.append(timeline.text[0].prompt)
        return wandering(round(timeline.text[0].end * 20) + 1, seed=timeline.seed, turn=timeline.seed % 7 / 10)


def run_rounds(monkeypatch, arguments, rounds: int, *more: str, stop: int | None) -> tuple[int, _Wanderer]:
    """The command's exit code, and what stood in for the model."""
    wanderer = _Wanderer(stop)
    monkeypatch.setattr(published_rows, "generate", wanderer)
    return score(*arguments, "--rounds", str(rounds), "--multimodality", "1", *more), wanderer


def test_rounds_differ_and_continue(evaluator_folder: Path, plain_model: Path, tmp_path: Path, capsys, monkeypatch):
    clips = 33
    write_test_set(tmp_path, clips)
    for i in range(clips):
        (tmp_path / f"texts/{i:06}.txt").write_text(f"he walks {i}#man/NOUN#0#0\nhe runs {i}#man/NOUN walks/VERB#0#0\n")
    out = tmp_path / "out"
    arguments = [
        "humanml3d", "--model", plain_model, "--source", tmp_path, "--evaluator", evaluator_folder, "--out", out,
    ]  # fmt: skip

    def run(rounds: int, *more: str, stop: int | None = None) -> tuple[int, _Wanderer]:
        return run_rounds(monkeypatch, arguments, rounds, *more, stop=stop)

    def found() -> dict:
        return json.loads((out / "metrics.json").read_text())

    each = clips + 10 + clips  # ours, one caption ten times, noise
    code, stopped = run(3, stop=2 * each + 5)
    assert code == 130
    first, second, third = (stopped.seeds[at : at + each] for at in (0, each, 2 * each))
    assert len(set(first)) == clips + 10  # an untrained network begins with the same noise
    assert len({*first, *second, *third}) == 2 * (clips + 10) + 5
    orders = [[line.split(" ")[2] for line in stopped.prompts[at : at + clips]] for at in (0, each)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert set(stopped.prompts[:clips]) != set(
        stopped.prompts[each : each + clips]
    )  # and other captions of the same clips
    assert "Round 3 of 3, ours: " not in capsys.readouterr().out
    two = found()
    assert two["seeds"] == [0, 1_000_000]
    ours = two["rows"]["ours"]
    for figure in ("fid", "matching", "diversity", "multimodality"):
        a, b = ours[figure]["rounds"]
        assert a != b
        assert ours[figure]["mean"] == pytest.approx((a + b) / 2)
        assert ours[figure]["interval"] == pytest.approx(1.96 * abs(a - b) / 2 / np.sqrt(2))
    assert two["rows"]["recordings"]["fid"]["interval"] == pytest.approx(0, abs=1e-6)

    code, went_on = run(3)
    assert code == 0
    assert went_on.seeds[:5] == third[:5]
    assert len(went_on.seeds) == each
    said = capsys.readouterr().out
    assert f"Round 3 of 3, ours: {clips + 10}/{clips + 10}" in said
    assert "Round 2" not in said
    three = found()
    assert three["rows"]["ours"]["fid"]["rounds"][:2] == ours["fid"]["rounds"]
    cell = f"{three['rows']['ours']['fid']['mean']:.3f} ± {three['rows']['ours']['fid']['interval']:.3f}"
    assert f"| ours | {cell} |" in said
    assert said.endswith("\nMeans of 3 rounds ± their 95 % confidence interval.\n")

    before = (out / "metrics.json").read_bytes()
    assert run(1)[1].seeds == []
    assert capsys.readouterr().out == f"Rounds already in {out}: 3.\n" + said[said.index("| | FID") :]
    code, other = run(1, "--guidance", "2")
    assert (code, other.seeds) == (2, [])
    refusal = f"{out} contains 3 rounds of another model or other settings; give another --out.\n"
    assert capsys.readouterr().err == refusal
    assert (out / "metrics.json").read_bytes() == before


def test_score_beat(recordings: Path, plain_model: Path, tmp_path: Path, capsys):
    write_autoencoder(tmp_path, whole=True)
    arguments = ["beat", "--model", plain_model, "--source", recordings, "--evaluator", tmp_path / "ae_300.bin"]
    assert score(*arguments) == 2
    assert "--statistics is missing" in capsys.readouterr().err
    arguments += ["--statistics", tmp_path, "--steps", "1", "--out", tmp_path / "out", "--rounds", "2"]
    assert score(*arguments) == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())["rows"]
    rows = {name: {key: cell["mean"] for key, cell in row.items()} for name, row in found.items()}
    assert list(rows) == ["recordings", "through ours", "ours", "noise", "shuffled"]
    assert rows["recordings"]["fgd"] == pytest.approx(0, abs=1e-6)
    assert rows["recordings"]["srgr"] == pytest.approx(0.5 * 31 / 75 / 0.165)
    assert rows["through ours"]["fgd"] < rows["ours"]["fgd"] == rows["shuffled"]["fgd"]
    assert rows["through ours"]["srgr"] > rows["ours"]["srgr"]
    assert rows["ours"]["l1_diversity"] > 0
    for name, row in found.items():  # nothing is drawn for the recordings
        assert {len(cell["rounds"]) for cell in row.values()} == {1 if name in ("recordings", "through ours") else 2}, (
            name
        )
    a, b = found["ours"]["fgd"]["rounds"]
    assert a != b
    said = capsys.readouterr().out
    assert said.endswith((tmp_path / "out" / "table.md").read_text())
    assert said.endswith("Means of 2 rounds ± their 95 % confidence interval; without ± nothing is drawn at random.\n")
