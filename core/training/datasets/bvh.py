# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of anybody's BVH files with a sound (.wav, .flac, .ogg, .mp3) or sentences (.txt) of the same name."""

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
from ..joint_maps import humanoid_map, with_rest
from ..rest_pose import estimated_rest, standing
from ..retarget import retarget
from .recording import Options, Recording, by_stem, files_below

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
EXPECTED = "recordings NAME.bvh, each with a NAME.wav or a NAME.txt of one sentence a line"
_LOOKED_AT = 12  # recordings, to find a rest pose


@dataclass
class BvhReader:
    """Reads the BVH files of one dataset, and finds the rest pose of skeletons whose zero pose is none.

    files: all of them, in a fixed order; the rest pose of a skeleton is found from twelve of those that have it.
    """

    files: Sequence[Path]
    _rests: dict[tuple[str, ...], dict[str, Array]] = field(default_factory=dict[tuple[str, ...], dict[str, Array]])

    def motion(self, path: Path) -> Motion:
        """The recording at 20 fps on the neutral skeleton.

        Raises InputError where the file is no whole BVH or its joints are those of no known humanoid.
        """
        clip = load_bvh(path, CORE_FPS)
        names = humanoid_map(clip)
        body = standing(clip, names) or with_rest(clip, self._rest(clip))
        return retarget(body, neutral_skeleton(), names).resampled(CORE_FPS)

    def _rest(self, clip: SourceClip) -> dict[str, Array]:
        if clip.names not in self._rests:
            step = max(1, len(self.files) // _LOOKED_AT)
            alike: list[SourceClip] = []
            for path in self.files[::step]:
                try:
                    other = load_bvh(path, CORE_FPS)
                except InputError:
                    continue  # its own turn will tell
                if other.names == clip.names:
                    alike.append(other)
            alike = alike[:_LOOKED_AT] or [clip]
            self._rests[clip.names] = estimated_rest(alike, humanoid_map(clip), neutral_skeleton())
        return self._rests[clip.names]


def speech_recordings(
    files: Sequence[Path], sounds: Sequence[Path], licence: str, group: Callable[[str], str] = str
) -> list[Recording]:
    """A recording for each BVH, with the sound of the same name where there is one. group: name -> performance."""
    reader, sound_of = BvhReader(files), by_stem(sounds)
    return [
        Recording(stem, group(stem), licence, partial(reader.motion, path), (path,), sound_of.get(stem))
        for stem, path in by_stem(files).items()
    ]


def find(source: Path, options: Options) -> list[Recording]:
    """Every BVH below the folder. Names are paths, so that folders may have files of the same name."""
    files = files_below(source, ".bvh")
    reader = BvhReader(files)
    found: list[Recording] = []
    for path in files:
        name = path.relative_to(source).with_suffix("").as_posix()
        beside = [path.with_suffix(suffix) for suffix in SOUNDS]
        sound = next((file for file in beside if file.is_file()), None)
        words = path.with_suffix(".txt") if path.with_suffix(".txt").is_file() else None
        found.append(Recording(name, name, options.licence, partial(reader.motion, path), (path,), sound, words))
    return found
