# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a model folder for generation. Imports no torch unless that is asked for or has a GPU."""

import importlib.util
from pathlib import Path

from ..assets import MODEL_CONFIG, MODELS
from ..hardware import may_have_gpu
from .config import read_config
from .contents import find_folder, read_contents
from .model import Model
from .numpy_classifier import NumpyPromptClassifier
from .numpy_denoiser import NumpyDenoiser

__all__ = ["Model", "open_model"]


def open_model(
    name_or_path: str | Path, search: Path = MODELS, device: str = "auto", torch_if_installed: bool = False
) -> Model:
    """Load a model for generation: in torch where that has a GPU or is needed, else in numpy.

    Args:
        name_or_path: name of a folder within `search`, or path of a model folder.
        search: where named models lie.
        device: "cuda" or "mps" for torch; with "auto" torch is used if it has such a device; otherwise numpy.
        torch_if_installed: use torch on the CPU too where it is installed. It takes seconds to import and then samples
            two to three times as fast (`python -m benchmarks.numpy_network`), so it pays off in long sessions.

    Raises:
        InputError: there is no such folder, or a file in it is missing, damaged or does not fit the others.
    """
    folder = find_folder(name_or_path, search)
    config = read_config(folder / MODEL_CONFIG)
    patient = torch_if_installed and all(map(importlib.util.find_spec, ("torch", "safetensors")))
    needed = config.denoiser.local_attention or device not in {"auto", "cpu"}
    if needed or patient or _has_gpu(device):
        try:
            from .checkpoint import load_model

            return load_model(folder)
        except (ImportError, OSError):  # an installation that does not load, as where a DLL is missing
            if needed:
                raise
    given = read_contents(folder, config)
    classifier = NumpyPromptClassifier(config.captions, config.styles, given.classifier) if config.captions else None
    return Model(
        NumpyDenoiser(config.denoiser, given.denoiser),
        config,
        given.normalizer,
        given.speech_normalizer,
        given.card,
        classifier,
    )


def _has_gpu(device: str) -> bool:
    """Whether torch is installed and has a GPU, and the device may be one."""
    if device != "auto" or not may_have_gpu() or importlib.util.find_spec("torch") is None:
        return False
    try:
        import torch  # takes seconds
    except (ImportError, OSError):
        return False
    return torch.cuda.is_available() or torch.backends.mps.is_available()
