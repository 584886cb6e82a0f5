# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features: the released code's numbers, frames that stay in place, and sound files of every kind."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import transformers

from core.conditions import speech
from core.errors import InputError

GOLDEN = Path(__file__).parents[2] / "golden"
RATE = speech.SAMPLE_RATE
LEGACY_FPS = RATE / 533  # the released hop is a whole number of samples
FAST_BLOCKS = ("mfcc", "mel", "prosody", "onset")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "e_audio_features.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def voice():
    return speech.load_audio(GOLDEN / "e_audio_16k.flac")


@pytest.fixture(scope="module")
def tiny_wavlm(golden, tmp_path_factory):
    """A random WavLM, 32 wide, in the layout of WavLM-Large; the stored weights bear transformers' names."""
    config = transformers.WavLMConfig(
        hidden_size=32,
        num_hidden_layers=2,
        intermediate_size=64,
        num_attention_heads=4,
        conv_dim=[16] * 7,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    network = transformers.WavLMModel(config)
    network.load_state_dict(
        {key[7:]: torch.from_numpy(value) for key, value in golden.items() if key.startswith("wavlm::")}
    )
    folder = tmp_path_factory.mktemp("wavlm")
    network.save_pretrained(folder)
    return f"wavlm={folder}"


def test_mfcc_and_mel_are_the_released_ones(voice, golden):
    features = speech.speech_features(voice, ("mfcc", "mel"), LEGACY_FPS, legacy=True)[::10]
    np.testing.assert_allclose(features[:, :40], golden["mfcc"], atol=1e-3)
    np.testing.assert_allclose(features[:, 40:], golden["log_mel"], atol=1e-4)


def test_prosody_follows_the_released_one(voice, golden):
    ours = speech.speech_features(voice, ("prosody",), 30, legacy=True)[: len(golden["prosody"])]
    theirs = golden["prosody"]
    assert np.abs(ours[:, 0] - theirs[:, 0]).mean() < 0.01  # energy, whose mean is 0.9
    assert np.mean((ours[:, 2] > 0) == (theirs[:, 2] > 0)) > 0.95  # voiced or not
    both = (ours[:, 2] > 0) & (theirs[:, 2] > 0)
    assert np.median(np.abs(ours[both, 2] - theirs[both, 2])) < 0.01  # 1 % of pitch


def test_onsets_are_where_the_released_ones_are(voice, golden):
    ours, theirs = speech.onset_times(voice), golden["onset_times"]
    near = np.abs(ours[:, None] - theirs) < 0.07
    precision, recall = near.any(1).mean(), near.any(0).mean()
    assert 2 * precision * recall / (precision + recall) > 0.8


def test_pitch_of_a_tone_is_its_frequency():
    for hertz in (80.0, 123.4, 240.0, 480.0):
        phase = 2 * np.pi * hertz * np.arange(RATE) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 5)).astype(np.float32)
        measured = speech.pitch_hertz(tone, np.arange(0.1, 0.9, 0.01))
        np.testing.assert_allclose(measured, hertz, rtol=2e-3)


def test_rows_do_not_depend_on_where_the_recording_begins(voice):
    shift = 31  # frames
    later = np.concatenate([voice[-shift * RATE // 20 :], voice])
    a = speech.speech_features(voice, FAST_BLOCKS, legacy=True)
    b = speech.speech_features(later, FAST_BLOCKS, legacy=True)[shift:]
    assert a.shape == b.shape
    inner = slice(20, -20)
    np.testing.assert_allclose(a[inner, :-1], b[inner, :-1], atol=2e-3)
    np.testing.assert_array_equal(a[inner, -1], b[inner, -1])


@pytest.mark.parametrize("fps", [20.0, 30.0, 29.97])
def test_row_count_and_width(voice, fps):
    samples = voice[: 2 * RATE]
    features = speech.speech_features(samples, FAST_BLOCKS, fps)
    assert features.shape == (int(2 * fps) + 1, speech.features_width(FAST_BLOCKS))
    assert features.dtype == np.float32


def test_a_row_is_centred_on_its_time():
    click = np.zeros(2 * RATE, np.float32)
    click[RATE - 80 : RATE + 80] = np.sin(np.arange(160))
    features = speech.speech_features(click, ("mel", "prosody", "onset"), fps=20)
    assert features[:, :64].mean(1).argmax() == 20
    assert features[:, 64].argmax() == 20
    np.testing.assert_array_equal(np.flatnonzero(features[:, -1]), [20])


def test_quiet_and_loud_recordings_give_the_same_prosody(voice):
    loud = speech.speech_features(voice, ("prosody",))
    quiet = speech.speech_features(voice * 0.01, ("prosody",))
    np.testing.assert_allclose(loud[:, 0], quiet[:, 0], atol=0.02)


def test_silence_before_the_speech_leaves_its_level(voice):
    alone = speech.speech_features(voice, ("mel",))
    padded = speech.speech_features(np.concatenate([np.zeros(10 * RATE, np.float32), voice]), ("mel",))[200:]
    loud = alone > 0  # quieter bands are the room's noise
    assert np.abs(alone[5:-5] - padded[5:-5])[loud[5:-5]].max() < 0.1


def test_silence_has_no_onsets_and_no_nan():
    features = speech.speech_features(np.zeros(RATE, np.float32), FAST_BLOCKS)
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(features[:, -5:], 0)  # energy, pitch, onset


@pytest.mark.parametrize("samples", [1, 100, 4000])
def test_very_short_recordings(samples, tiny_wavlm):
    noise = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    features = speech.speech_features(noise, (*FAST_BLOCKS, tiny_wavlm))
    assert np.isfinite(features).all()
    assert len(features) == samples // 800 + 1


def test_wavlm_is_the_released_one(voice, golden, tiny_wavlm):
    network = speech._wavlm(tiny_wavlm)
    samples = (voice - voice.mean()) / np.sqrt(voice.var() + 1e-5)
    np.testing.assert_allclose(speech._run_wavlm(network, samples)[::10], golden["wavlm_unchunked"], atol=2e-4)
    rows = 598  # one for each row of the padded chunks, so that nothing is interpolated
    legacy = speech._wavlm_rows(tiny_wavlm, voice, rows, fps=30, legacy=True)
    np.testing.assert_allclose(legacy[::10], golden["wavlm_chunked"], atol=2e-4)


def test_the_blocks_side_by_side_are_the_released_matrix(voice, golden, tiny_wavlm):
    """At 30 fps and, interpolated, at 20; prosody and onsets are our own and only near (tested above)."""
    np.testing.assert_allclose(voice[::500], golden["wav_float"], atol=1e-6)
    rows = 218
    blocks = [
        speech.speech_features(voice, ("mfcc",), LEGACY_FPS, legacy=True)[:rows],
        speech.speech_features(voice, ("mel",), LEGACY_FPS, legacy=True)[:rows],
        speech.speech_features(voice, ("prosody",), 30, legacy=True)[:rows],
        speech._wavlm_rows(tiny_wavlm, voice, rows, fps=30, legacy=True),
        speech.speech_features(voice, ("onset",), 30, legacy=True)[:rows],
    ]
    ours = np.concatenate(blocks, axis=1)
    assert ours.shape == (218, 141)
    at_20 = np.stack([np.interp(np.linspace(0, 216, 145), np.arange(rows), column) for column in ours.T], -1)
    for matrix, theirs in ((ours, golden["full_30fps"]), (at_20, golden["full_20fps"])):
        every = matrix[::20]
        np.testing.assert_allclose(every[:, :40], theirs[:, :40], atol=1e-3)
        np.testing.assert_allclose(every[:, 40:104], theirs[:, 40:104], atol=1e-4)
        np.testing.assert_allclose(every[:, 108:140], theirs[:, 108:140], atol=2e-4)
        assert np.abs(every[1:, 104] - theirs[1:, 104]).mean() < 0.01  # Praat hears nothing in the first


def test_the_level_of_a_recording_can_be_kept(voice):
    quiet, loud = (speech.speech_features(gain * voice, ("mel",), level=False) for gain in (0.1, 1.0))
    heard = loud > -5
    np.testing.assert_allclose((loud - quiet)[heard], 2 * np.log(10), atol=0.05)


def test_wavlm_in_chunks_keeps_time(voice, tiny_wavlm):
    long = np.concatenate([voice, voice, voice])  # 21.9 s: three chunks
    network = speech._wavlm(tiny_wavlm)
    whole, parts = speech._run_wavlm(network, long), speech._overlapping_wavlm(network, long)
    assert parts.shape == whole.shape
    # Attention hears the whole chunk, so rows are alike, not equal; a row out of place would not be.
    apart = np.abs(parts - whole).mean()
    assert apart < 0.2 * np.abs(parts[1:] - whole[:-1]).mean()
    assert speech.features_width(("onset", tiny_wavlm)) == 33


@pytest.mark.parametrize(
    ("rate", "channels", "subtype", "suffix"),
    [(8000, 1, "PCM_U8", "wav"), (96000, 2, "PCM_24", "wav"), (44100, 2, "FLOAT", "wav"), (22050, 1, "VORBIS", "ogg")],
)
def test_any_rate_channels_and_width(tmp_path, rate, channels, subtype, suffix):
    time = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / f"tone.{suffix}", np.repeat(tone[:, None], channels, 1), rate, subtype=subtype)
    samples = speech.load_audio(tmp_path / f"tone.{suffix}")
    assert samples.dtype == np.float32
    assert abs(len(samples) - RATE) <= 1
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    inner = slice(1000, 15000)
    np.testing.assert_allclose(samples[inner], expected[inner], atol=0.03)


def test_unusable_files_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"missing\.wav' does not exist"):
        speech.load_audio(tmp_path / "missing.wav")
    with pytest.raises(InputError, match="does not exist"):
        speech.load_audio(tmp_path)
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(InputError, match=r"text\.wav' cannot be read as audio"):
        speech.load_audio(tmp_path / "text.wav")
    (tmp_path / "nothing.wav").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read as audio"):
        speech.load_audio(tmp_path / "nothing.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(InputError, match=r"empty\.wav' is empty"):
        speech.load_audio(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan, np.float32), RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="not numbers"):
        speech.load_audio(tmp_path / "nan.wav")


def test_unknown_block_and_network_are_errors():
    with pytest.raises(InputError, match="no speech block 'pitch'"):
        speech.features_width(("mfcc", "pitch"))
    with pytest.raises(InputError, match="no speech block 'pitch'"):
        speech.speech_features(np.zeros(RATE, np.float32), ("pitch",))
    with pytest.raises(InputError, match="WavLM network '/no/such/folder' cannot be loaded"):
        speech.speech_features(np.zeros(RATE, np.float32), ("wavlm=/no/such/folder",))
