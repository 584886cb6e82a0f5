# SPDX-License-Identifier: GPL-3.0-or-later
"""Signal processing in numpy gives what scipy and librosa do."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import soundfile

from core.conditions import signal, speech, voice

GOLDEN = Path(__file__).parents[2] / "golden"
SIZES = [1, 2, 7, 40, 1000]


def curve(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size).cumsum()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [1, 3, 5, 41])
def test_moving_filters(size: int, width: int):
    values, ndimage = curve(size), scipy.ndimage
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(
        signal.mean_filter(values, width), ndimage.uniform_filter1d(values, width, mode="nearest"), **close
    )
    np.testing.assert_allclose(
        signal.median_filter(values, width), ndimage.median_filter(values, width, mode="nearest"), **close
    )
    np.testing.assert_allclose(signal.maximum_filter(values, width), ndimage.maximum_filter1d(values, width), **close)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 6.0, 18.5])
@pytest.mark.parametrize(("ours", "theirs"), [("symmetric", "reflect"), ("edge", "nearest")])
def test_gaussian_filter(size: int, sigma: float, ours: str, theirs: str):
    values = curve(size)
    expected = scipy.ndimage.gaussian_filter1d(values, sigma, mode=theirs)
    np.testing.assert_allclose(signal.gaussian_filter(values, sigma, ours), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("distance", [1, 2, 8, 50])
def test_peaks(seed: int, distance: int):
    """Also of steps, which have flat peaks and peaks of one height."""
    values = curve(300, seed)
    for given in (values, np.round(values), np.round(values / 3), np.minimum(values, 0), -np.abs(values)):
        for height in (-100.0, 0.0, 0.15, 100.0):
            expected, _ = scipy.signal.find_peaks(given, height=height, distance=distance)
            np.testing.assert_array_equal(signal.find_peaks(given, height, distance), expected)


@pytest.mark.parametrize(
    "values", [[], [1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [2.0] * 9]
)
def test_peaks_of_little(values: list[float]):
    expected, _ = scipy.signal.find_peaks(values, height=0.5, distance=3)
    np.testing.assert_array_equal(signal.find_peaks(np.array(values, float), 0.5, 3), expected)


@pytest.mark.parametrize(("rate", "length", "bands"), [(16000, 4096, 64), (16000, 1024, 40), (22050, 2048, 128)])
def test_mel_filters(rate: int, length: int, bands: int):
    expected = librosa.filters.mel(sr=rate, n_fft=length, n_mels=bands)
    np.testing.assert_allclose(signal.mel_filters(rate, length, bands), expected, atol=1e-8, rtol=0)


@pytest.mark.parametrize("count", [1, 13, 40, 64])
def test_cepstra(count: int):
    power = np.exp(np.random.default_rng(0).normal(0, 6, (50, 64))).astype(np.float32)
    expected = librosa.feature.mfcc(S=librosa.power_to_db(power.T), n_mfcc=count).T
    np.testing.assert_allclose(signal.cepstra(power, count), expected, atol=1e-4, rtol=1e-6)
    assert signal.cepstra(power[:0], count).shape == (0, count)


def speech_like(rate: int, seconds: float = 2.0) -> np.ndarray:
    """A voice that goes up and down, with what it has above the lower rate's half left out."""
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * time)) / rate
    tones = sum(np.sin(k * phase) / k for k in range(1, 20))
    return (0.15 * tones * (0.4 + 0.6 * np.sin(2 * np.pi * 3 * time) ** 2)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 44100, 48000, 96000])
def test_resampling_meets_librosas_best(rate: int):
    for samples in (speech_like(rate), recorded(rate)):
        ours = signal.resample(samples, rate, 16000)
        theirs = librosa.resample(samples, orig_sr=rate, target_sr=16000, res_type="soxr_hq")
        assert len(ours) == len(theirs)
        assert ours.dtype == np.float32
        inner = slice(200, -200)  # beyond the ends there are zeros, which a step leads to
        assert np.sqrt(np.mean(np.square(ours - theirs)[inner])) < 1e-4


def recorded(rate: int) -> np.ndarray:
    """A recording of speech at another rate."""
    samples, own = soundfile.read(GOLDEN / "e_audio_16k.flac", dtype="float32")
    return librosa.resample(samples, orig_sr=own, target_sr=rate, res_type="soxr_vhq")


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 441, 1000])
def test_resampling_any_number_of_samples(rate: int, count: int):
    ours = signal.resample(np.ones(count, np.float32), rate, 16000)
    assert len(ours) == -(-count * 16000 // rate)
    assert np.isfinite(ours).all()


def test_the_same_rate_is_the_same():
    samples = speech_like(16000)
    assert signal.resample(samples, 16000, 16000) is samples


def test_resampling_keeps_a_constant_and_removes_what_the_target_cannot_have():
    steady = signal.resample(np.ones(44100, np.float32), 44100, 16000)
    np.testing.assert_allclose(steady[300:-300], 1, atol=1e-4)
    high = np.sin(2 * np.pi * 9000 * np.arange(44100) / 44100).astype(np.float32)
    assert np.abs(signal.resample(high, 44100, 16000)[300:-300]).max() < 1e-4


def with_libraries(samples: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The features as they were when scipy and librosa computed parts of them."""
    ndimage = scipy.ndimage
    monkeypatch.setattr(
        speech, "mel_filters", lambda rate, length, bands: librosa.filters.mel(sr=rate, n_fft=length, n_mels=bands)
    )
    monkeypatch.setattr(
        speech, "cepstra", lambda power, count: librosa.feature.mfcc(S=librosa.power_to_db(power.T), n_mfcc=count).T
    )
    monkeypatch.setattr(
        speech, "find_peaks", lambda values, height, distance: scipy.signal.find_peaks(
            values, height=height, distance=distance
        )[0]
    )  # fmt: skip
    monkeypatch.setattr(
        speech, "median_filter", lambda values, size: ndimage.median_filter(values, size, mode="nearest")
    )
    for module in (speech, voice):
        monkeypatch.setattr(
            module, "mean_filter", lambda values, size: ndimage.uniform_filter1d(values, size, mode="nearest")
        )
    monkeypatch.setattr(voice, "maximum_filter", ndimage.maximum_filter1d)
    monkeypatch.setattr(
        voice, "gaussian_filter", lambda values, sigma, mode="symmetric": ndimage.gaussian_filter1d(
            values, sigma, mode={"symmetric": "reflect", "edge": "nearest"}[mode]
        )
    )  # fmt: skip
    return speech.speech_features(samples, ("mfcc", "mel", "prosody", "onset", "voice"))


def test_speech_features_are_what_they_were_with_the_libraries(monkeypatch: pytest.MonkeyPatch):
    samples = speech.load_audio(GOLDEN / "e_audio_16k.flac")
    ours = speech.speech_features(samples, ("mfcc", "mel", "prosody", "onset", "voice"))
    theirs = with_libraries(samples, monkeypatch)
    np.testing.assert_allclose(ours[:, :40], theirs[:, :40], atol=1e-3)
    np.testing.assert_allclose(ours[:, 40:108], theirs[:, 40:108], atol=1e-4)
    np.testing.assert_array_equal(ours[:, 108:110], theirs[:, 108:110])  # onset, and whether there is speech
    np.testing.assert_allclose(ours[:, 110:], theirs[:, 110:], atol=1e-5)
