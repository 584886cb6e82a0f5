# SPDX-License-Identifier: GPL-3.0-or-later
"""DoubleTake: legacy meets the released code's numbers; corrected refines the transitions and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.sampling.doubletake import Known, double_take
from core.sampling.methods import (
    LONG_BLEND,
    METHODS,
    AveragedWindows,
    CorrectedDoubleTake,
    DoubleTake,
    LegacyDoubleTake,
    default_double_take,
)
from core.sampling.noise import Floats, Generator
from core.sampling.preview import Preview
from core.sampling.samplers import SAMPLERS, Denoise, make_sampler
from core.sampling.schedule import cosine_schedule

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "d_doubletake_toyA.npz"))
SCHEDULE = cosine_schedule()
WINDOWS = [range(0, 70), range(50, 130), range(110, 170)]


def lay_out(lengths: Sequence[int], handshake: int) -> list[range]:
    windows = [range(lengths[0])]
    for length in lengths[1:]:
        start = windows[-1].stop - handshake
        windows.append(range(start, start + length))
    return windows


def test_legacy_meets_the_released_code():
    lengths = GOLDEN["lengths"].tolist()
    windows = lay_out(lengths, 20)
    calls: list[tuple[list[int], bool]] = []

    def denoise_for(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        calls.append(([len(stretch) for stretch in stretches], second))
        audio = GOLDEN["second_audio_" if second else "audio"]  # (B, N, 4)
        text = np.float32(0) if second else GOLDEN["text"].mean(axis=1)[:, None, None]

        def denoise(x: Floats, t: int) -> Floats:
            frames = np.arange(x.shape[1])[:, None]
            wave = np.sin(0.2 * frames + np.arange(4)).astype(np.float32)  # (N, 4)
            return np.tanh(0.6 * x + 0.3 * math.sin(t / 50) + 0.2 * audio + 0.2 * text + 0.1 * wave)

        return denoise

    motion = double_take(
        denoise_for,
        windows,
        features=4,
        sampler=make_sampler("ddpm", cosine_schedule(int(GOLDEN["T"]))),
        steps=int(GOLDEN["T"]),
        method=LegacyDoubleTake(refine=10),
        generator=Generator(int(GOLDEN["torch_seed"])),
        longest=0,
    )
    assert [window.stop for window in windows] == GOLDEN["step_sizes"].tolist()
    assert calls == [(lengths, False), (GOLDEN["second_lengths"].tolist(), True)]
    np.testing.assert_allclose(motion, GOLDEN["unfolded"][0, :, 0].T, atol=1e-5)


def toy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
    """A target by window in the first take and by frame alone in the second; part of the answer is x itself."""
    frames = np.array([stretch.start for stretch in stretches])[:, None, None] + np.arange(length)[:, None]
    offset = 0.0 if second else np.arange(len(stretches))[:, None, None]
    target = (np.sin(0.1 * frames + np.arange(5)) + offset).astype(np.float32)  # (B, length, 5)
    return lambda x, t: 0.8 * target + 0.2 * np.tanh(x)


def take(method: DoubleTake, sampler: str = "dpm", steps: int = 10, seed: int = 0, **options: object) -> Floats:
    arguments = {"denoise_for": toy, "windows": WINDOWS, "longest": 100, **options}
    return double_take(
        features=5,
        sampler=make_sampler(sampler, SCHEDULE),
        steps=steps,
        method=method,
        generator=Generator(seed),
        **arguments,
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_corrected_changes_every_transition_and_its_blend_and_nothing_else(sampler: str):
    first = take(CorrectedDoubleTake(refine=0), sampler)
    both = take(CorrectedDoubleTake(), sampler)
    changed = (first != both).any(axis=1)
    expected = np.zeros(170, bool)
    expected[40:80] = True  # 10 + 20 + 10 around each joint
    expected[100:140] = True
    assert changed[50:70].all()
    assert changed[110:130].all()
    assert not changed[~expected].any()
    assert changed[expected].mean() > 0.9


@pytest.mark.parametrize("sampler", ["ddim", "dpm"])  # those that bring no noise of their own
def test_what_is_joined_by_default_begins_to_change_little_by_little(sampler: str):
    windows = lay_out([90, 90], 20)
    first = take(replace(LONG_BLEND, refine=0), sampler, windows=windows)
    steps: list[float] = []
    for settings in (CorrectedDoubleTake(), LONG_BLEND):
        change = np.abs(take(settings, sampler, windows=windows) - first).max(axis=1)  # (160,)
        changed = np.flatnonzero(change)
        steps.append(max(float(change[changed[0]]), float(change[changed[-1]])) / float(change.max()))
    assert steps[1] < 0.5 * steps[0]
    assert (int(changed[0]), int(changed[-1])) == (70 - LONG_BLEND.blend + 1, 90 + LONG_BLEND.blend - 2)


def test_a_released_model_is_joined_as_it_was():
    assert default_double_take("legacy") == LegacyDoubleTake()
    assert default_double_take("corrected") == LONG_BLEND


def test_legacy_freezes_the_transition():
    windows = lay_out([70, 80, 60], 20)
    first = take(LegacyDoubleTake(refine=0), windows=windows)
    both = take(LegacyDoubleTake(), windows=windows)
    changed = (first != both).any(axis=1)
    assert not changed[50:70].any()
    assert changed[40:50].all()
    assert changed[70:80].all()


def test_windows_agree_where_they_overlap():
    seen: list[Floats] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        denoise = toy(stretches, length, second)

        def watch(x: Floats, t: int) -> Floats:
            if not second:
                seen.append(x)
            return denoise(x, t)

        return watch

    take(CorrectedDoubleTake(), denoise_for=spy)
    assert len(seen) == 10
    for x in seen:
        for i, (left, right) in enumerate(pairwise(WINDOWS)):
            shared = left.stop - right.start
            assert np.array_equal(x[i, len(left) - shared : len(left)], x[i + 1, :shared])


def test_averaged_windows_are_sampled_apart_and_cross_faded_at_the_end():
    answers: list[Floats] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        assert not second
        denoise = toy(stretches, length, second)
        return lambda x, t: answers.append(denoise(x, t)) or answers[-1]

    motion = take(AveragedWindows(), denoise_for=spy)
    x = answers[-1]  # the last step's answer is the result of each window
    assert not np.allclose(x[0, 50:70], x[1, :20])
    alpha = np.arange(20, dtype=np.float32)[:, None] / 20
    np.testing.assert_allclose(motion[50:70], (1 - alpha) * x[0, 50:70] + alpha * x[1, :20], rtol=1.3e-6, atol=1e-5)
    np.testing.assert_allclose(motion[:50], x[0, :50], rtol=1.3e-6, atol=1e-5)
    np.testing.assert_allclose(motion[70:110], x[1, 20:60], rtol=1.3e-6, atol=1e-5)


def test_the_second_take_sees_its_frames_where_they_are():
    seen: list[Sequence[range]] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        seen.append(stretches)
        return toy(stretches, length, second)

    take(CorrectedDoubleTake(), denoise_for=spy)
    assert seen == [WINDOWS, [range(10, 110), range(70, 170)]]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("mode", ["corrected", "legacy", "averaged"])
def test_same_seed_same_bits(sampler: str, mode: str):
    windows = lay_out([70, 80, 60], 20)
    motion = take(METHODS[mode](), sampler, windows=windows)
    assert np.array_equal(motion, take(METHODS[mode](), sampler, windows=windows))
    assert not np.array_equal(motion, take(METHODS[mode](), sampler, seed=1, windows=windows))


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([range(30)], 10),  # one window has nothing to join
        ([range(30), range(30, 60)], 10),  # a cut
        ([range(4), range(2, 8), range(6, 10)], 19),  # cores too short for a blend
        (WINDOWS, 19),
    ],
)
def test_progress_counts_every_step(windows: list[range], expected: int):
    steps: list[tuple[int, int]] = []
    motion = take(CorrectedDoubleTake(), windows=windows, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(done, expected) for done in range(expected + 1)]
    assert motion.shape == (windows[-1].stop, 5)
    assert np.isfinite(motion).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_known_frames_stay_and_lead_what_is_beside_them(sampler: str):
    """Windows in two groups; the network's own answer is far from what is known."""
    known, stays = np.full((200, 5), 9.0, np.float32), np.ones((200, 1), bool)
    stays[30:60] = stays[160:165] = False
    inputs: list[Floats] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        denoise = toy(stretches, length, second)
        return lambda x, t: (inputs.append(x) or denoise(x, t)) if not second else denoise(x, t)

    windows = [range(10, 50), range(40, 80), range(150, 180)]
    motion = take(CorrectedDoubleTake(), sampler, denoise_for=spy, windows=windows, known=Known(known, stays))
    here = stays[:, 0]
    assert np.array_equal(motion[here], known[here])
    assert (motion[~here] < 4.0).all()
    assert np.abs(inputs[-1][0, :20] - 9.0).mean() < 1.5  # the network saw what is known, with little noise, beside it


@pytest.mark.parametrize("mode", ["corrected", "legacy"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_some_features_of_a_frame_may_be_known(mode: str, sampler: str):
    known, stays = np.full((190, 5), 9.0, np.float32), np.tile([True, False, True, False, False], (190, 1))
    motion = take(METHODS[mode](), sampler, windows=lay_out([70, 80, 80], 20), known=Known(known, stays))
    assert np.array_equal(motion[stays], known[stays])
    assert (motion[~stays] < 4.0).all()


def looked(**options: object) -> tuple[Floats, list[Floats]]:
    """The result, and what was shown of it on the way."""
    looks: list[Floats] = []
    return take(observer=Preview(looks.append), **options), looks


LONG = [range(50 * i, 50 * i + 70) for i in range(20)]
SOME_KNOWN = Known(np.full((170, 5), 9.0, np.float32), np.arange(170)[:, None] > 150)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("corrected", {}),
        ("corrected", {"windows": LONG}),
        ("corrected", {"known": SOME_KNOWN}),
        ("averaged", {}),
        ("legacy", {"windows": lay_out([70, 80, 60], 20)}),
    ],
)
def test_looks_change_no_bit(sampler: str, mode: str, options: dict[str, object]):
    settings = METHODS[mode]()
    motion, looks = looked(method=settings, sampler=sampler, **options)
    assert np.array_equal(motion, take(settings, sampler, **options))
    assert len(looks) == (1 if mode == "averaged" else 2)
    for look in looks:
        assert np.isfinite(look).all()


@pytest.mark.parametrize("windows", [WINDOWS, LONG])
def test_the_second_look_is_the_result_but_for_what_the_second_take_refines(windows: list[range]):
    motion, (_, look) = looked(method=CorrectedDoubleTake(), windows=windows)
    assert np.array_equal(look, take(CorrectedDoubleTake(refine=0), windows=windows))
    refined = np.zeros(len(motion), bool)
    for left, right in pairwise(windows):
        refined[right.start - 10 : left.stop + 10] = True
    assert np.array_equal(look[~refined], motion[~refined])
    assert not np.array_equal(look[refined], motion[refined])


@pytest.mark.parametrize("sampler", ["ddim", "dpm"])
def test_a_look_ahead_where_there_is_much_to_sample(sampler: str):
    """The first two windows alone, near to what becomes of them, before anything else is computed."""
    calls: list[tuple[int, bool]] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        denoise = toy(stretches, length, second)
        return lambda x, t: calls.append((len(x), second)) or denoise(x, t)

    before: list[int] = []
    looks: list[Floats] = []
    motion = take(
        CorrectedDoubleTake(),
        sampler,
        denoise_for=spy,
        windows=LONG,
        observer=Preview(lambda look: (looks.append(look), before.append(len(calls)))),
    )
    assert before == [5, 15]
    assert calls[:6] == [(2, False)] * 5 + [(20, False)]
    assert len(looks[0]) == 120
    start = Generator(0).normal(1, 5, 1020)[0, :, :40].T
    assert np.abs(looks[0][:40] - motion[:40]).mean() < 0.2 * np.abs(start - motion[:40]).mean()


def test_else_the_first_look_is_at_what_the_network_answers_for_all():
    answers: list[Floats] = []

    def spy(stretches: Sequence[range], length: int, second: bool) -> Denoise:
        denoise = toy(stretches, length, second)
        return lambda x, t: answers.append(denoise(x, t)) or answers[-1]

    _, looks = looked(method=CorrectedDoubleTake(), denoise_for=spy, steps=8)
    assert len(looks[0]) == 170
    np.testing.assert_allclose(looks[0][:50], answers[2][0, :50], rtol=1.3e-6, atol=1e-5)  # two of eight steps are done
    np.testing.assert_allclose(looks[0][130:], answers[2][2, 20:60], rtol=1.3e-6, atol=1e-5)


def test_seeds_of_stretches():
    plain, own = take(CorrectedDoubleTake(refine=0)), take(CorrectedDoubleTake(refine=0), seeds=[(range(20, 40), 7)])
    assert np.array_equal(plain[:20], own[:20])
    assert np.array_equal(plain[40:], own[40:])
    assert (plain[20:40] != own[20:40]).any(axis=1).all()
