# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognition of rig families by the names of their bones. No bpy."""

import re
from collections.abc import Mapping
from functools import lru_cache

from .maps import BODY, FAMILIES, BoneMap, Family

_SPINE = ("spine1", "spine2", "spine3")
_SEPARATORS = re.compile(r"[ .\-_]+")


def plain(name: str) -> str:
    """Normalize case and separators, which exporters and users change."""
    return _SEPARATORS.sub("_", name).lower()


@lru_cache(maxsize=64)
def recognize(names: tuple[str, ...]) -> BoneMap | None:
    """Find the family whose bone names match most joints of the body.

    A common prefix ("mixamorig:", "DEF-") is ignored. Ties are broken by the shorter prefix, then by the number of
    bones, then by the order of `FAMILIES`.

    Args:
        names: Bone names of an armature.

    Returns:
        The family's map, which may lack joints (see `BoneMap.missing`); None if no family matches half of the body.
    """
    here: dict[str, str] = {}
    for name in names:
        here.setdefault(plain(name), name)
    best: tuple[tuple[int, int, int], BoneMap] | None = None
    for family in FAMILIES:
        for prefix in _prefixes(family, here):
            bones = _found(family, prefix, here)
            rank = (sum(joint in bones for joint in BODY), -len(prefix), sum(map(len, bones.values())))
            if "pelvis" in bones and (best is None or rank > best[0]):
                best = rank, _with_ends(family, prefix, here, bones)
    return None if best is None or best[0][0] < len(BODY) // 2 else best[1]


def _prefixes(family: Family, here: Mapping[str, str]) -> list[str]:
    """Return the prefixes of bones that end like the family's pelvis, shortest first."""
    hips = plain(family.bones["pelvis"][0])
    return sorted({name[: -len(hips)] for name in here if name.endswith(hips)}, key=len)


def _found(family: Family, prefix: str, here: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = {
        joint: tuple(here[prefix + plain(bone)] for bone in bones if prefix + plain(bone) in here)
        for joint, bones in family.bones.items()
    }
    return align_spine_to_chest({joint: bones for joint, bones in found.items() if bones})


def align_spine_to_chest(bones: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Reassign a spine with fewer bones than SMPL-X so that its last bone is spine3, the parent of the arms."""
    spine = [bones.pop(joint) for joint in _SPINE if joint in bones]
    return bones | dict(zip(_SPINE[len(_SPINE) - len(spine) :], spine, strict=True))


def _with_ends(family: Family, prefix: str, here: Mapping[str, str], bones: Mapping[str, tuple[str, ...]]) -> BoneMap:
    def named(bone: str) -> str:
        return here.get(prefix + plain(bone)) or here.get(plain(bone), "") if bone else ""

    return BoneMap(family.name, dict(bones), named(family.mover), named(family.root))
