# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core import-checkpoint`: the released FreeTalker checkpoint -> a model folder like any other.

The checkpoint, CLIP ViT-B/32, WavLM-Large and the mean and std of its features are for the user to bring. What the
model makes is read by `core.released_features` and fitted to the body by `core.fitting`.
"""

# pyright: reportUnknownMemberType=false

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..assets import MODELS
from ..conditions.speech import features_width
from ..conditions.text import TextEncoder
from ..errors import InputError
from ..motion.features import FEATURES, Normalizer
from ..motion.rotation import Array
from .checkpoint import Model, ModelConfig, save_model
from .denoiser import LOCAL_HEADS, Denoiser, DenoiserConfig
from .foreign import check_layout, layout_of, load_table, numbers, tensors_of

TEXT_WIDTH, SPEECH_WIDTH = 512, 1133
WINDOW = 180  # frames the network was trained on
POSITIONS = 5000  # rows of its table of positions, which ours computes
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
parameters. The authors state no licence for them; ask before you use what they make in public.

Trained on BEAT (speech) and HumanML3D (text). It answers joint positions; rotations, fingers included, are fitted to
them. It was trained with its axes mixed up and may turn or tilt suddenly.
"""


def released_name(name: str) -> str:
    """What the released network calls the weight `name` of `Denoiser`."""
    for ours, theirs in _NAMES.items():
        if name.startswith(ours) or f".{ours}" in name:
            name = name.replace(ours, theirs, 1)
    return name


def released_config(width: int = _WIDTHS[0], local_attention: bool = False) -> DenoiserConfig:
    """The released network's shape."""
    return DenoiserConfig(
        text_width=TEXT_WIDTH, speech_width=SPEECH_WIDTH, width=width, local_attention=local_attention
    )


def released_layout(config: DenoiserConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of everything in a released checkpoint."""
    with torch.device("meta"):
        layout = {released_name(name): shape for name, shape in layout_of(Denoiser(config)).items()}
    table = (POSITIONS, 1, config.width)
    layout |= {"sequence_pos_encoder.pe": table, "embed_timestep.sequence_pos_encoder.pe": table}
    if config.local_attention:
        layout["rel_pos.inv_freq"] = (config.width // LOCAL_HEADS // 2,)
    return layout


def read_checkpoint(path: Path) -> Denoiser:
    """The network of a released checkpoint.

    Raises InputError, in one sentence that names the file, where it is none: every name and shape is checked.
    """
    if not path.is_file():
        raise InputError(f"The checkpoint {path} does not exist; download model001000000.pt.")
    # CLIP, which some versions store beside, is left out
    table = {name: value for name, value in load_table(path, _EXPECTED).items() if not name.startswith("clip_model.")}
    state = tensors_of(path, table, _EXPECTED)
    width = state["embed_text.bias"].shape[0] if "embed_text.bias" in state and state["embed_text.bias"].dim() else 0
    if width not in _WIDTHS:
        raise InputError(f"{path} is not {_EXPECTED}: its 'embed_text.bias' is not 256 or 512 numbers.")
    config = released_config(width, "rel_pos.inv_freq" in state)
    check_layout(path, state, released_layout(config), _EXPECTED)
    denoiser = Denoiser(config)
    denoiser.load_state_dict({name: state[released_name(name)].float() for name in denoiser.state_dict()})
    return denoiser.eval().requires_grad_(False)


def read_statistics(folder: Path) -> Normalizer:
    """Mean and std of the released features from a folder with one *mean*.npy and one *std*.npy, 659 numbers each.

    Raises InputError naming what is missing or of another form.
    """
    mean, std = (_statistic(folder, kind) for kind in ("mean", "std"))
    if not (std > 0).all():
        raise InputError(f"The std in {folder} holds numbers that are not above 0; get the released statistics again.")
    return Normalizer(mean, std)


def _statistic(folder: Path, kind: str) -> Array:
    files = [path for path in sorted(folder.glob("*.npy")) if kind in path.name.lower()]
    if len(files) != 1:
        raise InputError(f"The folder {folder} should hold one *{kind}*.npy with {FEATURES} numbers, not {len(files)}.")
    return numbers(files[0], FEATURES, "get the released statistics again")


def import_checkpoint(checkpoint: Path, clip: str, wavlm: str, statistics: Path, out: Path) -> Model:
    """Write the model folder `out`, which must not exist; where anything does not fit nothing is written.

    clip, wavlm: folders of the two networks, or names on the hub. They stay where they are and the model names them.
    """
    if out.exists():
        raise InputError(f"{out} already exists; give another --out, or remove it.")
    denoiser, normalizer = read_checkpoint(checkpoint), read_statistics(statistics)
    clip, wavlm = (str(Path(name).resolve()) if Path(name).is_dir() else name for name in (clip, wavlm))
    text_width = TextEncoder(clip).width
    if text_width != TEXT_WIDTH:
        raise InputError(f"--clip should be CLIP ViT-B/32 with {TEXT_WIDTH} numbers; {clip} gives {text_width}.")
    blocks = ("mfcc", "mel", "prosody", f"wavlm={wavlm}", "onset")
    speech_width = features_width(blocks)
    if speech_width != SPEECH_WIDTH:
        own = speech_width - SPEECH_WIDTH + 1024
        raise InputError(f"--wavlm should be WavLM-Large with 1024 numbers; {wavlm} gives {own}.")
    config = ModelConfig(
        denoiser.config, blocks, clip, features="released-659", window=WINDOW, trained_steps=_steps(checkpoint),
        sampler="ddpm", steps=1000, double_take="legacy", licence="NOASSERTION",
    )  # fmt: skip
    as_it_is = Normalizer(np.zeros(SPEECH_WIDTH), np.ones(SPEECH_WIDTH))
    parameters = sum(weight.numel() for weight in denoiser.parameters())
    model = Model(denoiser, config, normalizer, as_it_is, _CARD.format(name=checkpoint.name, parameters=parameters))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
            save_model(Path(beside) / out.name, model, torch.float32)
            (Path(beside) / out.name).rename(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error
    return model


def _steps(checkpoint: Path) -> int:
    """The training steps that a name such as model001000000.pt tells; 0 for other names."""
    digits = checkpoint.stem.removeprefix("model")
    return int(digits) if digits.isdecimal() else 0


def main(arguments: Sequence[str]) -> int:
    """`python -m core import-checkpoint`."""
    parser = argparse.ArgumentParser(prog="python -m core import-checkpoint", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="model001000000.pt")
    parser.add_argument(
        "--clip", required=True, help="folder (or hub name) of CLIP ViT-B/32, safetensors and tokenizer"
    )
    parser.add_argument("--wavlm", required=True, help="folder (or hub name) of WavLM-Large")
    parser.add_argument("--statistics", type=Path, required=True, help="folder with the released mean and std (.npy)")
    parser.add_argument(
        "--out", type=Path, default=MODELS / "freetalker", help="the model folder; without it the panel's own folder"
    )
    given = parser.parse_args(arguments)
    model = import_checkpoint(given.checkpoint, given.clip, given.wavlm, given.statistics, given.out)
    print(f"{sum(weight.numel() for weight in model.denoiser.parameters()):,} parameters: {given.out}")
    return 0
