# SPDX-License-Identifier: GPL-3.0-or-later
"""Your own BVH files, each with a sound (.wav, .flac, .ogg, .mp3) or sentences (.txt) of the same name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...errors import InputError
from ...formats import SourceClip
from ...formats.bvh import load_bvh
from ...motion.clip import CORE_FPS, Motion
from ...motion.rotation import Array
from ...motion.skeleton import neutral_skeleton
from ..humanoid import humanoid_map
from ..rest_pose import estimate_rest, with_rest, with_y_up
from ..retarget import retarget
from .recording import Options, Recording, by_stem, files_below

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
EXPECTED = "recordings NAME.bvh, each with a NAME.wav or a NAME.txt of one sentence a line"
_SAMPLED = 12  # recordings that a rest pose is estimated from


@dataclass
class BvhReader:
    """Reads the BVH files of a dataset, and estimates the rest pose of skeletons whose zero pose is not one.

    Attributes:
        files: All files, in a fixed order; a rest pose is estimated from up to twelve with the same skeleton.
    """

    files: Sequence[Path]
    _rests: dict[tuple[str, ...], dict[str, Array]] = field(default_factory=dict[tuple[str, ...], dict[str, Array]])

    def motion(self, path: Path) -> Motion:
        """Return a recording at 20 fps on the neutral skeleton.

        Raises:
            InputError: The file is not a complete BVH, or its joints are not those of a known humanoid.
        """
        clip = load_bvh(path, CORE_FPS)
        names = humanoid_map(clip)
        body = with_y_up(clip, names) or with_rest(clip, self._rest(clip))
        return retarget(body, neutral_skeleton(), names).resampled(CORE_FPS)

    def _rest(self, clip: SourceClip) -> dict[str, Array]:
        if clip.names not in self._rests:
            step = max(1, len(self.files) // _SAMPLED)
            alike: list[SourceClip] = []
            for path in self.files[::step]:
                try:
                    other = load_bvh(path, CORE_FPS)
                except InputError:
                    continue  # reported when it is read itself
                if other.names == clip.names:
                    alike.append(other)
            alike = alike[:_SAMPLED] or [clip]
            self._rests[clip.names] = estimate_rest(alike, humanoid_map(clip), neutral_skeleton())
        return self._rests[clip.names]


def speech_recordings(
    files: Sequence[Path], sounds: Sequence[Path], license: str, group: Callable[[str], str] = str
) -> list[Recording]:
    """Return a recording for each BVH, with the sound of the same name if there is one.

    Args:
        files: The BVH files.
        sounds: The sounds.
        license: The dataset's license.
        group: Name of a recording -> its performance.
    """
    reader, sound_of = BvhReader(files), by_stem(sounds)
    return [
        Recording(stem, group(stem), license, partial(reader.motion, path), (path,), sound_of.get(stem))
        for stem, path in by_stem(files).items()
    ]


def find(source: Path, options: Options) -> list[Recording]:
    """Return every BVH below the folder, named by its path: folders may have files of the same name."""
    files = files_below(source, ".bvh")
    reader = BvhReader(files)
    found: list[Recording] = []
    for path in files:
        name = path.relative_to(source).with_suffix("").as_posix()
        candidates = [path.with_suffix(suffix) for suffix in SOUNDS]
        sound = next((file for file in candidates if file.is_file()), None)
        words = path.with_suffix(".txt") if path.with_suffix(".txt").is_file() else None
        found.append(Recording(name, name, options.license, partial(reader.motion, path), (path,), sound, words))
    return found
