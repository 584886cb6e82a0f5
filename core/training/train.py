# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: a recipe's loss, EMA, dropped conditions; killed at any step it goes on where it was.

python -m core prepare --source DIR --out build/takes      # clips and speech to packed takes
python -m core train --takes build/takes --out build/open  # takes to a model folder
python -m core train --takes build/takes --out build/paper --recipe freetalker
torchrun --nproc-per-node 2 -m core train --takes build/takes --out build/open  # on two GPUs
"""

# pyright: reportUnknownMemberType=false

import argparse
import copy
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed

from ..conditions.speech import features_width
from ..conditions.text import encode_tokens
from ..console import Progress
from ..errors import InputError
from ..files import replacing
from ..model.checkpoint import Model, ModelConfig, load_model, save_model
from ..model.denoiser import Denoiser, DenoiserConfig
from ..model.prompt_classifier import PromptClassifier
from ..motion.features import FEATURES, Normalizer
from ..sampling.schedule import cosine_schedule
from .card import licence_of, model_card
from .dataset import SHORTEST_WINDOW, ClipSet
from .losses import make_loss
from .prompt_training import fit_aligner, restyled
from .recipes import PRESETS, Recipe

_LEAST_STD = 1e-3  # of a feature that hardly moves
_FORMS_AT_ONCE = 4096  # sentences that are encoded or read together


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then even, then over the last `decay_share` of the steps linear down to a fiftieth.

    So a run can be given more steps at any time before those.
    """
    warm = min(1.0, (step + 1) / recipe.warmup)
    left = 1 - step / max(recipe.steps, 1)
    return recipe.learning_rate * warm * min(1.0, max(left / max(recipe.decay_share, 1e-9), 0.02))


def train(
    takes: ClipSet, out: Path, config: DenoiserConfig, recipe: Recipe, name: str, start: Model | None = None
) -> Model:
    """Train, or go on training, into out/state.pt, and write the model folder out/NAME.

    start: a trained model of the same shape to begin with, where there is no state yet.

    The batch and the noise of a step depend on (seed, step) alone, so an interrupted run ends with the same weights.
    Under torchrun each process takes its share of every batch.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _team() as team:
        _train(takes, out / "state.pt", config, recipe, start.denoiser if start else None, team)
        model = None if team.rank else export(out / "state.pt", takes, out / name, name, recipe, start)
    return model or load_model(out / name)


@dataclass(frozen=True)
class _Team:
    """Which of how many processes train together, and this one's device."""

    rank: int
    size: int
    device: torch.device

    def share(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """This process' rows of a batch of arrays."""
        return {key: torch.from_numpy(value[self.rank :: self.size]).to(self.device) for key, value in batch.items()}

    def average_gradients(self, denoiser: Denoiser) -> None:
        if self.size > 1:
            for parameter in denoiser.parameters():
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.size


@contextmanager
def _team() -> Generator[_Team, None, None]:
    """The processes that torchrun has started, or this one alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    if size == 1:
        yield _Team(0, 1, torch.device("cuda" if cuda else "cpu"))
        return
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
        yield _Team(distributed.get_rank(), size, device)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _read_words(
    takes: ClipSet, recipe: Recipe, state: dict[str, Any], told_file: Path, team: _Team
) -> PromptClassifier | None:
    """The aligner of a state, or for an empty one a new one, where the recipe asks for it and words allow it.

    Batches then tell what it reads in the takes' sentences, which is kept in a file for when the run goes on.
    """
    aligner = _aligner_of(state, takes)
    captions = takes.captions() if recipe.aligner_steps and not state else []
    if aligner is None and not captions:
        takes.tell()
        return None
    forms, rows = takes.plain_forms()
    told = np.load(told_file) if aligner is not None and told_file.is_file() else None
    if aligner is None or told is None or len(told) != len(forms):
        said = [(action, style, rows[list(sentences)]) for action, style, sentences in captions]
        more = restyled(forms, said, recipe.seed) if aligner is None else []
        tokens = _tokens([*forms, *(one.said for one in more)], takes.encoder)
        if aligner is None:
            aligner = fit_aligner(tokens, said, recipe.seed, recipe.aligner_steps, more)
        parts = np.array_split(tokens[: len(forms)], len(forms) // _FORMS_AT_ONCE + 1)
        told = np.concatenate([aligner(torch.from_numpy(part).float()).numpy() for part in parts])
        if team.rank == 0:
            with replacing(told_file) as temporary, temporary.open("wb") as file:
                np.save(file, told)
    takes.tell(told, rows)
    return aligner


def _tokens(forms: Sequence[str], encoder: str) -> npt.NDArray[np.float16]:
    """Tokens (P, L, text width) of many sentences."""
    parts: list[npt.NDArray[np.float16]] = []
    progress = Progress("Encoding words")
    for at in range(0, len(forms), _FORMS_AT_ONCE):
        parts.append(encode_tokens(forms[at : at + _FORMS_AT_ONCE], encoder).astype(np.float16))
        progress(min(at + _FORMS_AT_ONCE, len(forms)), len(forms))
    longest = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, longest - part.shape[1]), (0, 0))) for part in parts])


def _aligner_of(state: dict[str, Any], takes: ClipSet) -> PromptClassifier | None:
    tensors = state.get("aligner")
    if not tensors:
        return None
    actions, styles, _ = zip(*takes.captions(), strict=True)
    aligner = PromptClassifier(tensors["captions"].shape[1], actions, styles)
    try:
        aligner.load_state_dict(tensors)
    except RuntimeError as error:  # torch's word for other names or shapes
        raise InputError(
            "The training state has a text aligner of another version or of other takes: give another --out."
        ) from error
    return aligner.eval().requires_grad_(False)


def _train(
    takes: ClipSet, state_file: Path, config: DenoiserConfig, recipe: Recipe, start: Denoiser | None, team: _Team
) -> None:
    device = team.device
    state = _load_state(state_file, takes, config, recipe)
    aligner = _read_words(takes, recipe, state, state_file.with_name("told.npy"), team)
    torch.manual_seed(recipe.seed)
    denoiser = Denoiser(config).to(device)
    unit_text = np.allclose(np.linalg.norm(takes.texts, axis=1), 1.0, atol=0.01)
    if denoiser.text_in is not None and unit_text:  # of length 1: its entries are small
        torch.nn.init.normal_(denoiser.text_in.weight)
    if start is not None:
        denoiser.load_state_dict(start.state_dict())
    average = copy.deepcopy(denoiser).requires_grad_(False)
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    loss_of = make_loss(recipe, cosine_schedule(), takes.normalizer, device)
    first = 0
    if state:
        denoiser.load_state_dict(state["denoiser"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = int(state["step"])
        print(f"going on at step {first}", flush=True)
        state.clear()  # nothing of it is needed again
    saved = started = time.monotonic()
    running = 0.0
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        batch = team.share(takes.batch(recipe.seed, step, recipe.batch, recipe.speech_share))
        torch.manual_seed((recipe.seed + 1009 * team.rank) * 1_000_003 + step)
        loss = loss_of(denoiser, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(denoiser)
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        _average(average, denoiser, min(recipe.ema, (1 + step) / (10 + step)))
        running = loss.item() if step == first else 0.98 * running + 0.02 * loss.item()
        if team.rank:
            continue
        if (step + 1) % 100 == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            print(f"step {step + 1}/{recipe.steps}  loss {running:.4f}  {pace:.2f} s a step", flush=True)
        if time.monotonic() - saved > recipe.save_seconds:
            _save_state(state_file, step + 1, takes, denoiser, average, optimizer, config, recipe, aligner)
            saved = time.monotonic()
    if team.rank == 0:
        _save_state(state_file, max(first, recipe.steps), takes, denoiser, average, optimizer, config, recipe, aligner)


def export(
    state_file: Path, takes: ClipSet, folder: Path, name: str, recipe: Recipe, start: Model | None = None,
    blend: float = 1.0,
) -> Model:  # fmt: skip
    """Write the averaged weights of a training state, which began with `start`, as a model folder.

    blend: their share, the rest is that of `start`'s weights: what these do well is kept beside what was learned since
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    state = torch.load(state_file, weights_only=True, map_location="cpu")
    config = DenoiserConfig(**state["config"])
    denoiser = Denoiser(config)
    denoiser.load_state_dict(state["average"])
    if start is not None:
        _average(denoiser, start.denoiser, blend)
    aligner = _aligner_of(state, takes)
    trained = int(state["step"]) + (start.config.trained_steps if start else 0)
    seen = start is not None and not start.config.held_out_clips  # what came before has learned from all clips
    model_config = ModelConfig(
        config, takes.speech_blocks, takes.encoder, window=takes.window,
        projected_from=FEATURES if recipe.components else 0, trained_steps=trained, sampler=recipe.sampler,
        steps=recipe.sampler_steps, guidance_above=recipe.guidance_above, speech_guidance=recipe.speech_guidance,
        held_out_clips=0 if seen else len(takes.split.clips), licence=licence_of(takes),
    )  # fmt: skip
    if aligner is not None:
        captions, styles = zip(*aligner.kinds, strict=True)
        model_config = replace(model_config, captions=captions, styles=styles)
    card = model_card(name, takes, model_config, aligner)
    model = Model(
        denoiser.eval().requires_grad_(False), model_config, takes.normalizer, takes.speech_normalizer, card, aligner
    )
    save_model(folder, model)
    return model


@torch.no_grad()
def _average(average: Denoiser, denoiser: Denoiser, decay: float) -> None:
    for slow, fast in zip(average.parameters(), denoiser.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def _save_state(
    path: Path,
    step: int,
    takes: ClipSet,
    denoiser: Denoiser,
    average: Denoiser,
    optimizer: torch.optim.Optimizer,
    config: DenoiserConfig,
    recipe: Recipe,
    aligner: PromptClassifier | None,
) -> None:
    state: dict[str, Any] = {
        "step": step,
        "config": asdict(config),
        "loss": recipe.loss,
        "feature_mean": torch.from_numpy(takes.normalizer.mean),
        "denoiser": denoiser.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "aligner": aligner.state_dict() if aligner is not None else {},
    }
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # torch's word for a full disk
            raise OSError(f"{error}: the disk may be full") from error


def _load_state(path: Path, takes: ClipSet, config: DenoiserConfig, recipe: Recipe) -> dict[str, Any]:
    """What a run before has left, empty where there was none.

    Raises InputError where it was another network's, or learned from other takes.
    """
    if not path.is_file():
        return {}
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    if DenoiserConfig(**state["config"]) != config or state.get("loss", "ours") != recipe.loss:
        raise InputError(f"{path} was trained with another network or loss: give another --out, or remove it.")
    if not np.allclose(state["feature_mean"], takes.normalizer.mean):
        raise InputError(f"{path} was trained on other takes: give the same --takes and --start, or another --out.")
    return state


def main(arguments: Sequence[str]) -> int:
    """`python -m core train`."""
    parser = argparse.ArgumentParser(prog="python -m core train", description=__doc__)
    parser.add_argument("--takes", type=Path, required=True, help="folder that `prepare` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the training state and the model")
    parser.add_argument("--name", default="open", help="name of the model folder")
    parser.add_argument("--recipe", choices=PRESETS, default="open", help="whose method: ours or a paper's")
    parser.add_argument("--loss", choices=["ours", "huber", "mse"], help="another loss than the recipe's")
    parser.add_argument("--local-attention", action="store_true", help="on speech, before it meets the motion")
    for field, kind in (("width", int), ("layers", int), ("feedforward", int), ("dropout", float)):
        parser.add_argument(f"--{field}", type=kind, help="of the network, instead of the recipe's")
    parser.add_argument("--start", help="a model to begin with, by name or folder, instead of random weights")
    parser.add_argument("--export-only", action="store_true", help="write the model folder of the last saved state")
    parser.add_argument("--blend", type=float, default=1.0, help="share of its weights, the rest are those of --start")
    for field, kind in (
        ("steps", int),
        ("batch", int),
        ("window", int),
        ("learning-rate", float),
        ("warmup", int),
        ("ema", float),
        ("speech-block", str),
        ("aligner-steps", int),
        ("seed", int),
        ("save-seconds", float),
    ):
        parser.add_argument(f"--{field}", type=kind, help="instead of the recipe's")
    given = parser.parse_args(arguments)
    if not (given.takes / "takes.json").is_file():
        raise InputError(f"{given.takes} holds no takes: run `python -m core prepare --out {given.takes}` first.")
    preset = PRESETS[given.recipe]
    recipe = replace(preset.recipe, **_given(given, Recipe))
    if recipe.loss == "ours" and not recipe.components:
        raise InputError(f"Our own loss is on components, and the recipe {given.recipe} has none: choose huber or mse.")
    if recipe.window < SHORTEST_WINDOW:
        raise InputError(f"--window must be {SHORTEST_WINDOW} frames or more, not {recipe.window}.")
    start = load_model(given.start) if given.start else None
    takes = open_takes(given.takes, recipe, start)
    if not 0 < given.blend <= 1 or (given.blend < 1 and not (given.export_only and start)):
        raise InputError("--blend is a share of more than 0 and up to 1, and goes with --export-only and --start.")
    if given.export_only:
        export(given.out / "state.pt", takes, given.out / given.name, given.name, recipe, start, given.blend)
        return 0
    config = replace(
        preset.network, features=len(takes.normalizer.normalize(takes.features[:1])[0]),
        text_width=0 if recipe.speech_block else takes.sentences.shape[1],
        speech_width=features_width(takes.speech_blocks),
        **_given(given, DenoiserConfig),
    )  # fmt: skip
    if start is not None and start.denoiser.config != config:
        raise InputError(f"The model {given.start} has another network than was asked for: give its sizes.")
    train(takes, given.out, config, recipe, given.name, start)
    return 0


def _given(given: argparse.Namespace, kind: type[Recipe] | type[DenoiserConfig]) -> dict[str, Any]:
    """Those options of the command line that are fields of a config, where they were given."""
    names = {entry.name for entry in fields(kind)}
    return {name: value for name, value in vars(given).items() if name in names and value is not None}


def open_takes(folder: Path, recipe: Recipe, start: Model | None) -> ClipSet:
    """The takes as a recipe sees them, normalised as those that the model `start` learned from, if there is one."""
    takes = _normalised(folder, recipe, start)
    takes.reach(recipe.window, text=recipe.speech_share < 1)
    return takes


def _normalised(folder: Path, recipe: Recipe, start: Model | None) -> ClipSet:
    if recipe.speech_block:
        return _OneBlock(folder, recipe.speech_block, start)
    if start is not None:
        return ClipSet(folder, (start.normalizer, start.speech_normalizer))
    if recipe.components:
        return ClipSet(folder)
    return ClipSet(folder, _plain_normalizers(folder))


class _OneBlock(ClipSet):
    """Takes whose speech is heard through one of its blocks alone."""

    def __init__(self, folder: Path, block: str, start: Model | None) -> None:
        """block: the part of its name before "=".

        Raises InputError where the takes hold no speech, or no such block or several.
        """
        super().__init__(folder, _plain_normalizers(folder))
        names = [name for name in self.speech_blocks if name.partition("=")[0] == block]
        if len(names) != 1 or not len(self.speech):
            raise InputError(
                f"The takes in {folder} should hold speech with one block {block!r}; they have the blocks "
                f"{', '.join(self.speech_blocks) or 'none'} and {len(self.speech)} frames of speech."
            )
        first = features_width(self.speech_blocks[: self.speech_blocks.index(names[0])])
        columns = slice(first, first + features_width(names))
        self.speech_blocks, self.speech = tuple(names), self.speech[:, columns]
        whole = self.speech_normalizer
        self.speech_normalizer = Normalizer(whole.mean[columns], whole.std[columns])
        if start is not None:
            self.normalizer, self.speech_normalizer = start.normalizer, start.speech_normalizer
            self._rows = self.normalizer.normalize(self.features).astype(np.float32)
        self._speech = self.speech_normalizer.normalize(self.speech).astype(np.float32)


def _plain_normalizers(folder: Path) -> tuple[Normalizer, Normalizer]:
    """Of the features and the speech in a folder of takes, each column by itself."""
    features, speech = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "speech"))
    return _plain_normalizer(features), _plain_normalizer(speech)


def _plain_normalizer(rows: npt.NDArray[np.float32]) -> Normalizer:
    """Mean and std of rows (N, D), a part at a time; 0 and 1 where there are none."""
    if not len(rows):
        return Normalizer(np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
    parts = np.array_split(rows, len(rows) // 100_000 + 1)
    mean = np.sum([part.sum(0, dtype=np.float64) for part in parts], axis=0) / len(rows)
    variance = np.sum([np.square(part - mean).sum(0) for part in parts], axis=0) / len(rows)
    return Normalizer(mean, np.maximum(np.sqrt(variance), _LEAST_STD))
