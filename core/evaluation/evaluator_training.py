# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the evaluator networks, and the folder that keeps them."""

# pyright: reportUnknownMemberType=false

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as _safetensors
from torch import Tensor, nn
from torch.nn import functional

from ..files import write_whole
from ..training.clip import WINDOW, Clip
from ..training.split import Split
from .clips import Floats, Library, body_features
from .evaluators import EvaluatorConfig, SpeechMotionEvaluator, TextMotionEvaluator, hand_features, padded

_files: Any = _safetensors  # has no types

_WEIGHTS, _HEADER = "evaluators.safetensors", "evaluators.json"
_OLD_WEIGHTS, _OLD_HEADER = "judges.safetensors", "judges.json"  # their names in earlier versions
_SPEECH_WINDOW = 120  # frames that the speech evaluator learns from: 6 s

Evaluators = tuple[TextMotionEvaluator, SpeechMotionEvaluator]
Progress = Callable[[str], Callable[[int, int], None]]
"""Label -> a function to call with the steps done and all steps."""


def load_evaluators(folder: Path, library: Library, split: Split, config: EvaluatorConfig) -> Evaluators | None:
    """Return the evaluators kept in a folder, or None if there are none for these clips and this configuration."""
    old = not (folder / _HEADER).is_file()
    header, weights = (_OLD_HEADER, _OLD_WEIGHTS) if old else (_HEADER, _WEIGHTS)
    try:
        known = json.loads((folder / header).read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = _files.load_file(folder / weights)
        known["clips"] = known.get("clips", known.get("takes"))
        if any(known[key] != value for key, value in _made_of(library, split, config).items()):
            return None
        evaluators = (
            TextMotionEvaluator(config, library.sentences.shape[1], known["actions"]), SpeechMotionEvaluator(config)
        )  # fmt: skip
        for name, evaluator in zip(("text.", "speech."), evaluators, strict=True):
            evaluator.load_state_dict({k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)})
            evaluator.eval().requires_grad_(False)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError):
        return None  # incomplete, or of another version
    return evaluators


def load_or_train(
    folder: Path, library: Library, split: Split, config: EvaluatorConfig, progress: Progress
) -> Evaluators:
    """Return the evaluators kept in a folder, after training them if necessary.

    Args:
        folder: Keeps the evaluators.
        library: The clips; held-out ones are not used.
        split: Which clips are held out.
        config: How to train.
        progress: Shows progress.
    """
    known = load_evaluators(folder, library, split, config)
    if known is not None:
        return known
    text = train_text_evaluator(library, split, config, progress("Training the text evaluator"))
    speech = train_speech_evaluator(library, split, config, progress("Training the speech evaluator"))
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"text.{k}": v.contiguous() for k, v in text.state_dict().items()}
    state |= {f"speech.{k}": v.contiguous() for k, v in speech.state_dict().items()}
    write_whole(folder / _WEIGHTS, _files.save(state))
    header = _made_of(library, split, config) | {"actions": text.actions}
    write_whole(folder / _HEADER, json.dumps(header, indent=2) + "\n")
    return text, speech


def _made_of(library: Library, split: Split, config: EvaluatorConfig) -> dict[str, Any]:
    return {"config": asdict(config), "clips": library.fingerprint, "held_out": len(split.recordings)}


def train_text_evaluator(
    library: Library, split: Split, config: EvaluatorConfig, on_step: Callable[[int, int], None] | None = None
) -> TextMotionEvaluator:
    """Train on the clips of the training split and their sentences, all actions about equally often.

    Args:
        library: The clips.
        split: Which clips are held out.
        config: How to train.
        on_step: Called with the steps done and all steps.
    """
    clips = [clip for clip in library.clips if not split.held_out(clip) and clip.sentences]
    by_action: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_action[clip.action].append(clip)
    actions = sorted(by_action)
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    evaluator = TextMotionEvaluator(config, library.sentences.shape[1], actions)
    sample = [body_features(library.motion_features(clips[int(i)])) for i in rng.integers(0, len(clips), 300)]
    rows = np.concatenate(sample)
    evaluator.mean.copy_(torch.from_numpy(rows.mean(0)))
    evaluator.std.copy_(torch.from_numpy(np.maximum(rows.std(0), 0.01)))
    share = np.array([len(by_action[action]) ** 0.3 for action in actions])
    share /= share.sum()
    sentences = np.asarray(library.sentences)

    def batch() -> tuple[list[Floats], list[int], list[int], list[tuple[int, ...]]]:
        parts: list[Floats] = []
        words: list[int] = []
        labels = [int(k) for k in rng.choice(len(actions), config.batch, p=share)]
        keys: list[tuple[int, ...]] = []
        for label in labels:
            pool = by_action[actions[label]]
            clip = pool[int(rng.integers(len(pool)))]
            long = clip.frames > WINDOW
            first = clip.start + int(rng.integers(max(1, clip.frames - WINDOW + 1 if long else 8)))
            length = min(clip.stop - first, WINDOW) - (0 if long else int(rng.integers(8)))
            parts.append(_varied(body_features(library.features[first : first + length]), rng))
            words.append(clip.sentences[int(rng.integers(len(clip.sentences)))])
            keys.append(clip.sentences)
        return parts, words, labels, keys

    def loss() -> Tensor:
        parts, words, labels, keys = batch()
        embedded, scores = evaluator(*padded(parts, WINDOW))
        texts = evaluator.embed_text(torch.from_numpy(sentences[words]))
        same = torch.tensor([[a == b for a in keys] for b in keys])
        classified = functional.cross_entropy(scores, torch.tensor(labels), label_smoothing=0.05)
        return _contrast(embedded, texts, same, config.temperature) + classified

    _learn(evaluator, loss, config.steps, config.learning_rate, on_step)
    return evaluator


def train_speech_evaluator(
    library: Library, split: Split, config: EvaluatorConfig, on_step: Callable[[int, int], None] | None = None
) -> SpeechMotionEvaluator:
    """Train on the pairs of the training split which speech six seconds of motion belong to.

    The mismatched speech is that of the other stretches of a batch. Every second stretch is of the same pair as its
    neighbor, so that voice and room give nothing away.

    Args:
        library: The clips.
        split: Which clips are held out.
        config: How to train.
        on_step: Called with the steps done and all steps.
    """
    clips = [clip for clip in library.clips if clip.speech >= 0 and not split.held_out(clip)]
    clips = [clip for clip in clips if clip.frames >= _SPEECH_WINDOW]
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    evaluator = SpeechMotionEvaluator(config)
    if not clips:
        return evaluator.eval()
    moved = [hand_features(library.motion_features(clip)) for clip in clips]
    voices = [library.voice_features(clip) for clip in clips]
    for values, mean, std in (
        (moved, evaluator.mean, evaluator.std),
        (voices, evaluator.speech_mean, evaluator.speech_std),
    ):
        rows = np.concatenate(values)
        mean.copy_(torch.from_numpy(rows.mean(0)))
        std.copy_(torch.from_numpy(np.maximum(rows.std(0), 1e-3)))
    length = _SPEECH_WINDOW

    def loss() -> Tensor:
        motions: list[Floats] = []
        speeches: list[Floats] = []
        for k in rng.integers(0, len(clips), config.speech_batch // 2):
            for at in rng.integers(0, len(moved[k]) - length + 1, 2):
                motions.append(moved[k][at : at + length])
                speeches.append(voices[k][at : at + length])
        a, b = evaluator.embed(torch.from_numpy(np.stack(motions)), torch.from_numpy(np.stack(speeches)))
        similarity = torch.einsum("iet,jet->ij", a, b) / a.shape[2] / config.temperature
        right = torch.arange(len(motions))
        return (functional.cross_entropy(similarity, right) + functional.cross_entropy(similarity.T, right)) / 2

    _learn(evaluator, loss, config.speech_steps, config.learning_rate, on_step)
    return evaluator


def _varied(rows: Floats, rng: np.random.Generator) -> Floats:
    """Return a motion (T, 67) at another speed, of a slightly larger or smaller body, its joints slightly displaced."""
    speed = float(rng.uniform(0.8, 1.25))
    times = np.arange(0, len(rows) - 1, speed)[:WINDOW]
    low = times.astype(int)
    part = (times - low)[:, None].astype(np.float32)
    varied = rows[low] * (1 - part) + rows[low + 1] * part
    varied[:, :3] *= speed
    varied *= rng.normal(1, 0.03, varied.shape[1]).astype(np.float32)
    varied += rng.normal(0, 0.02, varied.shape[1]).astype(np.float32) * (np.arange(varied.shape[1]) > 3)
    return (varied + rng.normal(0, 0.004, varied.shape)).astype(np.float32)


def _contrast(a: Tensor, b: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Return the symmetric cross entropy of the similarities of a and b, (B, E) each; `same` (B, B) marks matches."""
    logits = a @ b.T / temperature
    target = same.float()
    rows = -(target / target.sum(1, keepdim=True) * logits.log_softmax(1)).sum(1).mean()
    columns = -(target / target.sum(0, keepdim=True) * logits.log_softmax(0)).sum(0).mean()
    return (rows + columns) / 2


def _learn(
    evaluator: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    learning_rate: float,
    on_step: Callable[[int, int], None] | None,
) -> None:
    optimizer = torch.optim.AdamW(evaluator.parameters(), lr=learning_rate, weight_decay=0.02)
    evaluator.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 50) * max(1 - step / steps, 0.02)
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()
        if on_step is not None:
            on_step(step + 1, steps)
    evaluator.eval().requires_grad_(False)
