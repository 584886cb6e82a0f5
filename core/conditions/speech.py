# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute per-frame speech features in named blocks: mfcc, mel, prosody, onset, voice, wavlm (method section 2).

Row k of every block is centered on the time k / fps regardless of what precedes it in the file, so a strip that starts
later in the same recording gets the same rows. Compute the features of a whole recording, then slice rows by time.
"""

# soundfile and Blender's aud carry few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..motion.clip import CORE_FPS
from . import hub
from .signal import cepstra, find_peaks, mean_filter, median_filter, mel_filters, resample
from .voice import voice_features

Array = NDArray[np.float32]

SAMPLE_RATE = 16000
BLOCK_WIDTHS = {"mfcc": 40, "mel": 64, "prosody": 4, "wavlm": 1024, "onset": 1, "voice": 3}
"""Columns of each block; the paper's 1133 features are all but the last, in this order."""
WAVLM_DEFAULT = "microsoft/wavlm-large"

_WINDOW = 4096  # samples of an mfcc or mel frame
_SPEECH_LEVEL = 0.1  # RMS to which the loud frames of a recording are normalized
_MAX_GAIN = 1000.0
_ROOM_LEVEL = 1e-4  # RMS of the added noise, 60 dB below the speech
_PROSODY_STEPS = 10  # measurements of pitch and energy per frame, which are averaged
_ONSET_STEP = 160  # samples, 10 ms
_PITCH_RANGE = (75.0, 600.0)  # Hz
_VOICED = 0.45  # least autocorrelation of a voiced frame


def load_audio(path: Path | str) -> Array:
    """Read a sound file and convert it to mono at 16 kHz.

    Returns:
        (n,) float32 samples; silence is valid.

    Raises:
        InputError: the file is missing, empty, not a sound file, or contains NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist; choose another or correct its path.")
    channels, rate = _read_sound(path)  # (n, channels)
    if not len(channels):
        raise InputError(f"The sound file '{path.name}' is empty; choose one that contains speech.")
    samples: Array = channels.mean(axis=1, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise InputError(f"The sound file '{path.name}' contains values that are not numbers (NaN); export it again.")
    return np.ascontiguousarray(resample(samples, rate, SAMPLE_RATE), dtype=np.float32)


def _read_sound(path: Path) -> tuple[Array, int]:
    """The samples (n, channels) and the rate of a sound file; Blender reads it where soundfile is not installed."""
    problem = f"'{path.name}' cannot be read as audio; convert it to WAV, FLAC, OGG or MP3."
    if importlib.util.find_spec("soundfile") is not None:
        import soundfile

        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            return np.asarray(samples, np.float32), rate
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            raise InputError(problem) from error
    aud: Any = importlib.import_module("aud")
    try:
        sound = aud.Sound(str(path))
        return np.asarray(sound.data(), np.float32), int(sound.specs[0])
    except (aud.error, ValueError) as error:
        raise InputError(problem) from error


def speech_features(
    samples: Array, blocks: Sequence[str], fps: float = CORE_FPS, legacy: bool = False, level: bool = True
) -> Array:
    """Compute the features of a whole recording.

    The blocks are those of FreeTalker section 2.2 as defined by the released code, and "voice":

    - mfcc: 40 mel-frequency cepstral coefficients, from windows of 4096 samples.
    - mel: natural logarithm of 64 mel bands of the same windows.
    - prosody: energy, its change per millisecond, pitch, its change per millisecond; energy = max(ln(dB) - 3, 0),
      pitch = max(ln(Hz + 1) - 4, 0), 0 where unvoiced.
    - onset: 1 in the row nearest to the onset of a syllable or sound, else 0.
    - voice: whether the row is in speech or in a pause, and how strongly it is stressed; see `voice_features`.
    - wavlm: the last layer of WavLM (Chen et al. 2022).

    Args:
        samples: (n,) mono at 16 kHz; see `load_audio`.
        blocks: names from `BLOCK_WIDTHS`, concatenated in this order. "wavlm" is WavLM-Large, and
            "wavlm=FOLDER_OR_HUB_NAME" any other WavLM.
        fps: rows per second.
        legacy: reproduce the released code, which keeps the recording's level and runs WavLM in zero-padded chunks of
            6 s without removing the padding.
        level: normalize the level of the loud parts, so that quiet recordings are gestured to as well, and add faint
            noise that makes digital silence look like a quiet room. Ignored if legacy is set.

    Returns:
        (N, D) float32 with N = floor(duration * fps) + 1 and D = features_width(blocks).

    Raises:
        InputError: there is no such block, or its WavLM cannot be loaded.
    """
    samples = _normalize_level(samples) if level and not legacy else np.asarray(samples, np.float32)
    rows = int(len(samples) * fps / SAMPLE_RATE + 1e-9) + 1

    @cache
    def block(name: str) -> Array:
        if name == "voice":
            return voice_features(block("prosody"), block("onset"), fps)
        return _block(name, samples, rows, fps, legacy)

    columns = [block(name) for name in blocks]
    return np.concatenate(columns, axis=1).astype(np.float32) if columns else np.zeros((rows, 0), np.float32)


def features_width(blocks: Sequence[str]) -> int:
    """Return the number of columns of blocks; see `speech_features`.

    Raises:
        InputError: there is no such block, or its WavLM cannot be loaded.
    """
    return sum(_wavlm(name).config.hidden_size if "=" in name else _block_width(name) for name in blocks)


def _block_width(name: str) -> int:
    if name not in BLOCK_WIDTHS:
        raise InputError(f"There is no speech block '{name}'; choose from {', '.join(BLOCK_WIDTHS)}.")
    return BLOCK_WIDTHS[name]


def _block(name: str, samples: Array, rows: int, fps: float, legacy: bool) -> Array:
    if name.partition("=")[0] == "wavlm":
        return _wavlm_rows(name, samples, rows, fps, legacy)
    _block_width(name)  # raises for an unknown block
    if name == "prosody":
        return _prosody(samples, rows, fps, legacy)
    if name == "onset":
        return _onset_rows(onset_times(samples), rows, fps)
    power = _power_spectrum(samples, np.arange(rows) / fps, _WINDOW)  # (N, 2049)
    mel = power @ mel_filters(SAMPLE_RATE, _WINDOW, 64).T  # (N, 64)
    if name == "mel":
        return np.log(mel + 1e-10)
    return cepstra(mel, 40)


def _normalize_level(samples: Array) -> Array:
    """Bring the loud frames of samples (n,) to one level and add the noise of a quiet room."""
    frame = SAMPLE_RATE // 20
    padded = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    power = np.square(padded, dtype=np.float64).mean(1)
    active = power[power > 1e-4 * power.max()]  # without pauses
    loud = float(np.sqrt(np.percentile(active, 95))) if active.size else 0.0
    gain = _SPEECH_LEVEL / max(loud, _SPEECH_LEVEL / _MAX_GAIN)
    room = np.random.default_rng(0).standard_normal(len(samples), dtype=np.float32)
    return np.asarray(samples * np.float32(gain) + np.float32(_ROOM_LEVEL) * room, np.float32)


def _frames(samples: Array, times: NDArray[np.float64], length: int) -> Array:
    """Windows (N, length) of samples centered on times in seconds, with zeros outside the recording."""
    starts = np.round(times * SAMPLE_RATE).astype(int)  # of the padded recording
    after = max(0, int(starts.max()) + length - len(samples) - length // 2)
    padded = np.pad(samples, (length // 2, after))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[starts]


def _power_spectrum(samples: Array, times: NDArray[np.float64], length: int) -> Array:
    """Power spectrum (N, length / 2 + 1) of Hann windows centered on times in seconds."""
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    spectra = [
        np.square(np.abs(np.fft.rfft(_frames(samples, part, length) * window)))
        for part in np.array_split(times, len(times) * length // 2**22 + 1)  # limits memory for long recordings
    ]
    return np.concatenate(spectra).astype(np.float32)


def _prosody(samples: Array, rows: int, fps: float, legacy: bool) -> Array:
    """(N, 4): energy, its change, pitch, its change, each the mean of ten measurements around the frame."""
    # The released code averages measurements after k / fps, ours are centered on it.
    first = 0.0 if legacy else -(_PROSODY_STEPS - 1) / 2
    times = np.maximum((np.arange(rows * _PROSODY_STEPS) + first) / (_PROSODY_STEPS * fps), 0.0)
    energy = np.maximum(np.log(np.maximum(intensity(samples, times), 1e-10)) - 3, 0)
    pitch = np.maximum(np.log(pitch_hertz(samples, times) + 1) - 4, 0)
    milliseconds = 1000 / (_PROSODY_STEPS * fps)
    curves = [energy, np.diff(energy, prepend=energy[:1]) / milliseconds]
    curves += [pitch, np.diff(pitch, prepend=pitch[:1]) / milliseconds]
    return np.stack(curves, axis=1).reshape(rows, _PROSODY_STEPS, 4).mean(1)


def intensity(samples: Array, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the loudness at times, as Praat defines intensity.

    Args:
        samples: (n,) mono at 16 kHz.
        times: (N,) seconds.

    Returns:
        (N,) dB above the threshold of hearing, at least 0.
    """
    length = 1024  # 64 ms, Praat's default
    window = np.kaiser(length, 20.0)
    frames = _frames(samples, times, length).astype(np.float64)
    frames -= (frames @ window / window.sum())[:, None]
    power = np.square(frames) @ window / window.sum()
    return np.maximum(10 * np.log10(power / 4e-10 + 1e-30), 0.0)


def pitch_hertz(samples: Array, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the pitch at times from the peak of the autocorrelation divided by the window's (Boersma 1993).

    Unlike Praat, it chooses each frame's peak independently, without a search for the best path.

    Args:
        samples: (n,) mono at 16 kHz.
        times: (N,) seconds.

    Returns:
        (N,) pitch in Hz, 0 where unvoiced.
    """
    length = 640  # three periods of the lowest pitch
    size = 1024  # of the transforms: the window and the longest lag
    window = np.hanning(length).astype(np.float32)
    shape = np.fft.irfft(np.square(np.abs(np.fft.rfft(window, size))))
    lags = np.arange(int(SAMPLE_RATE / _PITCH_RANGE[1]), int(SAMPLE_RATE / _PITCH_RANGE[0]) + 2)
    pitch = np.zeros(len(times))
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0:
        return pitch
    for part in np.array_split(np.arange(len(times)), len(times) // 4096 + 1):
        frames = _frames(samples, times[part], length)
        frames = frames - frames.mean(1, keepdims=True)
        peak = np.abs(frames).max(1)
        spectrum = np.square(np.abs(np.fft.rfft(frames * window, size)))
        correlation = np.fft.irfft(spectrum)[:, : lags[-1] + 2]
        correlation /= np.maximum(correlation[:, :1], 1e-12)
        correlation /= (shape / shape[0])[: lags[-1] + 2]
        before, here, after = (correlation[:, lags + shift] for shift in (-1, 0, 1))
        # A small bonus for short lags settles which of several equal peaks is the period.
        strength = np.where((here >= before) & (here > after), here - 0.01 * np.log2(lags / lags[0]), -1.0)
        best = strength.argmax(1)
        row = np.arange(len(part))
        b, h, a = before[row, best], here[row, best], after[row, best]
        lag = lags[best] + 0.5 * (b - a) / np.minimum(b - 2 * h + a, -1e-12)
        voiced = (strength[row, best] > _VOICED) & (peak > 0.03 * loudest) & (lag >= lags[0]) & (lag <= lags[-1])
        pitch[part] = np.where(voiced, SAMPLE_RATE / lag, 0.0)
    return median_filter(pitch, 5)  # drops single octave errors


def onset_times(samples: Array) -> NDArray[np.float64]:
    """Detect the onsets of syllables and sounds: peaks in the rise of the mel spectrum above its local mean of 0.4 s.

    Args:
        samples: (n,) mono at 16 kHz.

    Returns:
        Times in seconds, in ascending order.
    """
    count = len(samples) // _ONSET_STEP + 1
    times = np.arange(count) * _ONSET_STEP / SAMPLE_RATE
    mel = _power_spectrum(samples, times, 1024) @ mel_filters(SAMPLE_RATE, 1024, 40).T
    level = np.log10(mel + 1e-3)  # (n, 40); the offset suppresses onsets in quiet noise
    level = np.pad(level, ((1, 1), (0, 0)), constant_values=-3.0)
    rise = np.maximum(level[2:] - level[:-2], 0).mean(1)  # (n,)
    surround = mean_filter(rise, 41)
    return times[find_peaks(rise - surround, height=0.15, distance=8)]


def _onset_rows(times: NDArray[np.float64], rows: int, fps: float) -> Array:
    column = np.zeros((rows, 1), np.float32)
    column[np.minimum(np.round(times * fps).astype(int), rows - 1)] = 1
    return column


@lru_cache(maxsize=1)
def _wavlm(name: str) -> Any:
    """Load the network of a block, "wavlm" or "wavlm=FOLDER_OR_HUB_NAME"."""
    import transformers  # slow to import, and only this block needs it

    source = name.partition("=")[2] or WAVLM_DEFAULT
    try:
        network = transformers.WavLMModel
        return hub.load(source, lambda local: network.from_pretrained(source, local_files_only=local)).eval()
    except Exception as error:  # transformers raises many kinds of errors
        raise InputError(
            f"The WavLM network '{source}' cannot be loaded; give a folder with config.json and weights, or the name "
            "of a reachable hub model."
        ) from error


def _wavlm_rows(name: str, samples: Array, rows: int, fps: float, legacy: bool) -> Array:
    """(N, width): the last layer of WavLM, which has a row every 20 ms, interpolated to frames."""
    network = _wavlm(name)
    if network.config.feat_extract_norm == "layer":  # Large; the Base networks expect unnormalized samples
        samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-5)
    if legacy:
        chunk = 6 * SAMPLE_RATE
        padded = np.pad(samples, (0, chunk - len(samples) % chunk))
        hidden = np.concatenate([_run_wavlm(network, part) for part in padded.reshape(-1, chunk)])
        place = np.linspace(0, len(hidden) - 1, rows)
    else:
        hidden = _overlapping_wavlm(network, samples)
        place = np.clip(
            (np.arange(rows) / fps * SAMPLE_RATE - 200) / 320, 0, len(hidden) - 1
        )  # row i is centered on sample 320 i + 200
    low = np.minimum(place.astype(int), max(0, len(hidden) - 2))
    part = (place - low)[:, None].astype(np.float32)
    return hidden[low] * (1 - part) + hidden[np.minimum(low + 1, len(hidden) - 1)] * part


def _overlapping_wavlm(network: Any, samples: Array) -> Array:
    """All rows of a recording of any length, computed in chunks of 10 s with 2 s of context on both sides."""
    keep, context = 500, 100  # rows
    samples = np.pad(samples, (0, max(0, 400 - len(samples))))
    total = (len(samples) - 400) // 320 + 1
    parts: list[Array] = []
    for start in range(0, total, keep):
        first, end = max(0, start - context), min(total, start + keep + context)
        hidden = _run_wavlm(network, samples[320 * first : 320 * (end - 1) + 400])
        parts.append(hidden[start - first :][:keep])
    return np.concatenate(parts)


def _run_wavlm(network: Any, samples: Array) -> Array:
    """Run the network on one chunk of samples: (rows, width)."""
    import torch

    with torch.inference_mode():
        return network(torch.from_numpy(np.ascontiguousarray(samples))[None]).last_hidden_state[0].numpy()
