# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders, inspected without torch: whether they are complete, their license, their text encoder."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from ...core.assets import DEFAULT_ENCODER, MODEL_CONFIG, MODEL_NORMALIZER, MODEL_WEIGHTS, MODELS
from ..data import scene_settings
from ..translations import tr
from . import preferences, runtime

_FILES = (MODEL_WEIGHTS, MODEL_NORMALIZER)
_FOREIGN = (".pt", ".pth", ".ckpt", ".bin", ".onnx", ".safetensors")
_MAX_HEADER = 100_000_000  # bytes, the limit of the safetensors format


@dataclass(frozen=True)
class Model:
    """What is known about a model folder.

    Args:
        problem: Why it cannot be used, as a sentence without its full stop; empty if it can.
        license: Name of its license.
        text_encoder: Name or path of its text encoder; empty for the default.
        needs_torch: Whether it runs in PyTorch alone.
    """

    problem: str = ""
    license: str = ""
    text_encoder: str = ""
    needs_torch: bool = False

    @property
    def non_commercial(self) -> bool:
        """Whether the license forbids commercial use."""
        return "-NC" in self.license.upper()


def inspect(name: str) -> Model:
    """Inspect a model folder; the result is cached until its files change.

    Args:
        name: Name or path of the model.
    """
    folder = model_folder(name)
    return _read(folder, tuple(_stamp(folder / file) for file in (MODEL_CONFIG, *_FILES)))


def of_scene(scene: bpy.types.Scene) -> tuple[str, Model]:
    """Return the name of the model that a scene uses, and what is known about it."""
    name = scene_settings(scene).model or preferences.default_model()
    return name, inspect(name)


def missing_packages(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Return the packages that a scene's model needs, on the chosen device, and that are not installed."""
    _, model = of_scene(scene)
    if model.needs_torch or preferences.device() in {"cuda", "mps"}:
        return runtime.missing()
    return tuple(name for name in runtime.missing() if name == runtime.ENCODER)


def disabled_reason(scene: bpy.types.Scene) -> str:
    """Return why the scene's model cannot be used: packages, its files or the user's consent are missing."""
    absent = missing_packages(scene)
    if absent:
        return runtime.disabled_reason(absent)
    name, model = of_scene(scene)
    if model.problem:
        return model.problem
    settings = preferences.get()
    if model.non_commercial and settings is not None and not settings.non_commercial:
        said = tr("'{name}' is for non-commercial use only ({license}); agree to this in the Generate panel")
        return said.format(name=Path(name).name, license=model.license)
    return ""


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=16)
def _read(folder: Path, stamps: tuple[tuple[int, int] | None, ...]) -> Model:
    if not folder.is_dir():
        known = ", ".join(model_names()) or "none"
        return Model(f"There is no model '{folder}'; choose another (included with the add-on: {known})")
    if stamps[0] is None:
        foreign = any(path.suffix in _FOREIGN for path in folder.iterdir())
        hint = "it is from another program, and python -m core import-checkpoint can convert some of these"
        return Model(f"'{folder}' is not a model folder, it has no {MODEL_CONFIG}" + (f": {hint}" if foreign else ""))
    try:
        config = json.loads((folder / MODEL_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Model(f"'{folder / MODEL_CONFIG}' cannot be read; copy or download the model folder again")
    if not isinstance(config, dict) or not isinstance(config.get("denoiser"), dict):
        return Model(f"'{folder / MODEL_CONFIG}' is from another program; choose a model folder of this add-on")
    for file in _FILES:
        problem = _problem_of(folder / file)
        if problem:
            return Model(problem)
    license_name, encoder = str(config.get("license", config.get("licence", ""))), str(config.get("text_encoder", ""))
    blocks = config.get("speech_blocks") or ()
    wavlm = any(str(block).startswith("wavlm") for block in blocks)
    needs_torch = wavlm or encoder not in {"", DEFAULT_ENCODER} or bool(config["denoiser"].get("local_attention"))
    return Model("", license_name, encoder, needs_torch)


def _problem_of(path: Path) -> str:
    """Return what is wrong with a safetensors file, judging by its header and its length; empty if nothing is."""
    again = "copy or download the model folder again"
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 0 < length < _MAX_HEADER else None
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"] if header else []
        whole = bool(ends) and path.stat().st_size == 8 + length + max(ends)
    except FileNotFoundError:
        return f"'{path}' is missing; {again}"
    except OSError as error:
        return f"'{path}' cannot be read ({error.strerror or error}); {again}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        whole = False
    return "" if whole else f"'{path}' is incomplete or damaged; {again}"


def model_names() -> list[str]:
    """List the models included in the add-on."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{MODEL_CONFIG}"))


def model_path(name: str) -> str:
    """Return a model's absolute path for storing in a .blend file, or its name if it is included in the add-on."""
    return name if (MODELS / name).is_dir() or not Path(name).is_dir() else str(Path(name).absolute())


def model_folder(name: str) -> Path:
    """Return the folder of a model, given the name of an included one or a path."""
    return MODELS / name if name in model_names() else Path(bpy.path.abspath(name))
