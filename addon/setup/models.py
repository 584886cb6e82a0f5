# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder says before it is loaded, without torch: whether it is whole, its licence, its text encoder."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ...core.assets import MODEL_CONFIG, MODEL_NORMALIZER, MODEL_WEIGHTS, MODELS
from ..translations import tr
from . import preferences, runtime

_FILES = (MODEL_WEIGHTS, MODEL_NORMALIZER)
_FOREIGN = (".pt", ".pth", ".ckpt", ".bin", ".onnx", ".safetensors")
_MOST_HEADER = 100_000_000  # bytes, the format's own limit


@dataclass(frozen=True)
class Model:
    """problem: why it cannot be used, as one sentence without its full stop; empty where it can."""

    problem: str = ""
    license: str = ""
    text_encoder: str = ""

    @property
    def non_commercial(self) -> bool:
        return "-NC" in self.license.upper()


def look(name: str) -> Model:
    """What the model of that name or path says; read again only where its files have changed."""
    folder = model_folder(name)
    return _read(folder, tuple(_stamp(folder / file) for file in (MODEL_CONFIG, *_FILES)))


def of_scene(scene: Any) -> tuple[str, Model]:
    """The name of the model that a scene is generated with, and what it says."""
    name = scene.freetalker.model or preferences.default_model()
    return name, look(name)


def disabled_reason(scene: Any) -> str:
    """Why nothing can be generated with the scene's model: packages, the folder or the consent are missing."""
    if runtime.missing():
        return runtime.disabled_reason()
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
    return Model("", str(config.get("license", config.get("licence", ""))), str(config.get("text_encoder", "")))


def _problem_of(path: Path) -> str:
    """What is wrong with a safetensors file by its header and its length: empty where nothing is."""
    again = "copy or download the model folder again"
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 0 < length < _MOST_HEADER else None
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
    """The models that the add-on brings along."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{MODEL_CONFIG}"))


def model_path(name: str) -> str:
    """A model's absolute folder, as a .blend can keep it; its name if it is included in the add-on."""
    return name if (MODELS / name).is_dir() or not Path(name).is_dir() else str(Path(name).absolute())


def model_folder(name: str) -> Path:
    """Where a model lies: one that came along by its name, else the name is a path."""
    return MODELS / name if name in model_names() else Path(bpy.path.abspath(name))
