# SPDX-License-Identifier: GPL-3.0-or-later
"""The torch denoiser as sampling sees it, on a CPU, CUDA or Metal."""

# pyright: reportUnknownMemberType=false

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from .config import DenoiserConfig
from .denoiser import Denoiser
from .network import Bools, Floats
from .prompt_classifier import PromptClassifier


class TorchNetwork:
    """A `Network` that sends arrays to a device and back."""

    def __init__(self, denoiser: Denoiser, device: str = "auto") -> None:
        """Move the denoiser to a device.

        Args:
            denoiser: the network.
            device: "auto" (CUDA, MPS or CPU) or a torch device.

        Raises:
            InputError: there is no such device.
        """
        self._device = _find_device(device)
        self._denoiser = denoiser.to(self._device).eval()

    @property
    def config(self) -> DenoiserConfig:
        return self._denoiser.config

    @torch.inference_mode()
    def denoise(
        self,
        x: Floats,
        t: int,
        text: Floats,
        text_present: Bools,
        speech: Floats,
        speech_present: Bools,
        valid: Bools | None = None,
    ) -> Floats:
        """Predict the clean motion or the noise; see `Network.denoise`."""
        timesteps = np.full(len(x), t)
        given = [self._tensor(value) for value in (x, timesteps, text, text_present, speech, speech_present)]
        return self._denoiser(*given, None if valid is None else self._tensor(valid)).cpu().numpy()

    def _tensor(self, array: "NDArray[np.generic]") -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


class TorchPromptReader:
    """A torch prompt classifier over arrays; a `PromptReader`."""

    def __init__(self, classifier: PromptClassifier) -> None:
        """Args: classifier: on the CPU."""
        self._classifier = classifier
        self.actions, self.of_action = classifier.actions, classifier.of_action.numpy()

    def caption_probabilities(self, tokens: Floats) -> Floats:
        """See `PromptClassifier.caption_probabilities`."""
        return self._classifier.caption_probabilities(torch.from_numpy(tokens)).numpy()

    def __call__(self, tokens: Floats) -> Floats:
        """See `PromptClassifier.forward`."""
        return self._classifier(torch.from_numpy(tokens)).numpy()


def _find_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"The device {name!r} is not available; choose 'auto' or 'cpu'.") from None
    return device
