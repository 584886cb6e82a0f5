# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices that a model is given: recordings of speech with a pause in the middle."""

# soundfile carries no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ..conditions.speech import SAMPLE_RATE, load_audio, speech_features
from ..motion.clip import CORE_FPS
from ..timeline.strips import SpeechStrip, Timeline
from .clips import VOICE_BLOCKS, Floats

Samples = npt.NDArray[np.float32]

GESTURES = frozenset({
    "beat", "chop", "no", "offer", "we", "you", "me", "question", "describe", "stop", "plead", "indicate", "shrug",
})  # fmt: skip
"""Actions that a speaker's hands perform."""
LEAD = 0.5
"""Seconds of silence before a voice."""
_PAUSE, _TAIL = 2.0, 1.0  # seconds of silence between and after the two stretches of speech
_STRETCH = 4.5  # seconds of speech
_ROUNDS = 4  # how often a recording is used at most


@dataclass(frozen=True)
class Voice:
    """Two stretches of a recording with a pause between them.

    Attributes:
        path: The sound file.
        features: (T, 5) of `VOICE_BLOCKS`, at 20 fps.
        seconds: Its length.
    """

    path: Path
    features: Floats
    seconds: float

    def timeline(self, seed: int) -> Timeline:
        """Return a timeline of the voice alone."""
        return Timeline(speech=(SpeechStrip(0.0, self.path),), fps=CORE_FPS, seed=seed)


def plan_voices(files: Sequence[Path], folder: Path, number: int) -> list[Voice]:
    """Write voices as .wav files: the recordings in turn, each time from another place.

    Args:
        files: Recordings of speech.
        folder: Where to write.
        number: How many to write at most; each recording is used up to four times.

    Raises:
        InputError: A recording cannot be read.
    """
    voices: list[Voice] = []
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(min(number, _ROUNDS * len(files))):
        path, turn = files[i % len(files)], i // len(files)
        samples = with_pause(load_audio(path), turn / max(1, _ROUNDS - 1), swapped=turn % 2 == 1)
        file = folder / f"{path.stem}_{turn}.wav"
        soundfile.write(file, samples, SAMPLE_RATE, subtype="PCM_16")
        features = speech_features(load_audio(file), VOICE_BLOCKS, CORE_FPS)
        voices.append(Voice(file, features, len(samples) / SAMPLE_RATE))
    return voices


def with_pause(samples: Samples, place: float = 0.0, swapped: bool = False) -> Samples:
    """Return silence, speech, a pause of two seconds, speech and silence, samples (n,) at 16 kHz.

    The cuts are where the recording is quietest, and the silence is its own.

    Args:
        samples: (n,) at 16 kHz.
        place: Where to begin in the recording, 0 at its beginning and 1 as late as possible; also seconds added to the
            silence at the beginning.
        swapped: Whether the second stretch comes first.
    """
    step = SAMPLE_RATE // 40
    frames = len(samples) // step
    loudness = np.square(samples[: frames * step].reshape(frames, step), dtype=np.float64).mean(1)  # 25 ms each
    stretch = min(round(_STRETCH * 40), frames // 2)

    def cut(at: int) -> int:
        low, high = max(0, at - 16), min(frames, at + 17)
        return low + int(loudness[low:high].argmin()) if low < high else at

    first = round(place * (frames - 2 * stretch))
    first = cut(first) if first > 0 else 0
    middle, end = cut(first + stretch), first + 2 * stretch
    last = cut(end) if end + 16 < frames else frames
    smooth = np.convolve(loudness, np.ones(8) / 8, mode="valid") if frames >= 8 else loudness
    at = int(smooth.argmin()) if len(smooth) else 0
    quiet = samples[at * step : (at + 8) * step]  # 0.2 s
    loop = np.concatenate([quiet, quiet[::-1]]) if len(quiet) else np.zeros(1, np.float32)

    def silence(seconds: float) -> Samples:
        return np.resize(loop, round(seconds * SAMPLE_RATE)).astype(np.float32)

    stretches = [samples[first * step : middle * step], samples[middle * step : last * step]]
    before, after = reversed(stretches) if swapped else stretches
    return np.concatenate([silence(LEAD + place), before, silence(_PAUSE), after, silence(_TAIL)])
