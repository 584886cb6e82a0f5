# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core import-checkpoint`: convert the released FreeTalker checkpoint to a model folder (method section 6).

The user provides the checkpoint, CLIP ViT-B/32, WavLM-Large, and the mean and std of the checkpoint's features. Its
output is decoded by `core.motion.released_features` and fitted to the body by `core.motion.fitting`.
"""

# pyright: reportUnknownMemberType=false

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..assets import MODELS
from ..conditions.hub_text import TextEncoder
from ..conditions.speech import features_width
from ..errors import InputError
from ..motion.features import FEATURES, Normalizer
from ..motion.rotation import Array
from .checkpoint import Model, ModelConfig, save_model
from .denoiser import LOCAL_HEADS, Denoiser, DenoiserConfig
from .foreign import as_tensors, check_layout, load_table, load_vector
from .layout import denoiser_shapes

TEXT_WIDTH, SPEECH_WIDTH = 512, 1133
WINDOW = 180  # frames of a training sample (FreeTalker section 3.1)
POSITIONS = 5000  # rows of its stored positional encoding, which `Denoiser` computes instead
_WIDTHS = (256, 512)
_EXPECTED = "the FreeTalker checkpoint model001000000.pt, or one of its variants v3_2, v3_4 and v3_5"
_NAMES = {
    "text_in.": "embed_text.",
    "time_in.": "embed_timestep.time_embed.",
    "speech_in.": "embed_audio.",
    "motion_in.": "input_process.poseEmbedding.",
    "joint.": "input_process2.",
    "motion_out.": "output_process.poseFinal.",
    "blocks.": "seqTransEncoder.layers.",
    "attention_in.": "self_attn.in_proj_",
    "attention_out.": "self_attn.out_proj.",
    "feedforward_in.": "linear1.",
    "feedforward_out.": "linear2.",
    "attention_norm.": "norm1.",
    "feedforward_norm.": "norm2.",
}
_CARD = """# FreeTalker, as released

Imported from `{name}`: the weights that the authors of FreeTalker (Yang et al., ICASSP 2024) published, {parameters:,}
parameters. The authors state no license for them; ask before you use what they make in public.

Trained on BEAT (speech) and HumanML3D (text). It answers joint positions; rotations, fingers included, are fitted to
them. It was trained with its axes mixed up and may turn or tilt suddenly.
"""


def released_name(name: str) -> str:
    """Convert the name of a parameter of `Denoiser` to the released network's."""
    for ours, theirs in _NAMES.items():
        if name.startswith(ours) or f".{ours}" in name:
            name = name.replace(ours, theirs, 1)
    return name


def released_config(width: int = _WIDTHS[0], local_attention: bool = False) -> DenoiserConfig:
    """Return the architecture of the released network: v3_0, or a variant of it."""
    return DenoiserConfig(
        text_width=TEXT_WIDTH, speech_width=SPEECH_WIDTH, width=width, local_attention=local_attention
    )


def released_layout(config: DenoiserConfig) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of all tensors in a released checkpoint."""
    layout = {released_name(name): shape for name, shape in denoiser_shapes(config).items()}
    table = (POSITIONS, 1, config.width)
    layout |= {"sequence_pos_encoder.pe": table, "embed_timestep.sequence_pos_encoder.pe": table}
    if config.local_attention:
        layout["rel_pos.inv_freq"] = (config.width // LOCAL_HEADS // 2,)
    return layout


def read_checkpoint(path: Path) -> Denoiser:
    """Read the network of a released checkpoint.

    Raises:
        InputError: the file is missing, or a name or shape differs from the released network's; the message names it.
    """
    if not path.is_file():
        raise InputError(f"The checkpoint {path} does not exist; download model001000000.pt.")
    # without CLIP, which some versions contain
    table = {name: value for name, value in load_table(path, _EXPECTED).items() if not name.startswith("clip_model.")}
    state = as_tensors(path, table, _EXPECTED)
    width = state["embed_text.bias"].shape[0] if "embed_text.bias" in state and state["embed_text.bias"].dim() else 0
    if width not in _WIDTHS:
        raise InputError(f"{path} is not {_EXPECTED}: its 'embed_text.bias' does not have 256 or 512 numbers.")
    config = released_config(width, "rel_pos.inv_freq" in state)
    check_layout(path, state, released_layout(config), _EXPECTED)
    denoiser = Denoiser(config)
    denoiser.load_state_dict({name: state[released_name(name)].float() for name in denoiser.state_dict()})
    return denoiser.eval().requires_grad_(False)


def read_statistics(folder: Path) -> Normalizer:
    """Read the mean and std of the released features from a folder with one *mean*.npy and one *std*.npy, (659,) each.

    Raises:
        InputError: a file is missing, ambiguous or malformed, or a std is not positive.
    """
    mean, std = (_statistic(folder, kind) for kind in ("mean", "std"))
    if not (std > 0).all():
        raise InputError(
            f"The std in {folder} contains numbers that are not above 0; download the released statistics again."
        )
    return Normalizer(mean, std)


def _statistic(folder: Path, kind: str) -> Array:
    files = [path for path in sorted(folder.glob("*.npy")) if kind in path.name.lower()]
    if len(files) != 1:
        raise InputError(
            f"The folder {folder} must contain exactly one *{kind}*.npy with {FEATURES} numbers, not {len(files)}."
        )
    return load_vector(files[0], FEATURES, "download the released statistics again")


def import_checkpoint(checkpoint: Path, clip: str, wavlm: str, statistics: Path, out: Path) -> Model:
    """Convert the released checkpoint to a model folder.

    Args:
        checkpoint: model001000000.pt.
        clip: folder or hub name of CLIP ViT-B/32; the model refers to it and does not copy it.
        wavlm: folder or hub name of WavLM-Large; the model refers to it and does not copy it.
        statistics: folder with the mean and std of the features; see `read_statistics`.
        out: the model folder, which must not exist.

    Returns:
        The model that was written.

    Raises:
        InputError: an input does not fit, or the folder exists or cannot be written; nothing is written then.
    """
    if out.exists():
        raise InputError(f"{out} already exists; give another --out, or remove it.")
    denoiser, normalizer = read_checkpoint(checkpoint), read_statistics(statistics)
    clip, wavlm = (str(Path(name).resolve()) if Path(name).is_dir() else name for name in (clip, wavlm))
    text_width = TextEncoder(clip).width
    if text_width != TEXT_WIDTH:
        raise InputError(f"--clip must be CLIP ViT-B/32 with {TEXT_WIDTH} numbers, but {clip} has {text_width}.")
    blocks = ("mfcc", "mel", "prosody", f"wavlm={wavlm}", "onset")
    speech_width = features_width(blocks)
    if speech_width != SPEECH_WIDTH:
        own = speech_width - SPEECH_WIDTH + 1024
        raise InputError(f"--wavlm must be WavLM-Large with 1024 numbers, but {wavlm} has {own}.")
    config = ModelConfig(
        denoiser.config, blocks, clip, features="released-659", window=WINDOW, trained_steps=_steps(checkpoint),
        sampler="ddpm", steps=1000, double_take="legacy", license="NOASSERTION",
    )  # fmt: skip
    identity = Normalizer(np.zeros(SPEECH_WIDTH), np.ones(SPEECH_WIDTH))
    parameters = sum(weight.numel() for weight in denoiser.parameters())
    model = Model(denoiser, config, normalizer, identity, _CARD.format(name=checkpoint.name, parameters=parameters))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
            save_model(Path(beside) / out.name, model, torch.float32)
            (Path(beside) / out.name).rename(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error
    return model


def _steps(checkpoint: Path) -> int:
    """Return the number of training steps in a name such as model001000000.pt, or 0 for other names."""
    digits = checkpoint.stem.removeprefix("model")
    return int(digits) if digits.isdecimal() else 0


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core import-checkpoint`."""
    parser = argparse.ArgumentParser(prog="python -m core import-checkpoint", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="model001000000.pt")
    parser.add_argument("--clip", required=True, help="folder or hub name of CLIP ViT-B/32 (safetensors and tokenizer)")
    parser.add_argument("--wavlm", required=True, help="folder or hub name of WavLM-Large")
    parser.add_argument("--statistics", type=Path, required=True, help="folder with the released mean and std (.npy)")
    parser.add_argument(
        "--out",
        type=Path,
        default=MODELS / "freetalker",
        help=("output model folder (default: the add-on's folder of models)"),
    )
    given = parser.parse_args(arguments)
    model = import_checkpoint(given.checkpoint, given.clip, given.wavlm, given.statistics, given.out)
    parameters = sum(math.prod(shape) for shape in denoiser_shapes(model.config.denoiser).values())
    print(f"{parameters:,} parameters: {given.out}")
    return 0
