# SPDX-License-Identifier: GPL-3.0-or-later
"""Rest pose and forward kinematics of a rig. No bpy."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...core.motion.rotation import Array
from .maps import BoneMap, family
from .recognize import plain


@dataclass(frozen=True)
class Rest:
    """Rest pose of an armature's N bones, in armature space; parents come before their children.

    Args:
        names: Bone names.
        parents: Index of each parent, -1 for none.
        axes: (N, 3, 3) bone axes as columns.
        heads, tails: (N, 3) in the armature's units.
        inherits: Whether each bone inherits its parent's rotation.
        local: Whether each bone's location is along its own axes.
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
        """Bone name -> its index."""
        return {name: i for i, name in enumerate(self.names)}

    def head(self, bone: str) -> Array:
        """Return the head (3,) of a bone."""
        return self.heads[self.index[bone]]


@dataclass(frozen=True)
class Channels:
    """Channels of a pose bone over T frames; None for a channel without keys.

    Args:
        basis: (T, 3, 3) rotations.
        location: (T, 3) in the armature's units.
    """

    basis: Array | None
    location: Array | None = None


class Posed:
    """Forward kinematics of the driven bones, each of which follows its nearest driven ancestor.

    Args:
        rest: Rest pose of the armature.
        bones: Its bone map.
        axes: Driven bone -> its axes (T, 3, 3) in armature space.
        heads: Driven bone -> its head (T, 3) in armature space, for bones whose location is keyed.
    """

    def __init__(self, rest: Rest, bones: BoneMap, axes: dict[str, Array], heads: dict[str, Array]) -> None:
        self.rest, self.axes, self.heads = rest, axes, heads
        self._driven_as = {_stem(bone): bone for bone in axes} | {bone: bone for bone in axes}
        self._driven_as |= {name: by for name, by in family(bones.family).carried.items() if by in axes}
        self.ancestors: dict[str, str] = {}
        for bone in sorted(axes, key=rest.names.index):
            self.ancestors[bone] = self._driven_ancestor(bone)

    def drive(self, bone: str, axes: Array, heads: Array | None = None) -> None:
        """Drive another bone, after its driven ancestors.

        Args:
            bone: Name of the bone.
            axes: (T, 3, 3) in armature space.
            heads: (T, 3) in armature space; None if the location is not keyed.
        """
        self.ancestors[bone] = self._driven_ancestor(bone)
        self._driven_as[bone] = bone
        self.axes[bone] = axes
        if heads is not None:
            self.heads[bone] = heads

    def _driven_ancestor(self, bone: str) -> str:
        """Find the driven bone that this one follows, also through mechanism bones; empty if there is none."""
        above = self.rest.parents[self.rest.index[bone]]
        while above >= 0:
            name = self.rest.names[above]
            found = self._driven_as.get(name) or self._driven_as.get(_stem(name), "")
            if found and not self._follows(found, bone):
                return found
            above = self.rest.parents[above]
        return ""

    def _follows(self, bone: str, other: str) -> bool:
        """Whether `bone` is `other` or one of its known descendants."""
        while bone and bone != other:
            bone = self.ancestors.get(bone, "")
        return bool(bone)

    def rotation(self, bone: str) -> Array:
        """Return a bone's rotation from its rest pose in armature space, (T, 3, 3).

        Args:
            bone: Name of a driven bone; empty for the identity (1, 3, 3).
        """
        return self.axes[bone] @ self.rest.axes[self.rest.index[bone]].T if bone else np.eye(3)[None]

    def head(self, bone: str) -> Array:
        """Return a driven bone's head in armature space, (T, 3) or (1, 3)."""
        return self.heads[bone] if bone in self.heads else self._inherited_head(bone)

    def _inherited_head(self, bone: str) -> Array:
        by = self.ancestors[bone]
        if not by:
            return self.rest.head(bone)[None]
        return self.head(by) + self.rotation(by) @ (self.rest.head(bone) - self.rest.head(by))

    def channels(self, bone: str) -> Channels:
        """Return the channels that give a driven bone its axes and head."""
        number = self.rest.index[bone]
        own = self.rest.axes[number]
        inherited = self.rotation(self.ancestors[bone]) @ own  # (T, 3, 3)
        basis = np.swapaxes(inherited if self.rest.inherits[number] else own[None], -1, -2) @ self.axes[bone]
        if bone not in self.heads:
            return Channels(basis)
        offset = self.heads[bone] - self._inherited_head(bone)  # (T, 3)
        if not self.rest.local[number]:  # along the axes of the parent
            above = self.rest.parents[number]
            inherited = self.rotation(self.ancestors[bone]) @ (self.rest.axes[above] if above >= 0 else np.eye(3))
        return Channels(basis, np.einsum("tba,tb->ta", np.broadcast_to(inherited, (len(offset), 3, 3)), offset))


def _stem(name: str) -> str:
    """Return the common part of corresponding bones of a control rig, as DEF-hand.L, ORG-hand.L and hand_fk.L."""
    stem = plain(name)
    for prefix in ("org_", "def_", "c_"):
        stem = stem.removeprefix(prefix)
    return stem.replace("_fk", "")
