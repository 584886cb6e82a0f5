# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of rig an armature is, by the names of its bones. No bpy."""

import re
from collections.abc import Mapping
from functools import lru_cache

from .maps import BODY, FAMILIES, BoneMap, Family

_SPINE = ("spine1", "spine2", "spine3")
_SEPARATORS = re.compile(r"[ .\-_]+")


def plain(name: str) -> str:
    """A name without what exporters and users change: case and the kind of separator."""
    return _SEPARATORS.sub("_", name).lower()


@lru_cache(maxsize=64)
def recognise(names: tuple[str, ...]) -> BoneMap | None:
    """The map of the family that names most joints of the body so; None where no family names half of them.

    A common prefix ("mixamorig:", "DEF-") is passed over. Of equals the shorter prefix counts, then who names more
    bones, then who stands first. The map may miss joints: see BoneMap.missing.
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
    """What stands before the family's name of the pelvis, the shortest first."""
    hips = plain(family.bones["pelvis"][0])
    return sorted({name[: -len(hips)] for name in here if name.endswith(hips)}, key=len)


def _found(family: Family, prefix: str, here: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = {
        joint: tuple(here[prefix + plain(bone)] for bone in bones if prefix + plain(bone) in here)
        for joint, bones in family.bones.items()
    }
    return lead_with_the_chest({joint: bones for joint, bones in found.items() if bones})


def lead_with_the_chest(bones: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A spine of fewer bones than SMPL-X has ends with spine3 all the same: it is what carries the arms."""
    spine = [bones.pop(joint) for joint in _SPINE if joint in bones]
    return bones | dict(zip(_SPINE[len(_SPINE) - len(spine) :], spine, strict=True))


def _with_ends(family: Family, prefix: str, here: Mapping[str, str], bones: Mapping[str, tuple[str, ...]]) -> BoneMap:
    def named(bone: str) -> str:
        return here.get(prefix + plain(bone)) or here.get(plain(bone), "") if bone else ""

    return BoneMap(family.name, dict(bones), named(family.mover), named(family.root))
