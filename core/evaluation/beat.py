# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT's own metrics (Liu et al. 2022), with the published autoencoder and recordings, which the user has to provide.

A row of motion holds 47 joints of BEAT's skeleton (spine, neck, arms and fingers) as Euler angles in degrees: 141
numbers at 15 fps. Motion on SMPL-X is mapped to that skeleton by the inverse of `core.training.retarget`.
"""

# librosa and scipy carry few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..conditions.speech import SAMPLE_RATE, load_audio
from ..errors import InputError
from ..formats import SourceClip
from ..formats.bvh import load_bvh
from ..model.foreign import as_tensors, check_layout, load_table, load_vector, tensor_layout
from ..motion.clip import Motion
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    matrix_to_axis_angle,
    matrix_to_euler,
    quaternion_to_matrix,
)
from ..motion.skeleton import INDEX, Skeleton
from ..training.datasets.beat import speaker
from ..training.datasets.recording import by_stem, files_below
from ..training.humanoid import humanoid_map
from ..training.joint_maps import JointMap
from ..training.rest_pose import with_y_up
from ..training.retarget import rest_alignment, retarget
from .speech import beat_consistency
from .statistics import frechet_distance

FPS = 15.0
_WINDOW, _STRIDE = 34, 10  # frames that the autoencoder sees, and frames between two such windows
_LATENT = 300
_ORDER = "XYZ"
_OFF = 0.05  # by which a frame rate may differ, since files round the duration of a frame
_NEAR = 4.0  # degrees, summed over the three angles of a joint, within which it counts as recalled
_USUAL_WEIGHT = 0.165  # mean semantic score of BEAT; recalling everything gives 1
_BEAT_ORDER, _BEAT_SIGMA = 2, 0.3  # frames on both sides of a beat; tolerance in seconds
_AT_ONCE = 256
_EXPECTED = "BEAT's gesture autoencoder, ae_300.bin"
_FINGERS = ("Middle", "Ring", "Pinky", "Index", "Thumb")


def _arm(side: str) -> list[str]:
    """Return the joints of an arm."""
    names = [f"{side}{part}" for part in ("Shoulder", "Arm", "ForeArm", "Hand")]
    for finger in _FINGERS:
        palm = [f"{side}Hand{finger}"] if finger in ("Ring", "Pinky", "Index") else []
        names += palm + [f"{side}Hand{finger}{i}" for i in (1, 2, 3)]
    return names


JOINTS = ("Spine", "Neck", "Neck1", *_arm("Right"), *_arm("Left"))  # 47
COLUMNS = 3 * len(JOINTS)  # 141
_WRIST = slice(3 * JOINTS.index("RightForeArm"), 3 * JOINTS.index("RightForeArm") + 3)


class _Encoder(nn.Module):
    """Maps rows (B, 34, 141) to (B, 300).

    The activation after the two inner linear layers is LeakyReLU with slope 1, the identity.
    """

    def __init__(self) -> None:
        super().__init__()

        def block(columns: int, out: int, kernel: int, stride: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv1d(columns, out, kernel, stride), nn.BatchNorm1d(out), nn.LeakyReLU(0.2))

        w = _LATENT
        self.net = nn.Sequential(
            block(COLUMNS, w, 3, 1), block(w, 2 * w, 3, 1), block(2 * w, 2 * w, 4, 2), nn.Conv1d(2 * w, w, 3)
        )
        self.out_net = nn.Sequential(
            nn.Linear(12 * w, 4 * w), nn.BatchNorm1d(4 * w), nn.Identity(),
            nn.Linear(4 * w, 2 * w), nn.BatchNorm1d(2 * w), nn.Identity(), nn.Linear(2 * w, w),
        )  # fmt: skip
        self.fc_mu, self.fc_logvar = nn.Linear(w, w), nn.Linear(w, w)

    def forward(self, rows: Tensor) -> Tensor:
        return self.fc_mu(self.out_net(self.net(rows.transpose(1, 2)).flatten(1)))


def network() -> nn.Module:
    """Return the encoder with random weights."""
    return _Encoder()


@dataclass(frozen=True)
class Evaluator:
    """The encoder, and the statistics that its input is normalized with.

    Attributes:
        encoder: The network.
        mean: (141,).
        std: (141,).
    """

    encoder: nn.Module
    mean: Array
    std: Array

    @staticmethod
    def open(weights: Path, statistics: Path) -> "Evaluator":
        """Open the published files.

        Args:
            weights: ae_300.bin, of which the encoder is checked and used.
            statistics: Folder with bvh_mean.npy and bvh_std.npy.

        Raises:
            InputError: A file is missing or has another layout; the message names it.
        """
        if not weights.is_file():
            raise InputError(f"The autoencoder {weights} does not exist; download ae_300.bin.")
        table = load_table(weights, _EXPECTED)
        state = as_tensors(weights, table.get("model_state", table), _EXPECTED)
        state = {name.removeprefix("module."): value for name, value in state.items()}
        state = {name: value for name, value in state.items() if not name.startswith("decoder.")}
        encoder = network()
        check_layout(
            weights, state, {f"pose_encoder.{name}": shape for name, shape in tensor_layout(encoder).items()}, _EXPECTED
        )
        encoder.load_state_dict({name.removeprefix("pose_encoder."): value for name, value in state.items()})
        mean, std = (
            load_vector(statistics / f"bvh_{kind}.npy", COLUMNS, "download the statistics of BEAT's cache again")
            for kind in ("mean", "std")
        )
        if not (std > 0).all():
            raise InputError(f"{statistics / 'bvh_std.npy'} contains numbers that are not above 0; download it again.")
        return Evaluator(encoder.eval().requires_grad_(False), mean, std)

    @torch.inference_mode()
    def embed_motions(self, clips: Sequence[Array]) -> Array:
        """Return embeddings (N, 300) of windows of 34 frames, every ten frames, of rows (T, 141)."""
        stretches = [
            (rows[at : at + _WINDOW] - self.mean) / self.std
            for rows in clips
            for at in range(0, len(rows) - _WINDOW + 1, _STRIDE)
        ]
        answers = [
            self.encoder(torch.from_numpy(np.stack(stretches[at : at + _AT_ONCE]).astype(np.float32)))
            for at in range(0, len(stretches), _AT_ONCE)
        ]
        return torch.cat(answers).double().numpy()


@dataclass(frozen=True)
class Recording:
    """A recording of BEAT at 15 fps.

    Attributes:
        name: Its name.
        clip: Its skeleton and motion.
        names: The joint map of the skeleton.
        rows: (T, 141) the angles in the file.
        sound: Its sound.
        scores: (T,) semantic scores, or None.
    """

    name: str
    clip: SourceClip
    names: JointMap
    rows: Array
    sound: Path
    scores: Array | None


def read_recordings(folder: Path, speakers: Sequence[str], limit: int | None) -> list[Recording]:
    """Read recordings NAME.bvh with NAME.wav, and NAME.txt of semantic scores if there is one, in a fixed order.

    Args:
        folder: The dataset.
        speakers: Numbers of the speakers; all if empty.
        limit: How many to read; None for all.

    Raises:
        InputError: There are none, or one cannot be used.
    """
    files = [path for path in files_below(folder, ".bvh") if speaker(path)]
    files = [path for path in files if not speakers or speaker(path) in speakers]
    sounds, scores = by_stem(files_below(folder, ".wav")), by_stem(files_below(folder, ".txt"))
    files = [path for path in files if path.stem in sounds][:limit]
    if not files:
        raise InputError(f"{folder} contains no BEAT recordings with their sounds, such as 2_scott_0_1_1.bvh and .wav.")
    return [_recording(path, sounds[path.stem], scores.get(path.stem)) for path in files]


def _recording(path: Path, sound: Path, scored: Path | None) -> Recording:
    clip = load_bvh(path, FPS)
    names = humanoid_map(clip)
    if with_y_up(clip, names) is not clip or abs(clip.fps - FPS) > _OFF or not set(JOINTS) <= set(clip.names):
        raise InputError(
            f"{path.name} is not a BEAT recording; it must have BEAT's joints, standing in the zero pose, at 120 fps."
        )
    if len(clip) < _WINDOW:
        raise InputError(f"{path.name} is shorter than the {_WINDOW} frames at {FPS:g} fps that are compared.")
    clip = replace(clip, fps=FPS)
    return Recording(
        path.stem, clip, names, _angles(path, len(clip)), sound, None if scored is None else _scores(scored, len(clip))
    )


def _angles(path: Path, frames: int) -> Array:
    """Return the numbers (T, 141) of `JOINTS` in a BVH file that `load_bvh` read as `frames` frames."""
    columns: list[str] = []
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    name = ""
    for line in lines:
        words = line.split()
        if words[:1] in (["ROOT"], ["JOINT"]):
            name = words[1]
        elif words[:1] == ["CHANNELS"]:
            columns += [f"{name} {kind}" for kind in words[2:]]
        elif words[:2] == ["Frame", "Time:"]:
            break
    found = [line for line in lines if line.strip()]
    every = len(found) // frames
    at = [columns.index(f"{name} {axis}rotation") for name in JOINTS for axis in _ORDER]
    return np.array([np.array(line.split(), np.float64)[at] for line in found[::every]])[:frames]


def _scores(path: Path, frames: int) -> Array:
    """Return the semantic score (T,) of each frame, 0 where the lines (name, start, end, duration, score) have none."""
    result, times = np.zeros(frames), np.arange(frames) / FPS
    try:
        for line in reversed(path.read_text(encoding="utf-8").splitlines()):
            if line.strip():
                _, start, end, _, score, *_ = line.split("\t")
                result[(times >= float(start)) & (times <= float(end))] = float(score)
    except (OSError, ValueError):
        raise InputError(
            f"{path.name} cannot be read; it must have lines of name, start, end, duration and score, separated by "
            "tabs."
        ) from None
    return result


def euler_rows(local: Array, near: Array) -> Array:
    """Convert local rotations (T, 47, 3, 3) to the angles (T, 141) in degrees that are closest to `near`."""
    first = np.degrees(matrix_to_euler(local, _ORDER))  # (T, 47, 3)
    second = first * [1, -1, 1] + 180
    middle = near.reshape(-1, 3)
    first, second = (angles - 360 * np.round((angles - middle) / 360) for angles in (first, second))
    far = [np.abs(angles - middle).sum(-1, keepdims=True) for angles in (first, second)]
    return np.where(far[0] <= far[1], first, second).reshape(len(local), -1)


def on_skeleton(motion: Motion, recording: Recording, skeleton: Skeleton, near: Array) -> Array:
    """Map a motion at 15 fps to the skeleton of a recording.

    A rotation of one SMPL-X joint that corresponds to a chain of joints in BEAT is divided evenly between these.

    Args:
        motion: The motion.
        recording: The recording.
        skeleton: The skeleton of the motion.
        near: (141,) the pose that angles are written closest to, since several angles express one rotation.

    Returns:
        (T, 141) degrees.
    """
    clip, align = recording.clip, rest_alignment(recording.clip, skeleton, recording.names)
    _, turned = motion.forward_kinematics(skeleton)  # (T, 55, 3, 3)
    local = np.tile(np.eye(3), (len(motion), len(clip.names), 1, 1))
    wanted, world = local.copy(), local.copy()
    chains: dict[int, list[int]] = {}
    for joint, chain in recording.names.items():
        here = [clip.index(name) for name in chain if name in clip.names]
        chains |= {index: here[k:] for k, index in enumerate(here)}
        if here:
            wanted[:, here[-1]] = turned[:, INDEX[joint]] @ align[INDEX[joint]].T
    for index, parent in enumerate(clip.parents):
        above = world[:, parent] if parent >= 0 else np.tile(np.eye(3), (len(motion), 1, 1))
        if index in chains:
            rest = np.swapaxes(above, -1, -2) @ wanted[:, chains[index][-1]]
            share = matrix_to_axis_angle(rest) / len(chains[index])
            local[:, index] = quaternion_to_matrix(axis_angle_to_quaternion(share))
        world[:, index] = above @ local[:, index]
    return euler_rows(local[:, [clip.index(name) for name in JOINTS]], near)


def round_trip(recording: Recording, skeleton: Skeleton, near: Array) -> Array:
    """Map a recording to SMPL-X and back, which shows what the change of skeletons alone costs."""
    return on_skeleton(retarget(recording.clip, skeleton, recording.names), recording, skeleton, near)


def recall(rows: Array, recorded: Array, scores: Array) -> float:
    """Compute the semantic-relevance gesture recall: the share of joints within 4 degrees, weighted by score.

    Args:
        rows: (T, 141).
        recorded: (T, 141).
        scores: (T,).

    Returns:
        1 if all joints are, and the scores are BEAT's on average.
    """
    apart = np.abs(rows - recorded).reshape(len(rows), -1, 3).sum(-1)
    return float(((apart < _NEAR) * scores[:, None]).mean() / _USUAL_WEIGHT)


def l1_diversity(rows: Array) -> float:
    """Return the mean over frames of the summed distances of the columns (T, 141) from their means, in degrees."""
    return float(np.abs(rows - rows.mean(0)).sum(-1).mean())


@cache
def onsets(sound: Path) -> Array:
    """Return the seconds of the voice's onsets: librosa's, each moved back to the preceding minimum of loudness."""
    import librosa

    samples = load_audio(sound)
    envelope = librosa.onset.onset_strength(y=samples, sr=SAMPLE_RATE)
    found = librosa.onset.onset_detect(onset_envelope=envelope, sr=SAMPLE_RATE)
    loudness = librosa.feature.rms(S=np.abs(librosa.stft(y=samples)))[0]
    return np.asarray(librosa.frames_to_time(librosa.onset.onset_backtrack(found, loudness), sr=SAMPLE_RATE))


def beat_alignment(rows: Array, voice: Array) -> float:
    """Return the mean over onsets (N,) of exp(-d^2 / 2 sigma^2), d seconds to where the right forearm turns slowest."""
    from scipy.signal import argrelmin

    speed = np.linalg.norm(np.diff(rows[:, _WRIST], axis=0), axis=-1)
    return beat_consistency(voice, argrelmin(speed, order=_BEAT_ORDER)[0] / FPS, _BEAT_SIGMA)


def figures(
    evaluator: Evaluator, clips: Sequence[Array], references: Sequence[Recording], recorded: Array
) -> dict[str, float]:
    """Compute the metrics of clips.

    Args:
        evaluator: The evaluator.
        clips: (T, 141) each.
        references: The recording that each clip is compared with.
        recorded: Embeddings (M, 300) of all recordings.

    Returns:
        "fgd", "beat_alignment", "l1_diversity", and "srgr" if a recording has semantic scores.
    """
    found: dict[str, list[float]] = {"srgr": [], "beat_alignment": [], "l1_diversity": []}
    for rows, recording in zip(clips, references, strict=True):
        found["beat_alignment"].append(beat_alignment(rows, onsets(recording.sound)))
        found["l1_diversity"].append(l1_diversity(rows))
        if recording.scores is not None:
            length = min(len(rows), len(recording.clip))
            found["srgr"].append(recall(rows[:length], recording.rows[:length], recording.scores[:length]))
    result = {"fgd": frechet_distance(evaluator.embed_motions(clips), recorded, biased=False)}
    return result | {name: float(np.mean(values)) for name, values in found.items() if values}
