# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare DATASET` on tiny datasets in the layouts as published, whole and damaged."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.conditions.speech import load_audio, speech_features
from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.plan import plan_text
from core.formats import SourceClip
from core.motion.clip import Motion
from core.motion.fitting import fit, on_floor
from core.motion.rotation import rotation_y
from core.motion.skeleton import INDEX
from core.training import components
from core.training.dataset import SPEECH_ACTION, TOLD_ACTION, ClipSet
from core.training.datasets import beat, beat2, build, bvh, humanml3d, trinity, zeggs
from core.training.datasets.build import Conditions, prepare_dataset, split_groups
from core.training.datasets.recording import Options, Recording, clips, read_spans, whole_stretches
from core.training.joint_maps import humanoid_map
from core.training.split import Split
from tests.core.dataset_makers import (
    SKELETON,
    speaking,
    studio_clip,
    with_axes_anywhere,
    write_bvh,
    write_smplx,
    write_voice,
)
from tests.core.tiny_networks import make_clip, make_wavlm

SECONDS = 4.0
LIMBS = ("hip", "knee", "shoulder", "elbow")
ENDS = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}


def write_beat(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        stem = folder / "2" / f"2_scott_0_{i}_{i}"
        write_bvh(studio_clip(speaking(int(SECONDS * 120), i, 120.0)), stem.with_suffix(".bvh"))
        write_voice(stem.with_suffix(".wav"), SECONDS, 120 + 10 * i)
        stem.with_suffix(".TextGrid").write_text("not read")


def write_beat2(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        stem = f"2_scott_0_{i}_{i}"
        write_smplx(speaking(int(SECONDS * 30), i, 30.0), folder / "smplxflame_30" / f"{stem}.npz", up="y")
        write_voice(folder / "wave16k" / f"{stem}.wav", SECONDS)
    (folder / "train_test_split.csv").write_text("id,type\n2_scott_0_1_1,train\n")


def write_trinity(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        clip = with_axes_anywhere(studio_clip(speaking(int(SECONDS * 60), i, 60.0)))
        write_bvh(clip, folder / "Motion" / f"Recording_00{i}.bvh", "ZXY")
        write_voice(folder / "Audio" / f"Recording_00{i}.wav", SECONDS)


def write_zeggs(folder: Path, recordings: int = 3) -> None:
    for i, style in zip(range(1, recordings + 1), ("Neutral", "Happy", "Agreement"), strict=False):
        clip = with_axes_anywhere(studio_clip(speaking(int(SECONDS * 60), i, 60.0)))
        write_bvh(clip, folder / "clean" / f"00{i}_{style}_0_x_1_0.bvh", "ZYX")
        write_voice(folder / "clean" / f"00{i}_{style}_0_x_1_0.wav", SECONDS)
        (folder / "original").mkdir(exist_ok=True)
        (folder / "original" / f"00{i}_{style}_0.bvh").write_text("begins at another time than its sound")


def write_own(folder: Path) -> None:
    for name in ("monday/walk", "tuesday/walk", "talk", "both"):
        write_bvh(studio_clip(speaking(int(SECONDS * 30), len(name), 30.0)), folder / f"{name}.bvh", "YXZ")
    for name in ("monday/walk", "tuesday/walk"):
        (folder / f"{name}.txt").write_text("a person walks\nsomeone goes\n")
    (folder / "both.txt").write_text("a guide explains the map\n")
    for name in ("talk", "both"):
        write_voice(folder / f"{name}.wav", SECONDS)


def turning(frames: int, fps: float) -> Motion:
    """A standing body that turns left by a tenth of a radian a second, so that a frame tells when it was."""
    motion = speaking(frames, 0, fps)
    still = Motion(np.zeros((frames, 3)), np.repeat(motion.rotations[:1], frames, 0), fps)
    rotations = still.rotations.copy()
    half = 0.05 * np.arange(frames) / fps
    rotations[:, 0] = np.stack([np.cos(half), 0 * half, np.sin(half), 0 * half], -1)
    return Motion(still.translation, rotations, fps)


def seconds_of(motion: Motion) -> float:
    """When the first frame of a cut of `turning` was."""
    return 20 * float(np.arctan2(motion.rotations[0, 0, 2], motion.rotations[0, 0, 0]))


def write_humanml3d(folder: Path) -> None:
    """Clips of: SMPL+H at 120 fps; SMPL-X with renamed folder and blanks, its head cut off; 250 fps; HumanAct12."""
    rows = ["source_path,start_frame,end_frame,new_name"]
    sources = (
        ("KIT/3/kick_high_left02", 0, 100), ("Eyes_Japan_Dataset/hamada/gesture etc-01", 20, 120),
        ("BMLhandball/S01/Trial 7", 40, 140), ("humanact12/P01G01R01F0001T0064A0201", 0, 90),
    )  # fmt: skip
    for i, (path, start, stop) in enumerate(sources):
        ending = "" if "humanact" in path else "_poses"
        rows.append(f"./pose_data/{path}{ending}.npy,{start},{stop},{i:06}.npy")
        (folder / "texts").mkdir(parents=True, exist_ok=True)
        (folder / "texts" / f"{i:06}.txt").write_text(
            "a man raises his left hand.#a/DET man/NOUN#0.0#0.0\nhe  waves#he/PRON wave/VERB#1.0#4.0\n"
            "a man lifts an arm#a/DET#nan#nan\n\n"
        )
        (folder / "texts" / f"M{i:06}.txt").write_text("a man raises his right hand.#a/DET man/NOUN#0.0#0.0\n")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    amass = folder / "amass_data"
    write_smplx(
        turning(1200, 120.0), amass / "KIT/3/kick_high_left02_poses.npz", joints=52, rate_name="mocap_framerate"
    )
    write_smplx(turning(1200, 100.0), amass / "EyesJapanDataset/hamada/gesture_etc-01_stageii.npz")
    write_smplx(turning(2600, 250.0), amass / "BMLhandball/S01/Trial 7_poses.npz", joints=52)
    (folder / "new_joints").mkdir()
    np.save(folder / "new_joints" / "000003.npy", speaking(90, 4).positions(SKELETON)[:, :22].astype(np.float32))


WRITERS: dict[str, Callable[[Path], None]] = {
    "humanml3d": write_humanml3d, "beat": write_beat, "beat2": write_beat2, "trinity": write_trinity,
    "zeggs": write_zeggs, "bvh": write_own,
}  # fmt: skip


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all of them, by their names."""
    root = tmp_path_factory.mktemp("datasets")
    for kind, write in WRITERS.items():
        (root / kind).mkdir()
        write(root / kind)
    return root


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny CLIP."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip", "abcdefghijklmnopqrstuvwxyz", width=8)


@pytest.fixture
def conditions(encoder: str) -> Conditions:
    return Conditions(encoder, ("prosody", "onset"))


def header(folder: Path) -> dict:
    return json.loads((folder / "takes.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def along(motion: Motion, joint: str, end: str) -> np.ndarray:
    positions = motion.positions(SKELETON)
    bone = positions[:, INDEX[end]] - positions[:, INDEX[joint]]
    return bone / np.linalg.norm(bone, axis=-1, keepdims=True)


def degrees_apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1))).max())


def one(recordings: list[Recording], name: str) -> Motion:
    return next(recording for recording in recordings if recording.name == name).read()


# What is read is what was written.


@pytest.mark.parametrize(("kind", "module", "rate"), [("beat", beat, 120), ("beat2", beat2, 30)])
def test_recorded_rotations_come_through(datasets: Path, kind: str, module, rate: int):
    motion = one(module.find(datasets / kind, Options()), "2_scott_0_2_2")
    told = speaking(int(SECONDS * rate), 2, float(rate)).resampled(20.0)
    assert motion.fps == 20.0
    assert abs(len(motion) - len(told)) <= 1
    frames = min(len(motion), len(told))
    for name, joint in INDEX.items():
        cosine = np.abs((motion.rotations[:frames, joint] * told.rotations[:frames, joint]).sum(-1)).clip(0, 1)
        assert np.degrees(2 * np.arccos(cosine)).max() < 2.0, name
    path = motion.translation - motion.translation[0]
    np.testing.assert_allclose(path[:frames], (told.translation - told.translation[0])[:frames], atol=2e-3)
    soles = motion.positions(SKELETON)[:, [INDEX["left_foot"], INDEX["right_foot"]], 1]
    assert abs(float(np.percentile(soles.min(1), 5)) - SKELETON.rest_positions[INDEX["left_foot"], 1]) < 0.03


def test_beat2s_hands_are_turned_from_the_hand_that_the_files_mean(tmp_path: Path):
    """Fingers turned from the flat hand, and the same from the relaxed one, are the same."""
    read: list[Motion] = []
    for folder, hand in (("flat", 0.0), ("relaxed", 1.0)):
        for i in (1, 2):
            path = tmp_path / folder / "smplxflame_30" / f"2_scott_0_{i}_{i}.npz"
            write_smplx(speaking(60, i, 30.0), path, up="y")
            with np.load(path, allow_pickle=True) as file:
                data = {name: file[name] for name in file.files}
            data["poses"][:, 75:] -= hand * SKELETON.relaxed_hands.ravel()
            np.savez(path, **data)
        read.append(one(beat2.find(tmp_path / folder, Options()), "2_scott_0_2_2"))
    told = speaking(60, 2, 30.0).resampled(20.0)
    for motion in read:
        np.testing.assert_allclose(motion.rotations[:, 25:], told.rotations[:, 25:], atol=2e-3)


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [("trinity", trinity, "Recording_002"), ("zeggs", zeggs, "002_Happy_0_x_1_0")],
)
def test_a_zero_pose_that_is_no_pose_is_seen_through(datasets: Path, kind: str, module, name: str):
    motion = one(module.find(datasets / kind, Options()), name)
    told = speaking(int(SECONDS * 60), 2, 60.0).resampled(20.0)
    frames = min(len(motion), len(told))
    told, motion = told.slice(0, frames), motion.slice(0, frames)
    bones = {f"{side}_{joint}": f"{side}_{ENDS[joint]}" for side in ("left", "right") for joint in LIMBS}
    for start, end in bones.items():
        assert degrees_apart(along(motion, start, end), along(told, start, end)) < 3.0, start
    bones = {f"{side}_wrist": f"{side}_middle1" for side in ("left", "right")} | {"pelvis": "neck"}
    for start, end in bones.items():
        assert degrees_apart(along(motion, start, end), along(told, start, end)) < 6.0, start


def test_euler_angles_are_not_copied(datasets: Path):
    """The same recording with other axes has other angles in the file, and the same motion."""
    paths = [datasets / "plain.bvh", datasets / "other.bvh"]
    clip = studio_clip(speaking(120, 7))
    write_bvh(clip, paths[0])
    write_bvh(with_axes_anywhere(clip), paths[1])
    plain, other = (bvh.BvhReader([path]).motion(path) for path in paths)
    for side in ("left", "right"):
        for joint in LIMBS:
            bone = f"{side}_{joint}", f"{side}_{ENDS[joint]}"
            assert degrees_apart(along(plain, *bone), along(other, *bone)) < 3.0


NAMINGS = {
    "Mixamo": ("mixamorig:{Side}{part}", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand", "Spine2 Neck Head"),
    "Xsens": ("{Side}{part}", "Hip Knee Ankle Toe Collar Shoulder Elbow Wrist", "Chest4 Neck Head"),
    "GENEA": ("b_{s}_{part}", "upleg leg foot toe shoulder arm forearm wrist", "b_spine3 b_neck0 b_head"),
    "CC": ("CC_Base_{S}_{part}", "Thigh Calf Foot ToeBase Clavicle Upperarm Forearm Hand", "Spine02 Neck CC_Base_Head"),
    "Unreal": ("{part}_{s}", "thigh calf foot ball clavicle upperarm lowerarm hand", "spine_03 neck_01 head"),
    "SMPL-X": ("{side}_{part}", "hip knee ankle toes collar shoulder elbow wrist", "spine3 neck head"),
}  # fmt: skip


@pytest.mark.parametrize("family", NAMINGS)
def test_joints_are_found_by_name_and_place(family: str):
    pattern, limbs, trunk = NAMINGS[family]
    chest, neck, head = trunk.split()
    names, parents = ["World", "Root", chest, neck, head], [-1, 0, 1, 2, 3]
    joints = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
    told = {"pelvis": ("Root",), "spine1": (chest,), "neck": (neck,), "head": (head,)}
    for side in ("left", "right"):
        words = {"side": side, "Side": side.capitalize(), "s": side[0], "S": side[0].upper()}
        for i, (joint, part) in enumerate(zip(joints, limbs.split(), strict=True)):
            parents.append({0: 1, 4: 2}.get(i, len(names) - 1))
            names.append(pattern.format(part=part, **words))
            told[f"{side}_{joint}"] = (names[-1],)
        for i in (1, 2, 3):
            parents.append(len(names) - 1)
            names.append(f"{pattern.format(part='Index', **words)}_0{i}")
            told[f"{side}_index{i}"] = (names[-1],)
    still = np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1))
    places = np.zeros((len(names), 3))
    clip = SourceClip(family, tuple(names), tuple(parents), places, still, places[None], still[None], 30.0)
    assert humanoid_map(clip) == told


def test_z_up_and_a_namespace(tmp_path: Path):
    clip = studio_clip(speaking(60, 3, heading=1.0))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # y -> z, and so every joint's own axes
    rotations = np.concatenate([clip.rotations[..., :1], clip.rotations[..., 1:] @ turn.T], -1)
    with_z_up = replace(
        clip,
        names=tuple(f"mixamorig:{name}" for name in clip.names),
        rotations=rotations,
        translations=clip.translations @ turn.T,
        offsets=clip.offsets @ turn.T,
    )
    motions: list[Motion] = []
    for i, one in enumerate((clip, with_z_up)):
        path = tmp_path / f"{i}.bvh"
        write_bvh(one, path)
        motions.append(bvh.BvhReader([path]).motion(path))
    np.testing.assert_allclose(motions[0].positions(SKELETON), motions[1].positions(SKELETON), atol=1e-3)


def test_amass_is_cut_where_the_index_says(datasets: Path):
    found = humanml3d.find(datasets / "humanml3d", Options())
    assert [recording.name for recording in found] == ["000000", "000001", "000002", "000003"]
    plain, head, quick, fitted = (recording.read() for recording in found)
    assert (len(plain), plain.fps) == (100, 20.0)
    assert seconds_of(plain) == pytest.approx(0.0, abs=0.01)
    assert seconds_of(head) == pytest.approx(3.0 + 1.0, abs=0.01)  # the makers had cut off 3 s
    # every 12th of 250 frames a second was taken and called 20 a second
    assert quick.fps == pytest.approx(250 / 12)
    assert seconds_of(quick) == pytest.approx(40 * 12 / 250, abs=0.01)
    told = on_floor(fit(speaking(90, 4).positions(SKELETON)[:, :22], 20.0, SKELETON), SKELETON)
    np.testing.assert_allclose(fitted.positions(SKELETON), told.positions(SKELETON), atol=1e-3)


def test_captions_cut_mirror_and_crop(datasets: Path):
    text = datasets / "humanml3d" / "texts" / "000000.txt"
    spans = read_spans(text)
    assert [(span.sentences, span.start, span.stop) for span in spans] == [
        (("a man raises his left hand.", "a man lifts an arm"), 0.0, 0.0),
        (("he waves",), 1.0, 4.0),
    ]
    long = speaking(400, 2)
    whole, tagged = clips(long, spans, "x")
    assert (len(whole[0]), len(tagged[0])) == (180, 60)
    np.testing.assert_array_equal(tagged[0].rotations, long.slice(20, 80).rotations)
    # what the index counts 20 a second may be quicker: the clip lasts as long as it did
    assert len(clips(Motion(long.translation, long.rotations, 25.0), spans[1:], "x")[0][0]) == 48
    with pytest.raises(InputError, match="no stretch of 40 frames"):
        clips(long.slice(0, 39), spans, "x")


def test_humanml3d_takes(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("humanml3d", datasets / "humanml3d", tmp_path, conditions)
    data = header(tmp_path)
    takes = data["takes"]
    assert {take["action"] for take in takes} == {TOLD_ACTION}
    first = [take for take in takes if take["name"] == "000000"]
    words = [[data["words"][i] for i in take["sentences"]] for take in first]
    assert words == [
        ["a man raises his left hand.", "a man lifts an arm"],
        ["he waves"],
        ["a man raises his right hand."],
    ]
    rows = np.load(tmp_path / "features.npy")
    assert len(rows) == takes[-1]["stop"]
    assert len(np.load(tmp_path / "speech.npy")) == 0
    # the mirror image turns the other way
    yaw = [rows[take["start"] + 1, 0] for take in (first[0], first[2])]
    assert yaw[0] == pytest.approx(-yaw[1], abs=1e-6)
    assert abs(yaw[0]) > 1e-4


def test_speech_lies_on_its_frames(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    data = header(tmp_path)
    speech = np.load(tmp_path / "speech.npy")
    for take in data["takes"]:
        assert take["action"] == SPEECH_ACTION
        told = speech_features(load_audio(datasets / "beat" / "2" / f"{take['name']}.wav"), conditions.blocks)
        frames = take["stop"] - take["start"]
        assert frames >= 79
        np.testing.assert_array_equal(speech[take["speech"] : take["speech"] + frames], told[:frames])
    assert data["speech_blocks"] == list(conditions.blocks)
    assert data["encoder"] == conditions.encoder


def test_styles_and_anybodys_words(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("zeggs", datasets / "zeggs", tmp_path / "zeggs", conditions)
    data = header(tmp_path / "zeggs")
    said = {take["name"]: " / ".join(data["words"][i] for i in take["sentences"]) for take in data["takes"]}
    assert "happily" in said["002_Happy_0_x_1_0"]
    assert "happily" not in said["001_Neutral_0_x_1_0"]
    assert len(said) == 3  # of `clean` alone
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "own", conditions, Options(licence="mine"))
    data = header(tmp_path / "own")
    takes = {take["name"]: take for take in data["takes"]}
    assert {name: take["action"] for name, take in takes.items()} == {
        "both": SPEECH_ACTION, "monday/walk": TOLD_ACTION, "talk": SPEECH_ACTION, "tuesday/walk": TOLD_ACTION,
    }  # fmt: skip
    assert takes["both"]["told"]
    assert [data["words"][i] for i in takes["both"]["sentences"]] == ["a guide explains the map"]
    assert not takes["talk"]["told"]
    assert {take["licence"] for take in takes.values()} == {"mine"}


def test_speakers_are_chosen(datasets: Path):
    assert len(beat.find(datasets / "beat", Options(speakers=frozenset({"2"})))) == 3
    assert not beat2.find(datasets / "beat2", Options(speakers=frozenset({"4"})))


# Splits, resuming, caching.


def test_splits_are_8_1_1_seeded_and_recorded(datasets: Path, tmp_path: Path, conditions: Conditions):
    names = [f"n{i}" for i in range(100)]
    splits = split_groups(names, 3)
    assert [list(splits.values()).count(part) for part in ("train", "val", "test")] == [80, 10, 10]
    assert splits == split_groups(names[::-1], 3) != split_groups(names, 4)
    assert sorted(split_groups(["a", "b", "c"], 1).values()) == ["test", "train", "val"]
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions, seed=5)
    recorded = json.loads((tmp_path / "splits.json").read_text())
    assert recorded.pop("seed") == 5
    takes = ClipSet(tmp_path)
    for take in takes.takes:
        assert take.name in recorded[take.split]
        assert takes.split.held_out(take) == (take.split != "train")
    assert sorted(len(names) for names in recorded.values()) == [1, 1, 1]


def test_a_mirror_image_is_in_the_split_of_its_recording(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("humanml3d", datasets / "humanml3d", tmp_path, conditions)
    of_name: dict[str, set[str]] = {}
    for take in header(tmp_path)["takes"]:
        of_name.setdefault(take["name"], set()).add(take["split"])
    assert all(len(parts) == 1 for parts in of_name.values())


def test_a_killed_run_goes_on_and_ends_the_same(
    datasets: Path, tmp_path: Path, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
):
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "whole", conditions)
    make, read = build._make_part, []

    def killed(path: Path, kind: str, recording: Recording, *more) -> object:
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(recording.name)
        return make(path, kind, recording, *more)

    monkeypatch.setattr(build, "_make_part", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare_dataset("bvh", datasets / "bvh", tmp_path / "again", conditions)
    assert not (tmp_path / "again" / "takes.json").exists()

    def counted(path: Path, kind: str, recording: Recording, *more) -> object:
        read.append(recording.name)
        return make(path, kind, recording, *more)

    monkeypatch.setattr(build, "_make_part", counted)
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "again", conditions)
    assert sorted(read) == ["both", "monday/walk", "talk", "tuesday/walk"]  # each once
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")
    assert not (tmp_path / "again" / "parts").exists()


def test_conditions_are_cached_and_configured(
    datasets: Path, tmp_path: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
):
    wavlm = make_wavlm(tmp_path / "wavlm", width=16)
    blocks = ("onset", f"wavlm={wavlm}", "prosody")
    prepare_dataset("beat", datasets / "beat", tmp_path / "out", Conditions(encoder, blocks))
    before = contents(tmp_path / "out")
    assert np.load(tmp_path / "out" / "speech.npy").shape[1] == 21
    assert np.load(tmp_path / "out" / "sentences.npy").shape[1] == 8
    take = header(tmp_path / "out")["takes"][0]
    told = speech_features(load_audio(datasets / "beat" / "2" / f"{take['name']}.wav"), blocks)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "speech.npy")[:79], told[:79], atol=1e-5)
    for name in ("load_audio", "encode_texts"):
        monkeypatch.setattr(build, name, lambda *_: pytest.fail("it is in the cache"))
    prepare_dataset("beat", datasets / "beat", tmp_path / "out", Conditions(encoder, blocks))
    assert contents(tmp_path / "out") == before


# Bad input.


def test_half_of_the_files_gone(
    datasets: Path, tmp_path: Path, conditions: Conditions, caplog: pytest.LogCaptureFixture
):
    source = tmp_path / "beat"
    write_beat(source, 6)
    folder = source / "2"
    whole = (folder / "2_scott_0_1_1.bvh").read_text()
    (folder / "2_scott_0_1_1.bvh").write_text(whole[: len(whole) // 2])
    (folder / "2_scott_0_2_2.wav").unlink()
    sound = (folder / "2_scott_0_3_3.wav").read_bytes()
    (folder / "2_scott_0_3_3.wav").write_bytes(sound[: len(sound) // 4])
    (folder / "2_scott_0_4_4.wav").write_bytes(b"RIFF")
    (folder / "2_scott_0_5_5.bvh").write_text(
        (folder / "2_scott_0_5_5.bvh").read_text().replace("LeftLeg", "Propeller")
    )
    with caplog.at_level(logging.WARNING):
        prepare_dataset("beat", source, tmp_path / "out", conditions)
    said = (tmp_path / "out" / "report.md").read_text()
    assert "| beat | LicenseRef-BEAT-NC-research | 1 | unreadable 3, no sound 1, unlike lengths 1 | 1 | 0.1 |" in said
    assert "For non-commercial use only." in said
    for sentence in (
        "2_scott_0_1_1.bvh cannot be read as a whole BVH file: it announces 480 frames",
        "2_scott_0_2_2 has no sound of the same name",
        "2_scott_0_3_3 moves for 4.0 s and 2_scott_0_3_3.wav lasts 1.0 s: they should be cut alike.",
        "'2_scott_0_4_4.wav' cannot be read as sound",
        "2_scott_0_5_5: no left knee was found among the joints Hips, Spine",
    ):
        assert sentence in said
        assert sentence in caplog.text
    assert not list((tmp_path / "out").rglob("*.part"))


def test_damaged_humanml3d(datasets: Path, tmp_path: Path, conditions: Conditions):
    source = tmp_path / "humanml3d"
    shutil.copytree(datasets / "humanml3d", source)
    npz = source / "amass_data/KIT/3/kick_high_left02_poses.npz"
    npz.write_bytes(npz.read_bytes()[:2000])
    write_smplx(turning(300, 100.0), source / "amass_data/EyesJapanDataset/hamada/gesture_etc-01_stageii.npz")
    (source / "texts" / "000002.txt").write_text("he waves#x#one#two\n")
    prepare_dataset("humanml3d", source, tmp_path / "out", conditions)
    said = (tmp_path / "out" / "report.md").read_text()
    assert "kick_high_left02_poses.npz is no SMPL-X motion: an npz with poses (T, 165)" in said
    assert "gesture_etc-01_stageii.npz ends before the frames 20 to 120" in said
    assert "000002.txt cannot be read: a text file with lines 'caption#tokens#start#end' is needed." in said
    assert {take["name"] for take in header(tmp_path / "out")["takes"]} == {"000003"}
    # where joint positions are there too, they stand in for the damaged recording
    np.save(source / "new_joints" / "000000.npy", speaking(100, 1).positions(SKELETON)[:, :22])
    (source / "new_joints" / "000003.npy").write_bytes(b"\x93NUMPY")
    prepare_dataset("humanml3d", source, tmp_path / "out", conditions)
    assert {take["name"] for take in header(tmp_path / "out")["takes"]} == {"000000"}
    assert (
        "000003.npy cannot be read: an .npy of joint positions (T, 22, 3)" in (tmp_path / "out/report.md").read_text()
    )


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_foreign_layout_is_one_sentence(
    datasets: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
):
    """Also where takes of an earlier preparation are there: they stay."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "takes.json").write_text("earlier")
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.doc").write_text("dear")
    assert main(["prepare", kind, "--source", str(other), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"letters holds no recordings of {kind}: it should hold" in said
    assert contents(tmp_path / "out") == {"takes.json": b"earlier"}
    assert main(["prepare", kind, "--source", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "none is no folder: give the one" in capsys.readouterr().err


def test_damaged_caches_are_made_anew(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    before = contents(tmp_path)
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    (tmp_path / "parts").mkdir()
    for recording in beat.find(datasets / "beat", Options()):
        (tmp_path / "parts" / f"{build._digest(recording.name)}.npz").write_bytes(b"PK")
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    assert contents(tmp_path) == before


def test_a_full_disk_is_one_sentence(
    datasets: Path, tmp_path: Path, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    before = contents(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for place, name in ((build.np, "savez"), (build, "_stream")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, full)
            with pytest.raises(InputError, match=r"cannot be written: No space left on device"):
                prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
        assert contents(tmp_path) == before
    shutil.rmtree(tmp_path / "parts")
    for path in (tmp_path / "cache").glob("speech-*"):
        path.unlink()
    with monkeypatch.context() as patched:  # nor is it taken for a recording that cannot be read
        patched.setattr(build.np, "save", full)
        with pytest.raises(InputError, match=r"\.npy cannot be written: No space left on device\."):
            prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    assert contents(tmp_path) == before


def test_nothing_usable_leaves_what_was_there(tmp_path: Path, conditions: Conditions):
    source = tmp_path / "own"
    source.mkdir()
    (source / "a.bvh").write_text("HIERARCHY")
    (source / "a.txt").write_text("a person walks")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "takes.json").write_text("earlier")
    with pytest.raises(InputError, match=r"Of the 1 recordings in .* none can be used \(unreadable 1\): a.bvh cannot"):
        prepare_dataset("bvh", source, tmp_path / "out", conditions)
    assert contents(tmp_path / "out") == {"takes.json": b"earlier"}


def test_other_refusals(datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def refused(*arguments: str) -> str:
        assert main(["prepare", *arguments, "--out", str(tmp_path / "out")]) == 2
        return capsys.readouterr().err

    (tmp_path / "fbx").mkdir()
    (tmp_path / "fbx" / "NaturalTalking_001.fbx").write_text("")
    assert "export them as BVH" in refused("trinity", "--source", str(tmp_path / "fbx"))
    source = str(datasets / "beat")
    assert "of the speakers 9" in refused("beat", "--source", source, "--speakers", "9")
    assert "There is no speech block 'pitch'" in refused("beat", "--source", source, "--speech-blocks", "pitch")
    assert "WavLM network" in refused("beat", "--source", source, "--speech-blocks", f"wavlm={tmp_path / 'fbx'}")
    humanml3d_source = str(datasets / "humanml3d")
    assert "AMASS subsets" in refused("humanml3d", "--source", humanml3d_source, "--amass", str(tmp_path / "no"))
    assert "One --source" in refused("beat", "--source", source, source)
    assert "text encoder" in refused("beat", "--source", source, "--text-encoder", str(tmp_path / "fbx"))
    assert "holds no takes" in refused("join", "--source", source)
    bad = tmp_path / "index"
    (bad / "texts").mkdir(parents=True)
    (bad / "index.csv").write_text("a,b\n1,2\n")
    assert "index.csv cannot be read" in refused("humanml3d", "--source", str(bad))
    assert not (tmp_path / "out").exists()


def test_glitches_are_cut_out():
    motion = speaking(200, 1)
    rotations = motion.rotations.copy()
    rotations[90, INDEX["left_elbow"]] = [0.0, 0.0, 0.0, 1.0]
    assert whole_stretches(motion) == [(0, 200)]
    assert whole_stretches(Motion(motion.translation, rotations)) == [(0, 90), (91, 200)]
    path = motion.translation + (np.arange(200) >= 30)[:, None] * [0.0, 0.0, 2.0]
    assert whole_stretches(Motion(path, motion.rotations)) == [(30, 200)]


# Training through the commands.

SMALL = (
    "--width", "16", "--layers", "1", "--feedforward", "16", "--batch", "2", "--steps", "2", "--aligner-steps", "3",
)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(datasets: Path, encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The takes of each dataset, prepared by the command."""
    root = tmp_path_factory.mktemp("prepared")
    for kind in WRITERS:
        command = ["prepare", kind, "--source", str(datasets / kind), "--out", str(root / kind)]
        assert main([*command, "--text-encoder", encoder, "--speech-blocks", "prosody,onset"]) == 0
    return root


@pytest.mark.parametrize("kind", list(WRITERS))
@pytest.mark.parametrize("recipe", ["open", "freetalker"])
def test_a_model_trains_on_them(prepared: Path, tmp_path: Path, kind: str, recipe: str):
    command = ["train", "--takes", str(prepared / kind), "--out", str(tmp_path), "--name", "tiny", "--recipe", recipe]
    assert main([*command, *SMALL]) == 0
    config = json.loads((tmp_path / "tiny" / "config.json").read_text())
    assert config["licence"] == ("NOASSERTION" if kind == "bvh" else "CC-BY-NC-4.0")
    card = (tmp_path / "tiny" / "card.md").read_text()
    assert f"\n- {kind}, " in card
    assert "made by rule" not in card


def test_words_and_speech_are_joined(prepared: Path, tmp_path: Path):
    """As FreeTalker learns from HumanML3D and BEAT together."""
    folders = [prepared / "humanml3d", prepared / "beat"]
    assert main(["prepare", "join", "--source", *map(str, folders), "--out", str(tmp_path / "both")]) == 0
    apart, both = [ClipSet(folder) for folder in folders], ClipSet(tmp_path / "both")
    assert len(both.takes) == sum(len(takes.takes) for takes in apart)
    first = len(apart[0].takes)
    for takes, joined in ((apart[0], both.takes[:first]), (apart[1], both.takes[first:])):
        for a, b in zip(takes.takes, joined, strict=True):
            np.testing.assert_array_equal(takes.features[a.start : a.stop], both.features[b.start : b.stop])
            np.testing.assert_array_equal(takes.sentences[list(a.sentences)], both.sentences[list(b.sentences)])
            assert (a.speech < 0) == (b.speech < 0)
            assert takes.split.held_out(a) == both.split.held_out(b)
            if a.speech >= 0:
                frames = a.stop - a.start
                np.testing.assert_array_equal(
                    takes.speech[a.speech : a.speech + frames], both.speech[b.speech : b.speech + frames]
                )
    command = ["train", "--takes", str(tmp_path / "both"), "--out", str(tmp_path), "--name", "tiny"]
    assert main([*command, *SMALL]) == 0


def test_an_evaluation_reads_them(prepared: Path):
    library = Library.open(prepared / "humanml3d")
    plan = plan_text(library, Split.of(library.takes), 1)
    assert {told.action for told in plan.recorded} == {TOLD_ACTION}
    assert {told.take.split for told in plan.recorded} == {"val", "test"}
    speech = Library.open(prepared / "beat")
    with pytest.raises(InputError, match="hold speech alone"):
        plan_text(speech, Split.of(speech.takes), 1)


def test_takes_that_were_prepared_differently_are_not_joined(
    datasets: Path, prepared: Path, tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
):
    prepare_dataset("beat2", datasets / "beat2", tmp_path / "other", Conditions(encoder, ("mfcc",)))
    sources = [str(prepared / "beat"), str(tmp_path / "other")]
    assert main(["prepare", "join", "--source", *sources, "--out", str(tmp_path / "both")]) == 2
    assert "the speech blocks mfcc" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()
    assert main(["prepare", "join", "--source", *sources[:1], "--out", sources[0]]) == 2
    assert "is one of the folders to be joined" in capsys.readouterr().err


def test_statistics_of_many_hours_are_those_of_a_few(monkeypatch: pytest.MonkeyPatch):
    features = np.random.default_rng(0).normal(size=(300, 659)).astype(np.float32)
    at_once = components.fit_components(features)
    monkeypatch.setattr(components, "_AT_ONCE", 100)
    np.testing.assert_allclose(components.fit_components(features).std, at_once.std, rtol=1e-12)


def test_turning_tells_the_time():
    turned = turning(100, 20.0).slice(60)
    assert seconds_of(turned) == pytest.approx(3.0)
    np.testing.assert_allclose(
        rotation_y(0.3) @ [0, 0, 1], turned.forward_kinematics(SKELETON)[1][0, 0] @ [0, 0, 1], atol=1e-6
    )
