# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed access to the data that the add-on stores on Blender's data-blocks.

Blender creates the properties `freetalker` and `freetalker_rig` when the add-on is registered, so no type stub knows
them. Each class below declares the fields of one registered group; tests/addon/test_data.py compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    import bpy

    _Group = bpy.types.PropertyGroup
    _Preferences = bpy.types.AddonPreferences
else:
    _Group = _Preferences = object

GROUP = "freetalker"
"""Name of the property on scenes, actions and objects."""

RIG_GROUP = "freetalker_rig"
"""Name of the rig property on objects."""

StripKind: TypeAlias = Literal["NONE", "TEXT", "SPEECH", "GENERATED"]
Scope: TypeAlias = Literal["WHOLE", "UPPER"]
DeviceChoice: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]
Travel: TypeAlias = Literal["HIPS", "ROOT", "IN_PLACE"]
"""What carries the path over the floor: the hips, the root bone, or nothing."""

Match: TypeAlias = Literal["LIMBS", "JOINTS", "KEEP"]
"""How rest poses are aligned: by the line of each whole limb, by the direction of each joint, or not at all."""

_RowT_co = TypeVar("_RowT_co", covariant=True)


class Rows(Protocol[_RowT_co]):
    """A CollectionProperty whose items have the type `_RowT_co`."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[_RowT_co]: ...
    def __getitem__(self, key: int, /) -> _RowT_co: ...
    def add(self) -> _RowT_co: ...
    def remove(self, index: int, /) -> None: ...
    def clear(self) -> None: ...


class StripData(_Group):
    """Data of a text, speech or generated strip, on its Action."""

    kind: StripKind
    prompt: str
    shown_name: str
    scope: Scope
    sound: bpy.types.Sound | None
    use_guidance: bool
    guidance: float
    guidance_keys: str
    use_seed: bool
    seed: int
    lock: bool
    told: str


class TakeRow(_Group):
    """A row of a character's list of takes."""

    action: bpy.types.Action | None
    note: str
    pinned: bool


class CharacterData(_Group):
    """The takes of a character, on its armature object. `take` is the index of the active one."""

    takes: Rows[TakeRow]
    take: int


class SliderRow(_Group):
    """The Text / Audio slider of one character in a scene."""

    character: bpy.types.Object | None
    use_guidance: bool
    guidance: float


class SceneSettings(_Group):
    """Settings of a scene."""

    character: bpy.types.Object | None
    sliders: Rows[SliderRow]
    guidance: float
    seed: int
    new_seed: bool
    follow: Literal["STAYS", "FOLLOWS"]
    meet: bool
    keep_takes: int
    model: str
    saved_by: str
    steps: int


GuidanceSlider: TypeAlias = SceneSettings | SliderRow
"""Whatever holds a `guidance` that can be keyframed on the scene."""


class BoneRow(_Group):
    """A row of the bone map; `name` is the joint."""

    bone: str
    second: str


class RigData(_Group):
    """How motion drives an armature, on the armature object."""

    family: str
    travel: Travel
    match: Match
    foot_lock: bool
    legs: Literal["FK", "IK"]
    bones: Rows[BoneRow]
    active: int
    mover: str
    root: str


class AddonSettings(_Preferences):
    """The add-on's preferences."""

    model: str
    device: DeviceChoice
    keep_minutes: int
    non_commercial: bool
    smplx_file: str
    environment: str
    environment_error: str

    if TYPE_CHECKING:

        def activate(self) -> None: ...


CallbackContext: TypeAlias = Any
"""The context in methods that Blender calls, whose signature cannot name `Context`."""


class Context(Protocol):
    """The members of bpy.types.Context that the add-on reads.

    The stubs' own class cannot be used: it has a member called `property`, which hides the decorator of that name, so
    that type checkers take `context.scene` for a method.
    """

    area: bpy.types.Area | None
    collection: bpy.types.Collection
    mode: str
    object: bpy.types.Object | None
    preferences: bpy.types.Preferences
    region: bpy.types.Region
    scene: bpy.types.Scene
    selected_nla_strips: list[bpy.types.NlaStrip] | None
    active_nla_strip: bpy.types.NlaStrip | None
    selected_objects: list[bpy.types.Object]
    space_data: bpy.types.Space | None
    view_layer: bpy.types.ViewLayer
    window: bpy.types.Window | None
    window_manager: bpy.types.WindowManager
    workspace: bpy.types.WorkSpace | None

    def evaluated_depsgraph_get(self) -> bpy.types.Depsgraph: ...
    def temp_override(self, **members: object) -> AbstractContextManager[object]: ...


def current_context() -> Context:
    """Return Blender's current context."""
    import bpy

    return cast(Context, bpy.context)


def scene_settings(scene: bpy.types.Scene) -> SceneSettings:
    """Return the add-on's settings of a scene."""
    return getattr(scene, GROUP)


def strip_data(action: bpy.types.Action) -> StripData:
    """Return the strip data of an Action; its kind is NONE for an ordinary one."""
    return getattr(action, GROUP)


def strip_action(strip: bpy.types.NlaStrip) -> bpy.types.Action:
    """Return the Action that a strip plays; meta strips have none."""
    return cast("bpy.types.Action", strip.action)


def character_data(armature: bpy.types.Object) -> CharacterData:
    """Return the takes of a character."""
    return getattr(armature, GROUP)


def rig_data(armature: bpy.types.Object) -> RigData:
    """Return the rig settings and the stored bone map of an armature object."""
    return getattr(armature, RIG_GROUP)


def armature_data(armature: bpy.types.Object) -> bpy.types.Armature:
    """Return the data-block of an object of the type ARMATURE."""
    return cast("bpy.types.Armature", armature.data)


def pose_bones(armature: bpy.types.Object) -> bpy.types.bpy_prop_collection[bpy.types.PoseBone]:
    """Return the pose bones of an object of the type ARMATURE."""
    return cast("bpy.types.Pose", armature.pose).bones


def mesh_data(figure: bpy.types.Object) -> bpy.types.Mesh:
    """Return the data-block of an object of the type MESH."""
    return cast("bpy.types.Mesh", figure.data)


def animation_data(owner: bpy.types.Object) -> bpy.types.AnimData:
    """Return the animation data of an object, created if it has none."""
    return owner.animation_data or owner.animation_data_create()
