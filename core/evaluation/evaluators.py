# SPDX-License-Identifier: GPL-3.0-or-later
"""Two small networks that judge: one knows which text a motion shows, one which speech a motion goes with.

Both are contrastive, learn on the training split of the takes alone, in minutes on a CPU, and are kept in a folder.
Judged by networks of one's own, a table is honest only with recordings, shuffled conditions and noise beside.
"""

# pyright: reportUnknownMemberType=false

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as _safetensors
from torch import Tensor, nn
from torch.nn import functional

from ..files import write_whole
from ..motion.clip import CORE_FPS
from ..motion.features import POSITIONS
from ..motion.rotation import Array
from ..motion.skeleton import INDEX
from ..training.dataset import WINDOW, Clip
from ..training.split import Split
from .clips import SEEN, Floats, Library, seen

_files: Any = _safetensors  # says nothing of its types

_WEIGHTS, _HEADER = "judges.safetensors", "judges.json"
_SPEECH_WINDOW = 120  # frames that the speech judge learns from: 6 s
_HANDS = 13  # columns that the speech judge sees of a motion, see `hands`
_HEARD = 5


@dataclass(frozen=True)
class JudgeConfig:
    """How the judges are made. A change of any number, or of the takes, trains them anew."""

    width: int = 128
    embedding: int = 48
    steps: int = 2500
    batch: int = 64
    speech_steps: int = 500
    speech_batch: int = 24
    learning_rate: float = 1e-3
    temperature: float = 0.1
    seed: int = 1


class TextMotionJudge(nn.Module):
    """Motion (B, T, 67) and sentence vectors (B, Dt) in one space, and which action a motion is."""

    def __init__(self, config: JudgeConfig, text_width: int, actions: Sequence[str]) -> None:
        super().__init__()
        self.actions = list(actions)
        w, e = config.width, config.embedding
        self.mean, self.std = nn.Buffer(torch.zeros(SEEN)), nn.Buffer(torch.ones(SEEN))
        self.body = nn.Sequential(
            nn.Conv1d(SEEN + 1, w, 4, 2, 1), nn.GELU(), nn.Conv1d(w, w, 4, 2, 1), nn.GELU(),
            nn.Conv1d(w, w, 4, 2, 1), nn.GELU(),
        )  # fmt: skip
        self.summary = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * w, w), nn.GELU(), nn.Dropout(0.2))
        self.motion_out = nn.Linear(w, e)
        self.text = nn.Sequential(nn.Linear(text_width, 2 * w), nn.GELU(), nn.Dropout(0.2), nn.Linear(2 * w, e))
        self.action_out = nn.Linear(w, len(self.actions))

    def summarise(self, motion: Tensor, valid: Tensor) -> Tensor:
        """Motion (B, T, 67), valid (B, T) bool -> (B, width)."""
        rows = (motion - self.mean) / self.std * valid[..., None]
        x = self.body(torch.cat([rows, valid[..., None].float()], -1).transpose(1, 2))  # (B, W, T/8)
        mask = functional.interpolate(valid[:, None].float(), size=x.shape[2], mode="nearest")  # (B, 1, T/8)
        mean = (x * mask).sum(2) / mask.sum(2).clamp(min=1)
        largest = (x * mask + (mask - 1) * 1e4).amax(2)
        return self.summary(torch.cat([mean, largest], 1))

    def forward(self, motion: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (B, E) of length 1 and the actions' scores (B, A)."""
        told = self.summarise(motion, valid)
        return functional.normalize(self.motion_out(told), dim=-1), self.action_out(told)

    def embed_text(self, vectors: Tensor) -> Tensor:
        """Sentence vectors (B, Dt) -> (B, E) of length 1."""
        return functional.normalize(self.text(vectors), dim=-1)

    @torch.inference_mode()
    def see(self, motions: Sequence[Floats]) -> tuple[Array, list[tuple[str, ...]]]:
        """Embeddings (N, E) of motions (T, 659), at most the first 5 s of each, and the actions that they look like.

        Of actions the three likeliest, the first one first.
        """
        answers: list[Array] = []
        actions: list[tuple[str, ...]] = []
        for at in range(0, len(motions), 64):
            batch, valid = _padded([seen(rows[:WINDOW]) for rows in motions[at : at + 64]], WINDOW)
            embedded, scores = self(batch, valid)
            answers.append(embedded.double().numpy())
            first = scores.argsort(1, descending=True)[:, :3].tolist()
            actions += [tuple(self.actions[k] for k in row) for row in first]
        return np.concatenate(answers), actions

    @torch.inference_mode()
    def likelihood(self, rows: Floats, action: str) -> float:
        """Probability that the first 5 s of a motion (T, 659) show an action."""
        _, scores = self(*_padded([seen(rows[:WINDOW])], WINDOW))
        return float(scores.softmax(1)[0, self.actions.index(action)])

    @torch.inference_mode()
    def read(self, vectors: Floats) -> Array:
        """Embeddings (N, E) of sentence vectors (N, Dt)."""
        return self.embed_text(torch.from_numpy(np.ascontiguousarray(vectors, np.float32))).double().numpy()


class SpeechMotionJudge(nn.Module):
    """How well a motion goes with a speech, moment by moment: the mean likeness of rows of a tenth of a second."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        w, e = config.width // 2, config.embedding // 2
        self.mean, self.std = nn.Buffer(torch.zeros(_HANDS)), nn.Buffer(torch.ones(_HANDS))
        self.speech_mean, self.speech_std = nn.Buffer(torch.zeros(_HEARD)), nn.Buffer(torch.ones(_HEARD))

        def tower(columns: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv1d(columns, w, 5, 2, 2), nn.GELU(), nn.Conv1d(w, w, 5, 1, 4, 2), nn.GELU(),
                nn.Conv1d(w, w, 5, 1, 8, 4), nn.GELU(), nn.Conv1d(w, e, 1),
            )  # fmt: skip

        self.motion, self.speech = tower(_HANDS), tower(_HEARD)

    def embed(self, motion: Tensor, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Motion (B, T, 13), speech (B, T, 5) -> rows of length 1, (B, E, T/2) each."""
        moved = self.motion(((motion - self.mean) / self.std).transpose(1, 2))
        heard = self.speech(((speech - self.speech_mean) / self.speech_std).transpose(1, 2))
        return functional.normalize(moved, dim=1), functional.normalize(heard, dim=1)

    @torch.inference_mode()
    def score(self, motion: Floats, speeches: Sequence[Floats]) -> Array:
        """How well features (T, 659) go with each speech (>= T, 5), of which the first T rows are read: (N,)."""
        length = len(motion)
        heard = torch.from_numpy(np.stack([np.asarray(speech[:length], np.float32) for speech in speeches]))
        a, b = self.embed(torch.from_numpy(hands(motion))[None], heard)
        return (a * b).sum(1).mean(1).double().numpy()


def hands(rows: Floats | Array) -> Floats:
    """What the speech judge sees of features (T, 659): wrists and head in the facing frame, and their speeds (T, 13).

    Twelve numbers and the larger speed of the hands; the same for a motion and its mirror image, but for x.
    """

    def place(name: str) -> Floats:
        first = POSITIONS.start + 3 * (INDEX[name] - 1)
        return np.asarray(rows[:, first : first + 3], np.float32)

    left, right, head = place("left_wrist"), place("right_wrist"), place("head")
    speeds = [np.linalg.norm(np.gradient(p, axis=0), axis=1, keepdims=True) * CORE_FPS for p in (left, right, head)]
    largest = np.maximum(speeds[0], speeds[1])
    return np.concatenate([left, right, head, *speeds, largest], axis=1).astype(np.float32)


def _padded(parts: Sequence[Floats], length: int) -> tuple[Tensor, Tensor]:
    """Arrays (T, D) with zeros behind them (B, length, D), and which rows are theirs (B, length)."""
    batch = np.zeros((len(parts), length, parts[0].shape[1]), np.float32)
    valid = np.zeros((len(parts), length), bool)
    for row, part in enumerate(parts):
        batch[row, : len(part)] = part
        valid[row, : len(part)] = True
    return torch.from_numpy(batch), torch.from_numpy(valid)


def _varied(rows: Floats, rng: np.random.Generator) -> Floats:
    """A motion (T, 67) at another speed, of a body a little larger or smaller, all joints a little off."""
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
    """Symmetric cross entropy of likeness a (B, E) to b (B, E); same (B, B) bool: pairs that all count as right."""
    logits = a @ b.T / temperature
    target = same.float()
    rows = -(target / target.sum(1, keepdim=True) * logits.log_softmax(1)).sum(1).mean()
    columns = -(target / target.sum(0, keepdim=True) * logits.log_softmax(0)).sum(0).mean()
    return (rows + columns) / 2


def train_text_judge(
    library: Library, split: Split, config: JudgeConfig, on_step: Callable[[int, int], None] | None = None
) -> TextMotionJudge:
    """Learn on the takes of the training split with the wordings of training, all actions about equally often."""
    takes = [take for take in library.takes if not split.held_out(take) and take.sentences]
    by_action: dict[str, list[Clip]] = defaultdict(list)
    for take in takes:
        by_action[take.action].append(take)
    actions = sorted(by_action)
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    judge = TextMotionJudge(config, library.sentences.shape[1], actions)
    sample = [seen(library.rows(takes[int(i)])) for i in rng.integers(0, len(takes), 300)]
    rows = np.concatenate(sample)
    judge.mean.copy_(torch.from_numpy(rows.mean(0)))
    judge.std.copy_(torch.from_numpy(np.maximum(rows.std(0), 0.01)))
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
            take = pool[int(rng.integers(len(pool)))]
            long = take.stop - take.start > WINDOW
            first = take.start + int(rng.integers(max(1, take.stop - take.start - WINDOW + 1 if long else 8)))
            length = min(take.stop - first, WINDOW) - (0 if long else int(rng.integers(8)))
            parts.append(_varied(seen(library.features[first : first + length]), rng))
            words.append(take.sentences[int(rng.integers(len(take.sentences)))])
            keys.append(take.sentences)
        return parts, words, labels, keys

    def loss() -> Tensor:
        parts, words, labels, keys = batch()
        embedded, scores = judge(*_padded(parts, WINDOW))
        told = judge.embed_text(torch.from_numpy(sentences[words]))
        same = torch.tensor([[a == b for a in keys] for b in keys])
        classified = functional.cross_entropy(scores, torch.tensor(labels), label_smoothing=0.05)
        return _contrast(embedded, told, same, config.temperature) + classified

    _learn(judge, loss, config.steps, config.learning_rate, on_step)
    return judge


def train_speech_judge(
    library: Library, split: Split, config: JudgeConfig, on_step: Callable[[int, int], None] | None = None
) -> SpeechMotionJudge:
    """Learn from the pairs of the training split which speech a stretch of six seconds of motion goes with.

    A batch's other stretches are the mismatched ones; every second stretch comes from the same pair as its neighbour,
    so that voice and room tell nothing.
    """
    takes = [take for take in library.takes if take.speech >= 0 and not split.held_out(take)]
    takes = [take for take in takes if take.stop - take.start >= _SPEECH_WINDOW]
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    judge = SpeechMotionJudge(config)
    if not takes:
        return judge.eval()
    moved = [hands(library.rows(take)) for take in takes]
    heard = [library.heard(take) for take in takes]
    for values, mean, std in ((moved, judge.mean, judge.std), (heard, judge.speech_mean, judge.speech_std)):
        rows = np.concatenate(values)
        mean.copy_(torch.from_numpy(rows.mean(0)))
        std.copy_(torch.from_numpy(np.maximum(rows.std(0), 1e-3)))
    length = _SPEECH_WINDOW

    def loss() -> Tensor:
        motions: list[Floats] = []
        speeches: list[Floats] = []
        for k in rng.integers(0, len(takes), config.speech_batch // 2):
            for at in rng.integers(0, len(moved[k]) - length + 1, 2):
                motions.append(moved[k][at : at + length])
                speeches.append(heard[k][at : at + length])
        a, b = judge.embed(torch.from_numpy(np.stack(motions)), torch.from_numpy(np.stack(speeches)))
        likeness = torch.einsum("iet,jet->ij", a, b) / a.shape[2] / config.temperature
        right = torch.arange(len(motions))
        return (functional.cross_entropy(likeness, right) + functional.cross_entropy(likeness.T, right)) / 2

    _learn(judge, loss, config.speech_steps, config.learning_rate, on_step)
    return judge


def _learn(
    judge: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    learning_rate: float,
    on_step: Callable[[int, int], None] | None,
) -> None:
    optimizer = torch.optim.AdamW(judge.parameters(), lr=learning_rate, weight_decay=0.02)
    judge.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 50) * max(1 - step / steps, 0.02)
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()
        if on_step is not None:
            on_step(step + 1, steps)
    judge.eval().requires_grad_(False)


def load(
    folder: Path, library: Library, split: Split, config: JudgeConfig
) -> tuple[TextMotionJudge, SpeechMotionJudge] | None:
    """The judges in a folder; None where there are none of these takes and numbers."""
    try:
        known = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = _files.load_file(folder / _WEIGHTS)
        if any(known[key] != value for key, value in _made_of(library, split, config).items()):
            return None
        judges = TextMotionJudge(config, library.sentences.shape[1], known["actions"]), SpeechMotionJudge(config)
        for name, judge in zip(("text.", "speech."), judges, strict=True):
            judge.load_state_dict({k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)})
            judge.eval().requires_grad_(False)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError):
        return None  # cut short, or of another version
    return judges


def load_or_train(
    folder: Path,
    library: Library,
    split: Split,
    config: JudgeConfig,
    progress: Callable[[str], Callable[[int, int], None]],
) -> tuple[TextMotionJudge, SpeechMotionJudge]:
    """The judges in a folder, or where there are none of these takes and numbers, new ones that are kept there."""
    known = load(folder, library, split, config)
    if known is not None:
        return known
    text = train_text_judge(library, split, config, progress("Training the text judge"))
    speech = train_speech_judge(library, split, config, progress("Training the speech judge"))
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"text.{k}": v.contiguous() for k, v in text.state_dict().items()}
    state |= {f"speech.{k}": v.contiguous() for k, v in speech.state_dict().items()}
    write_whole(folder / _WEIGHTS, _files.save(state))
    header = _made_of(library, split, config) | {"actions": text.actions}
    write_whole(folder / _HEADER, json.dumps(header, indent=2) + "\n")
    return text, speech


def _made_of(library: Library, split: Split, config: JudgeConfig) -> dict[str, Any]:
    return {"config": asdict(config), "takes": library.fingerprint, "held_out": len(split.clips)}


def preference_scores(
    judge: SpeechMotionJudge, motions: Sequence[Floats], own: Sequence[Floats], others: Sequence[Sequence[Floats]]
) -> tuple[Array, Array]:
    """Scores of motions (T, 659) with their own speech, and with other ones: (P,) each, a pair for each comparison.

    Both are heard for as long as all three last.
    """
    matched: list[float] = []
    mismatched: list[float] = []
    for motion, speech, rivals in zip(motions, own, others, strict=True):
        for rival in rivals:
            length = min(len(motion), len(speech), len(rival))
            scores = judge.score(motion[:length], [speech, rival])
            matched.append(float(scores[0]))
            mismatched.append(float(scores[1]))
    return np.array(matched), np.array(mismatched)
