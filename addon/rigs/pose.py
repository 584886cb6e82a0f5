# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig at rest and posed, without Blender."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...core.motion.rotation import Array
from .maps import BoneMap, family
from .recognise import plain


@dataclass(frozen=True)
class Rest:
    """The bones of an armature at rest, in its space; parents stand before their children.

    names: N of them. parents: (N,) index, -1 for none. axes: (N, 3, 3). heads, tails: (N, 3).
    inherits: (N,) whether a bone turns with its parent. local: (N,) whether its location is along its own axes.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    axes: Array
    heads: Array
    tails: Array
    inherits: tuple[bool, ...]
    local: tuple[bool, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def head(self, bone: str) -> Array:
        return self.heads[self.index[bone]]


@dataclass(frozen=True)
class Channels:
    """Values of a bone's channels: basis (T, 3, 3) its rotation, location (T, 3), or None where that is not keyed."""

    basis: Array | None
    location: Array | None = None


class Posed:
    """Forward kinematics of the driven bones, each carried by the nearest driven one before it."""

    def __init__(self, rest: Rest, bones: BoneMap, wanted: dict[str, Array], moved: dict[str, Array]) -> None:
        self.rest, self.wanted, self.moved = rest, wanted, moved
        self._stands_for = {_stem(bone): bone for bone in wanted} | {bone: bone for bone in wanted}
        self._stands_for |= {name: by for name, by in family(bones.family).carried.items() if by in wanted}
        self.carriers: dict[str, str] = {}
        for bone in sorted(wanted, key=rest.names.index):
            self.carriers[bone] = self._carrier(bone)

    def put(self, bone: str, wanted: Array, moved: Array | None = None) -> None:
        """Drive a further bone, after those that carry it."""
        self.carriers[bone] = self._carrier(bone)
        self._stands_for[bone] = bone
        self.wanted[bone] = wanted
        if moved is not None:
            self.moved[bone] = moved

    def _carrier(self, bone: str) -> str:
        """The driven bone that carries this one, by parents and by what mechanism bones stand for; empty for none."""
        above = self.rest.parents[self.rest.index[bone]]
        while above >= 0:
            name = self.rest.names[above]
            found = self._stands_for.get(name) or self._stands_for.get(_stem(name), "")
            if found and not self._hangs_on(found, bone):
                return found
            above = self.rest.parents[above]
        return ""

    def _hangs_on(self, bone: str, other: str) -> bool:
        """Whether `bone` is `other` or is carried by it, as far as is known."""
        while bone and bone != other:
            bone = self.carriers.get(bone, "")
        return bool(bone)

    def turned(self, bone: str) -> Array:
        """How far a bone is turned from its rest, (T, 3, 3); no bone is not turned at all."""
        return self.wanted[bone] @ self.rest.axes[self.rest.index[bone]].T if bone else np.eye(3)[None]

    def head(self, bone: str) -> Array:
        """Where a bone's head comes to be, (T, 3) or (1, 3)."""
        return self.moved[bone] if bone in self.moved else self._carried_head(bone)

    def _carried_head(self, bone: str) -> Array:
        by = self.carriers[bone]
        if not by:
            return self.rest.head(bone)[None]
        return self.head(by) + self.turned(by) @ (self.rest.head(bone) - self.rest.head(by))

    def channels(self, bone: str) -> Channels:
        number = self.rest.index[bone]
        own = self.rest.axes[number]
        carried = self.turned(self.carriers[bone]) @ own  # (T, 3, 3)
        basis = np.swapaxes(carried if self.rest.inherits[number] else own[None], -1, -2) @ self.wanted[bone]
        if bone not in self.moved:
            return Channels(basis)
        offset = self.moved[bone] - self._carried_head(bone)  # (T, 3)
        if not self.rest.local[number]:  # along the axes of the parent
            above = self.rest.parents[number]
            carried = self.turned(self.carriers[bone]) @ (self.rest.axes[above] if above >= 0 else np.eye(3))
        return Channels(basis, np.einsum("tba,tb->ta", np.broadcast_to(carried, (len(offset), 3, 3)), offset))


def _stem(name: str) -> str:
    """What the bones of a control rig that stand for one another have in common: DEF-hand.L, ORG-hand.L, hand_fk.L."""
    stem = plain(name)
    for prefix in ("org_", "def_", "c_"):
        stem = stem.removeprefix(prefix)
    return stem.replace("_fk", "")
