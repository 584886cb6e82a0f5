# SPDX-License-Identifier: GPL-3.0-or-later
"""A model as generation sees it, in numpy or in torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import InputError
from ..motion.features import Normalizer
from .config import ModelConfig
from .network import Floats, Network
from .numpy_classifier import NumpyPromptClassifier
from .numpy_denoiser import NumpyDenoiser
from .representation import Representation, make_representation

if TYPE_CHECKING:
    from .denoiser import Denoiser
    from .prompt_classifier import PromptClassifier


class PromptReader(Protocol):
    """A prompt classifier over arrays; see `PromptClassifier`."""

    @property
    def actions(self) -> Sequence[str]: ...
    @property
    def of_action(self) -> Floats: ...
    def caption_probabilities(self, tokens: Floats) -> Floats: ...
    def __call__(self, tokens: Floats) -> Floats: ...


@dataclass(frozen=True)
class Model:
    """A network ready to run (float32, eval mode), with all that its inputs and outputs mean.

    Attributes:
        denoiser: the network, in numpy or in torch.
        config: its config.json.
        normalizer: of motion features.
        speech_normalizer: of speech features.
        card: the model card, Markdown.
        classifier: reads prompts as captions of training; None where the denoiser takes sentence vectors.
    """

    denoiser: Denoiser | NumpyDenoiser
    config: ModelConfig
    normalizer: Normalizer
    speech_normalizer: Normalizer
    card: str = field(default="", repr=False)
    classifier: PromptClassifier | NumpyPromptClassifier | None = None

    @property
    def representation(self) -> Representation:
        """How its numbers describe motion."""
        return make_representation(self.config.features, self.normalizer, self.config.fps)

    def network(self, device: str = "auto") -> Network:
        """The denoiser over arrays.

        Args:
            device: of a torch denoiser; one in numpy runs on the CPU.

        Raises:
            InputError: there is no such device.
        """
        if isinstance(self.denoiser, NumpyDenoiser):
            if device not in {"auto", "cpu"}:
                raise InputError(
                    f"The device {device!r} needs PyTorch; install the runtime, or choose 'auto' or 'cpu'."
                )
            return self.denoiser
        from .torch_network import TorchNetwork

        return TorchNetwork(self.denoiser, device)

    @property
    def reader(self) -> PromptReader | None:
        """The classifier over arrays."""
        if self.classifier is None or isinstance(self.classifier, NumpyPromptClassifier):
            return self.classifier
        from .torch_network import TorchPromptReader

        return TorchPromptReader(self.classifier)
