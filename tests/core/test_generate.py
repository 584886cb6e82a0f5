# SPDX-License-Identifier: GPL-3.0-or-later
"""Any timeline becomes a motion of the right length, repeatably, its conditions at the right frames."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from core.conditions.speech import load_audio, speech_features
from core.errors import InputError
from core.generate import PREVIEW_SECONDS, Cancelled, Settings, generate
from core.model import representation
from core.model.config import DenoiserConfig, ModelConfig
from core.model.model import Model
from core.model.numpy_denoiser import NumpyDenoiser
from core.motion.clip import Motion
from core.motion.features import FEATURES, UPPER_BODY, UPPER_JOINTS, Normalizer
from core.motion.skeleton import JOINT_NAMES, neutral_skeleton
from core.planning.kept import Kept
from core.planning.segments import IDLE_PROMPT, Segment, plan_segments, stale_frames, with_seams
from core.planning.windows import plan_parts, text_weights, with_handshakes
from core.postprocess.stitching import align_start
from core.runs import Bools
from core.sampling.methods import LONG_BLEND, METHODS, CorrectedDoubleTake, LegacyDoubleTake
from core.sampling.noise import Floats
from core.timeline.strips import SpeechStrip, TextStrip, Timeline
from tests.core.random_networks import CountingDenoiser

TEXT_WIDTH, SPEECH_WIDTH = 6, 5  # the speech blocks are prosody (4) and onset (1)
WIDTHS = {"features": FEATURES, "text_width": TEXT_WIDTH, "speech_width": SPEECH_WIDTH}
WALK, WAVE = TextStrip(0, 4, "a person walks"), TextStrip(4, 7, "a person waves")


class Answer(NumpyDenoiser):
    """Stands in for the network: a function of (text, text_present, speech) answers x0 at once."""

    def __init__(self, answer: Callable[[Floats, Bools, Floats], Floats]) -> None:
        self.config = DenoiserConfig(**WIDTHS)
        self.answer = answer

    def denoise(self, x: Floats, t: int, text: Floats, present: Bools, speech: Floats, *masks: Bools) -> Floats:
        return np.broadcast_to(self.answer(text, present, speech), x.shape).astype(np.float32)


class Echo(Answer):
    """A network that answers its own input."""

    def denoise(self, x: Floats, t: int, *conditions: object) -> Floats:
        return x


def make_model(denoiser: NumpyDenoiser | None = None, **config: object) -> Model:
    shape = DenoiserConfig(**WIDTHS, width=16, layers=1, heads=2, feedforward=24)
    network = denoiser or CountingDenoiser(shape)
    mean = np.zeros(FEATURES)
    mean[3] = 0.9
    return Model(
        network,
        ModelConfig(shape, **{"speech_blocks": ("prosody", "onset"), "window": 100, "steps": 4, **config}),
        Normalizer(mean, np.full(FEATURES, 0.05)),
        Normalizer(np.full(SPEECH_WIDTH, 0.5), np.full(SPEECH_WIDTH, 2.0)),
    )


@pytest.fixture(autouse=True)
def fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt's vector is its length and zeros; what the real encoder does is tested elsewhere."""

    def encode(prompts: list[str], encoder: str) -> np.ndarray:
        return np.array([[len(prompt)] + [0] * (TEXT_WIDTH - 1) for prompt in prompts], np.float32)

    monkeypatch.setattr("core.planning.inputs.encode_texts", encode)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The features that `generate` decodes, in the network's own units."""
    seen: list[np.ndarray] = []
    decode = representation.decode

    def spy(features: np.ndarray, skeleton: object) -> Motion:
        seen.append((features - make_model().normalizer.mean) / 0.05)
        return decode(features, skeleton)

    monkeypatch.setattr(representation, "decode", spy)
    return seen


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of a voice-like tone that comes and goes."""
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    time = np.arange(16000 * 10) / 16000
    tone = np.sin(2 * np.pi * 120 * time) + 0.5 * np.sin(2 * np.pi * 240 * time)
    soundfile.write(path, 0.3 * tone * (np.sin(2 * np.pi * 0.7 * time) > 0) * (1 + 0.1 * time), 16000)
    return path


# Segments


def spans(segments: list[Segment]) -> list[tuple[int, int, str | None]]:
    return [(segment.start, segment.stop, segment.prompt) for segment in segments]


def strip(start: float, end: float, prompt: str) -> TextStrip:
    return TextStrip(start, end, prompt)


@pytest.mark.parametrize(
    ("text", "spoken", "expected"),
    [
        ([strip(0, 4, "a")], [], [(0, 81, "a")]),  # the frame at the end itself belongs to the strip
        ([strip(0, 2, "a"), strip(2, 4, "b")], [], [(0, 40, "a"), (40, 81, "b")]),
        # a short gap is shared, a long one stands idle
        ([strip(0, 2, "a"), strip(2.5, 4, "b")], [], [(0, 45, "a"), (45, 81, "b")]),
        ([strip(2, 4, "a")], [], [(0, 40, IDLE_PROMPT), (40, 81, "a")]),
        ([strip(0.5, 4, "a")], [], [(0, 81, "a")]),
        # speech leads where there is no text, and its short pauses do not stand idle
        ([], [(0, 4)], [(0, 81, None)]),
        ([], [(0, 2), (2.6, 4)], [(0, 81, None)]),
        ([], [(1.5, 4)], [(0, 30, IDLE_PROMPT), (30, 81, None)]),
        ([strip(0, 1.5, "a")], [(2, 4)], [(0, 40, "a"), (40, 81, None)]),
        ([strip(1, 2, "a")], [(0, 4)], [(0, 20, None), (20, 40, "a"), (40, 81, None)]),
        # the strip that starts later leads, and of two that start together the later in the list
        ([strip(1, 2, "b"), strip(0, 4, "a")], [], [(0, 20, "a"), (20, 40, "b"), (40, 81, "a")]),
        ([strip(0, 4, "a"), strip(0, 2, "b")], [], [(0, 40, "b"), (40, 81, "a")]),
        ([strip(0, 4, "a"), strip(2, 2.01, "b")], [], [(0, 40, "a"), (40, 41, "b"), (41, 81, "a")]),
    ],
)
def test_segments(
    text: list[TextStrip], spoken: list[tuple[float, float]], expected: list[tuple[int, int, str | None]]
):
    timeline = Timeline(tuple(text), tuple(SpeechStrip(start, Path("any.wav"), end) for start, end in spoken))
    assert spans(plan_segments(timeline, spoken, 81)) == expected


def test_a_strip_has_its_own_guidance_or_the_timelines_and_idle_has_1():
    timeline = Timeline((TextStrip(0, 2, "a"), TextStrip(2, 4, "b", 2.5), TextStrip(6, 7, "c")), guidance=0.5)
    assert [segment.guidance for segment in plan_segments(timeline, [], 141)] == [0.5, 2.5, 1.0, 0.5]


# Windows


@hypothesis.given(st.lists(st.integers(1, 700), min_size=1, max_size=30), st.integers(60, 200))
@hypothesis.settings(deadline=None, max_examples=200)
def test_parts_and_windows_fit_doubletake(lengths: list[int], longest: int):
    cuts = np.cumsum([0, *lengths]).tolist()
    segments = [Segment(start, stop, "a") for start, stop in pairwise(cuts)]
    take = CorrectedDoubleTake()
    parts = plan_parts(segments, longest, take)
    assert [parts[0].start, *(part.stop for part in parts)] == [0, *(part.start for part in parts[1:]), cuts[-1]]
    assert len(parts) == 1 or min(map(len, parts)) >= 20
    windows = with_handshakes(parts, take)
    assert max(map(len, windows)) <= longest
    assert (windows[0].start, windows[-1].stop) == (0, cuts[-1])
    for left, right in pairwise(windows):
        assert 10 <= left.stop - right.start <= 20
    for left, right in zip(windows, windows[2:], strict=False):
        assert left.stop <= right.start  # a frame is in two windows at most


@hypothesis.given(st.lists(st.integers(1, 700), min_size=1, max_size=30))
@hypothesis.settings(deadline=None)
def test_legacy_windows_are_as_long_as_the_released_code_needs(lengths: list[int]):
    cuts = np.cumsum([0, *lengths]).tolist()
    take = LegacyDoubleTake()
    windows = with_handshakes(plan_parts([Segment(*cut, "a") for cut in pairwise(cuts)], 120, take), take)
    assert len(windows) == 1 or min(map(len, windows)) >= 60
    assert all(left.stop - right.start == 20 for left, right in pairwise(windows))


def test_a_segment_of_fair_length_has_a_window_of_its_own():
    segments = [Segment(0, 80, "a"), Segment(80, 110, "b"), Segment(110, 112, "c"), Segment(112, 300, None)]
    parts = plan_parts(segments, 120, CorrectedDoubleTake())
    assert parts == [range(80), range(80, 112), range(112, 206), range(206, 300)]


# Weights of prompts


def test_prompts_cross_fade_around_the_cut():
    segments = [Segment(0, 40, "a"), Segment(40, 80, "b", 2.0), Segment(80, 120, None)]
    weights = text_weights(segments, ["a", "b"], range(120), fade=20)
    assert (weights[0, :30] == 1).all()
    assert (weights[0, 50:] == 0).all()
    assert (weights[1, 50:70] == 2).all()
    assert (weights[1, 90:] == 0).all()
    np.testing.assert_allclose(weights[0, 30:50] + weights[1, 30:50] / 2, 1, rtol=1.3e-6)
    np.testing.assert_allclose(weights[0, 39] - weights[1, 39] / 2, 0.05, rtol=1.3e-6, atol=1e-5)


def test_guidance_keys_are_read_at_each_frames_time():
    weights = text_weights([Segment(0, 80, "a", ((1.0, 0.0), (3.0, 1.0)))], ["a"], range(10, 70), fade=20)
    expected = np.clip((np.arange(10, 70) / 20 - 1) / 2, 0, 1)
    np.testing.assert_allclose(weights[0], expected, rtol=1.3e-6, atol=1e-5)


# The whole


@pytest.mark.parametrize("mode", ["corrected", "legacy"])
@pytest.mark.parametrize(
    ("strips", "seconds", "fps"),
    [
        ((TextStrip(0, 0.1, "two frames"),), 0.1, 30.0),
        ((TextStrip(0, 0.01, "no frame at all"),), 0.01, 24.0),
        (tuple(TextStrip(k / 10, k / 10 + 0.1, f"prompt {k % 3}") for k in range(12)), 1.2, 20.0),
        ((WALK, TextStrip(2, 2.1, "a blink"), TextStrip(9, 10, "a bow")), 10.0, 23.976),
        ((TextStrip(0, 60, "a long walk"),), 60.0, 30.0),
        ((TextStrip(0, 20, "a"), TextStrip(20, 21, "b"), TextStrip(50, 60, "c")), 60.0, 60.0),
    ],
)
def test_any_timeline_becomes_a_motion_of_its_length(
    mode: str, strips: tuple[TextStrip, ...], seconds: float, fps: float
):
    motion = generate(Timeline(strips, fps=fps), make_model(), Settings(steps=2, double_take=METHODS[mode]()))
    assert motion.fps == fps
    assert len(motion) == round(seconds * fps) + 1
    assert np.isfinite(motion.translation).all()
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm"])
def test_same_seed_same_bits(sampler: str, speech: Path):
    def bits(seed: int) -> bytes:
        timeline = Timeline((WALK, WAVE), (SpeechStrip(2, speech, 9),), seed=seed, guidance=1.5)
        motion = generate(timeline, make_model(sampler=sampler))
        return motion.translation.tobytes() + motion.rotations.tobytes()

    assert bits(1) == bits(1)
    assert bits(1) != bits(2)


@pytest.mark.parametrize(("guidance", "rows"), [(0.0, [1] * 4), (1.0, [1] * 4), (1.5, [2] * 4)])
def test_one_network_call_a_step(guidance: float, rows: list[int]):
    model = make_model()
    generate(Timeline((WALK,), guidance=guidance), model)
    assert model.denoiser.rows == rows


def test_progress_and_cancelling():
    timeline = Timeline((WALK, WAVE))
    steps: list[tuple[int, int]] = []
    generate(timeline, make_model(), on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 8) for done in range(9)]
    for stop_at in (0, 3, 8):
        done: list[int] = []
        with pytest.raises(Cancelled):
            generate(
                timeline,
                make_model(),
                on_step=lambda k, total, done=done: done.append(k),
                cancelled=lambda done=done, stop_at=stop_at: len(done) == stop_at,
            )
        assert done == [*range(stop_at)]


def test_speech_stays_on_its_frames(speech: Path, decoded: list[np.ndarray]):
    # Two strips of one recording, not on whole frames, over several windows; text in between.
    model = make_model(Answer(lambda text, present, speech: speech.mean(axis=-1, keepdims=True)))
    strips = (SpeechStrip(0.52, speech), SpeechStrip(12.0, speech, end=15.0, offset=4.0))
    generate(Timeline((WALK,), strips), model)
    samples = load_audio(speech)
    rows = model.speech_normalizer.normalize(speech_features(samples[480:], ("prosody", "onset"))).mean(axis=1)
    expected = np.zeros(len(decoded[0]))
    expected[11 : 11 + 200] = rows[:200]  # frame 11 is at 0.55 s, 0.03 s into the recording
    rows = model.speech_normalizer.normalize(speech_features(samples, ("prosody", "onset"))).mean(axis=1)
    expected[240:301] = rows[80:141]
    np.testing.assert_allclose(decoded[0][:, 0], expected, atol=1e-5)


def test_prompts_rule_their_strips_and_joints_do_not_pop(decoded: list[np.ndarray]):
    model = make_model(Answer(lambda text, present, speech: text[:, None, :1]))  # as many as the prompt has letters
    strips = (
        TextStrip(0, 8, "a" * 10),
        TextStrip(8, 9, "a" * 20),
        TextStrip(9, 9.3, "a" * 12),
        TextStrip(9.3, 14, "a"),
    )
    generate(Timeline(strips), model, Settings(steps=10))
    row = decoded[0][:, 0]
    np.testing.assert_allclose(row[:145], 10, atol=1e-4)
    np.testing.assert_allclose(row[200:], 1, atol=1e-4)
    assert row[165:175].min() > 15
    assert np.abs(np.diff(row)).max() < 3  # the steepest of the cross-fades, from 12 to 1 within 6 frames, takes 2


@pytest.mark.parametrize("mode", ["corrected", "legacy"])
def test_text_and_speech_are_told_together(mode: str, speech: Path):
    heard: list[tuple[bool, bool]] = []

    def answer(text: Floats, present: Bools, speech: Floats) -> Floats:
        heard.append((bool(present.all()), bool(speech.any())))
        return np.float32(0)

    settings = Settings(double_take=METHODS[mode]())
    generate(Timeline((WALK,), (SpeechStrip(0, speech, 4),)), make_model(Answer(answer)), settings)
    assert set(heard) == {(True, True)}


@pytest.mark.parametrize(
    ("strip", "message"),
    [
        ({"end": 11.0}, "ends at 11 s, but its recording ends at 10.00 s"),
        ({"start": 3.0, "end": 10.5, "offset": 4.0}, "ends at 10.5 s, but its recording ends at 9.00 s"),
        ({"offset": 10.0}, "begins 10 s into a recording of 10.00 s"),
    ],
)
def test_a_strip_longer_than_its_sound_is_refused(speech: Path, strip: dict[str, float], message: str):
    with pytest.raises(InputError, match=message):
        generate(Timeline(speech=(SpeechStrip(**{"start": 0.0, "audio": speech, **strip}),)), make_model())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(steps=0), "1 step or more, not 0"),
        (Settings(sampler="euler"), "no sampler 'euler'"),
        (Settings(device="toaster"), "device 'toaster' needs PyTorch"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: Settings, message: str):
    with pytest.raises(InputError, match=message):
        generate(Timeline((WALK,)), make_model(), settings)


def test_an_encoder_of_another_width_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "core.planning.inputs.encode_texts", lambda prompts, encoder: np.zeros((len(prompts), 9), np.float32)
    )
    with pytest.raises(InputError, match="'other' gives 9 numbers, but the model needs 6; use 'all-MiniLM-L6-v2'"):
        generate(Timeline((WALK,)), make_model(), Settings(text_encoder="other"))


def test_blocks_that_do_not_fit_the_network_are_refused(speech: Path):
    with pytest.raises(InputError, match="do not add up to the 5 numbers"):
        generate(Timeline(speech=(SpeechStrip(0, speech),)), make_model(speech_blocks=("mfcc",)))


def test_cleanup_is_a_choice():
    timeline, model = Timeline((WALK,), fps=20), make_model()
    raw = generate(timeline, model, Settings(steps=2, cleanup=False))
    clean = generate(timeline, model, Settings(steps=2))
    assert len(raw) == len(clean)
    assert not np.array_equal(raw.rotations, clean.rotations)


# The upper body alone

LONG_WALK, UPPER_WAVE = TextStrip(0, 9, "a" * 10), TextStrip(3, 6, "a" * 20, scope="upper body")
RAW = Settings(cleanup=False)


def joints(motion: Motion, upper: bool) -> bytes:
    """The bits of the upper body, or of root and legs."""
    rotations = motion.rotations[:, upper == UPPER_JOINTS].tobytes()
    return rotations if upper else rotations + motion.translation.tobytes()


@pytest.mark.parametrize("mode", ["corrected", "legacy"])
def test_the_upper_body_follows_its_own_strip_and_nothing_else_does(mode: str, decoded: list[np.ndarray]):
    model = make_model(Answer(lambda text, present, speech: text[:, None, :1]))
    settings = Settings(double_take=METHODS[mode]())
    generate(Timeline((LONG_WALK, UPPER_WAVE)), model, settings)
    generate(Timeline((LONG_WALK,)), model, settings)
    with_strip, without = decoded
    np.testing.assert_array_equal(with_strip[:, ~UPPER_BODY], without[:, ~UPPER_BODY])
    above = with_strip[:, UPPER_BODY]
    if mode == "corrected":  # the released code drops the text where windows meet
        np.testing.assert_allclose(above[71:110], 20, atol=1e-4)
        assert np.abs(np.diff(above, axis=0)).max() < 2.0  # from 10 to 20 in a second
    np.testing.assert_array_equal(above[:50], without[:50, UPPER_BODY])
    np.testing.assert_array_equal(above[130:], without[130:, UPPER_BODY])


def test_joints_are_upper_or_lower():
    lower = {name for name, upper in zip(JOINT_NAMES, UPPER_JOINTS, strict=True) if not upper}
    legs = {f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot")}
    assert lower == {"pelvis", *legs}
    mixed = np.zeros((FEATURES, 3))
    mixed[3, 0] = mixed[200, 1] = mixed[3, 2] = mixed[480, 2] = 1.0
    mixed[481, 2] = 0.5
    normalizer = Normalizer(np.zeros(FEATURES), np.ones(FEATURES), mixed)
    assert normalizer.columns(UPPER_BODY).tolist() == [False, bool(UPPER_BODY[200]), True]


@hypothesis.given(st.data())
@hypothesis.settings(deadline=None, max_examples=15)
def test_strips_of_the_upper_body_change_no_bit_of_root_and_legs(data: st.DataObject):
    seconds = st.floats(0.0, 9.0)
    upper = [
        TextStrip(start, end, "a" * data.draw(st.integers(1, 30)), data.draw(st.sampled_from([None, 0.0, 2.5])),
                  data.draw(st.sampled_from([None, 4])), scope="upper body")
        for start, end in data.draw(st.lists(st.tuples(seconds, seconds), min_size=1, max_size=3))
        if end > start
    ]  # fmt: skip
    base = (TextStrip(0, 4, "a", 2.0, seed=data.draw(st.sampled_from([None, 4]))), TextStrip(6, 9, "bb"))
    settings = Settings(steps=2, cleanup=data.draw(st.booleans()))
    fps = data.draw(st.sampled_from([20.0, 24.0, 60.0]))
    motion = generate(Timeline((*upper, *base), fps=fps), make_model(), settings)
    without = generate(Timeline(base, fps=fps), make_model(), settings)
    assert joints(motion, upper=False) == joints(without, upper=False)
    assert np.isfinite(motion.rotations).all()


def test_an_upper_body_led_apart_is_new_where_its_strip_is():
    model = make_model()
    motion = generate(Timeline((LONG_WALK, UPPER_WAVE), fps=20), model, RAW)
    without = generate(Timeline((LONG_WALK,), fps=20), model, RAW)
    same = (np.abs(motion.rotations) == np.abs(without.rotations)).all(axis=(1, 2))  # q and -q are one rotation
    assert not same[55:125].any()
    assert same[:50].all()
    assert same[130:].all()
    other = generate(Timeline((LONG_WALK, replace(UPPER_WAVE, seed=8)), fps=20), model, RAW)
    assert not same_bits(motion, other)[55:125].any()


def test_under_a_strip_of_the_upper_body_the_legs_stand_or_go_with_the_speech(speech: Path):
    spoken = (SpeechStrip(0, speech, 5),)
    for below, alone in (
        (Timeline((UPPER_WAVE,)), Timeline((TextStrip(0, 6, IDLE_PROMPT, 1.0),))),
        (Timeline((UPPER_WAVE,), spoken), Timeline((TextStrip(5.05, 6, IDLE_PROMPT, 1.0),), spoken)),
    ):
        led, idle = generate(below, make_model()), generate(alone, make_model())
        assert joints(led, upper=False) == joints(idle, upper=False)
        assert joints(led, upper=True) != joints(idle, upper=True)


@pytest.mark.parametrize("changes", [{"seed": 5}, {"prompt": "b"}, {"end": 7.0}, {"scope": "whole"}, {"start": 4.5}])
@pytest.mark.parametrize("follow", [False, True])
def test_a_strip_of_the_upper_body_made_anew_leaves_root_and_legs(changes: dict[str, object], follow: bool):
    model, before = make_model(steps=2), Timeline((LONG_WALK, UPPER_WAVE), fps=30)
    whole = generate(before, model)
    after = retold(before, 1, **changes)
    changed = with_seams(stale_frames(before, after), 30)
    moved = with_seams(stale_frames(before, after, legs=True), 30)
    part = generate(after, model, kept=Kept(whole, changed, follow, moved))
    assert same_bits(whole, part)[~changed].all() or follow
    assert not same_bits(whole, part)[changed].any()
    assert (joints(whole, upper=False) == joints(part, upper=False)) is ("scope" not in changes)
    assert np.isfinite(part.rotations).all()


def test_the_legs_made_anew_below_a_strip_of_the_upper_body():
    """What leads the arms is not shown to the network that makes the legs."""
    before = Timeline((LONG_WALK, UPPER_WAVE), fps=30)
    whole = generate(before, make_model(steps=2))
    after = retold(before, 0, end=4.5)
    changed = with_seams(stale_frames(before, after), 30)
    part = generate(after, make_model(steps=2), kept=Kept(whole, changed, moved=changed))
    assert same_bits(whole, part)[~changed[: len(part)]].all()
    assert not same_bits(whole, part)[changed[: len(part)]].any()


def test_progress_over_both_passes_never_goes_back():
    told: list[float] = []
    generate(Timeline((LONG_WALK, UPPER_WAVE)), make_model(), on_step=lambda done, total: told.append(done / total))
    assert told[0] == 0
    assert told[-1] == 1
    assert told == sorted(told)


def test_a_model_of_other_numbers_cannot_lead_the_upper_body():
    model = make_model()
    model = replace(model, normalizer=Normalizer(np.zeros(263), np.ones(263)))
    with pytest.raises(InputError, match="cannot generate the upper body separately"):
        generate(Timeline((LONG_WALK, UPPER_WAVE)), model)


# A part of it

STORY = tuple(TextStrip(3 * k, 3 * k + 3, f"prompt {k}") for k in range(5))


def same_bits(a: Motion, b: Motion) -> np.ndarray:
    """Which frames (T,) of two motions have the same bits."""
    frames = min(len(a), len(b))
    rows = [np.concatenate([one.translation[:frames], one.rotations[:frames].reshape(frames, -1)], 1) for one in (a, b)]
    return (rows[0] == rows[1]).all(axis=1)


def retold(timeline: Timeline, number: int, **changes: object) -> Timeline:
    text = list(timeline.text)
    text[number] = replace(text[number], **changes)
    return replace(timeline, text=tuple(text))


@pytest.mark.parametrize(
    ("number", "seconds", "fps"), [(0, 3.5, 23.976), (2, 4.0, 12.0), (2, 4.0, 60.0), (4, 3.5, 30.0)]
)
def test_all_but_the_changed_strip_and_its_seams_keeps_its_bits(number: int, seconds: float, fps: float):
    model, before = make_model(steps=2), Timeline(STORY, fps=fps)
    whole = generate(before, model)
    after = retold(before, number, seed=5)
    changed = with_seams(stale_frames(before, after), fps)
    part = generate(after, model, kept=Kept(whole, changed))
    assert len(part) == len(whole)
    same = same_bits(whole, part)
    assert same[~changed].all()
    assert not same[changed].any()
    assert changed.sum() / fps == pytest.approx(seconds, abs=0.1)
    assert np.isfinite(part.rotations).all()


@hypothesis.given(st.data())
@hypothesis.settings(deadline=None, max_examples=12)
def test_any_frames_can_be_made_anew(data: st.DataObject):
    """Any set of stretches, also shorter than a frame of the network, and a timeline longer or shorter than before."""
    before = Timeline(STORY[:2], fps=data.draw(st.sampled_from([15.0, 50.0])))
    whole = generate(before, make_model(), Settings(steps=1))
    after = retold(before, 1, end=data.draw(st.floats(4.0, 8.0)))
    total = round(after.text[1].end * after.fps) + 1
    changed = np.zeros(total, bool)
    for start, length in data.draw(st.lists(st.tuples(st.integers(0, total), st.integers(1, 30)), max_size=4)):
        changed[start : start + length] = True
    part = generate(after, make_model(), Settings(steps=1), kept=Kept(whole, changed, data.draw(st.booleans())))
    assert len(part) == total
    assert np.isfinite(part.translation).all()
    np.testing.assert_allclose(np.linalg.norm(part.rotations, axis=-1), 1, atol=1e-6)
    first = int(np.argmax(changed)) if changed.any() else total
    assert same_bits(whole, part)[:first].all()


def test_what_follows_stays_or_goes_along():
    model, before = make_model(), Timeline(STORY, fps=30)
    whole = generate(before, model)
    after = retold(before, 2, prompt="something else")
    changed = with_seams(stale_frames(before, after), 30)
    stop = int(np.flatnonzero(changed)[-1]) + 1
    moved = generate(after, model, kept=Kept(whole, changed, follow=True))
    assert moved.rotations[stop:, 1:].tobytes() == whole.rotations[stop:, 1:].tobytes()
    assert not np.allclose(moved.translation[stop:], whole.translation[stop:])
    skeleton = neutral_skeleton()
    rest, there = whole.slice(stop), moved.slice(stop)
    np.testing.assert_allclose(
        align_start(there, rest, skeleton).positions(skeleton), rest.positions(skeleton), atol=1e-6
    )


def test_only_windows_around_the_change_are_sampled():
    model, before = make_model(), Timeline(tuple(TextStrip(4 * k, 4 * k + 4, f"prompt {k}") for k in range(15)))
    whole = generate(before, model)
    model.denoiser.rows.clear()
    after = retold(before, 7, seed=1)
    generate(after, model, kept=Kept(whole, with_seams(stale_frames(before, after), before.fps)))
    assert max(model.denoiser.rows) <= 6  # three windows; in the second take two transitions, each of two prompts


def test_nothing_changed_is_what_was():
    timeline, model = Timeline(STORY[:2]), make_model()
    whole = generate(timeline, model)
    assert same_bits(generate(timeline, model, kept=Kept(whole, np.zeros(len(whole), bool))), whole).all()


def test_a_seed_of_its_own_moves_with_its_strip(decoded: list[np.ndarray]):
    """The network answers x itself, so that what comes out is the noise that went in."""
    model = make_model(Echo(lambda *_: np.float32(0)), sampler="ddim")

    def made(start: float) -> np.ndarray:
        strips = (TextStrip(0, start, "a"), TextStrip(start, start + 4, "b", seed=9))
        decoded.clear()
        generate(Timeline(strips), model, Settings(double_take=CorrectedDoubleTake(refine=0), cleanup=False))
        first = round(start * 20)
        return decoded[0][first + 12 : first + 68]

    np.testing.assert_allclose(made(3.0), made(4.0), atol=1e-5)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (lambda motion: Kept(motion.resampled(24.0), np.zeros(121, bool)), "must have the timeline's 30 fps"),
        (lambda motion: Kept(motion, np.zeros(7, bool)), "a flag for each of 181 frames"),
    ],
)
def test_motion_that_cannot_be_kept_is_refused(kept: Callable[[Motion], Kept], message: str):
    timeline, model = Timeline(STORY[:2]), make_model()
    with pytest.raises(InputError, match=message):
        generate(timeline, model, kept=kept(generate(timeline, model)))


# Preview


@pytest.mark.parametrize("strips", [1, 2, 12])
@pytest.mark.parametrize("fps", [20.0, 30.0])
def test_previews_change_no_bit_and_show_the_beginning(strips: int, fps: float):
    text = tuple(TextStrip(3.0 * k, 3.0 * k + 3, "a" * (k % 3 + 1)) for k in range(strips))
    timeline, model, previews = Timeline(text, fps=fps), make_model(), list[Motion]()
    motion = generate(timeline, model, on_preview=previews.append)
    assert same_bits(motion, generate(timeline, model)).all()
    assert len(previews) == min(strips, 2)  # one window has no second take
    for preview in previews:
        assert preview.fps == fps
        assert np.isfinite(preview.rotations).all()
        assert len(preview) <= min(len(motion), round(PREVIEW_SECONDS * fps) + 1)
    assert len(previews[-1]) == min(len(motion), round(PREVIEW_SECONDS * fps) + 1)


def test_before_the_first_transition_the_last_preview_is_the_result():
    text = tuple(TextStrip(4.0 * k, 4.0 * k + 4, "a" * (k % 3 + 1)) for k in range(6))
    previews: list[Motion] = []
    motion = generate(Timeline(text, fps=20), make_model(), Settings(cleanup=False), on_preview=previews.append)
    reach = LONG_BLEND.handshake // 2 + LONG_BLEND.blend - 1  # of the blend's outermost frame all is kept
    assert same_bits(motion, previews[-1])[: 80 - reach].all()
    poses = [one.rotations[:401, 1:] for one in (motion, previews[-1])]
    alike = np.abs(np.einsum("tjq,tjq->tj", *poses)).min(axis=1) > 1 - 1e-6
    assert not alike[80 - reach : 80 + reach].any()
    assert alike[80 + reach : 160 - reach].all()  # the path may have changed by then, the poses have not


def test_a_preview_of_a_part_keeps_what_stays():
    before, model, previews = Timeline(STORY), make_model(), list[Motion]()
    after = replace(before, text=(*STORY[:1], replace(STORY[1], seed=3), *STORY[2:]))
    whole = generate(before, model)
    kept = Kept(whole, with_seams(stale_frames(before, after), before.fps))
    motion = generate(after, model, kept=kept, on_preview=previews.append)
    assert same_bits(motion, generate(after, model, kept=kept)).all()
    assert len(previews) == 2
    for preview in previews:
        assert same_bits(preview, whole)[~kept.changed].all()
        assert not same_bits(preview, whole)[kept.changed].all()
    assert not same_bits(*previews).all()


def test_cancelled_after_a_preview():
    previews: list[Motion] = []
    timeline = Timeline((WALK, WAVE))
    with pytest.raises(Cancelled):
        generate(timeline, make_model(), on_preview=previews.append, cancelled=lambda: len(previews) == 1)
    assert len(previews) == 1
