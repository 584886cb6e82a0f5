# SPDX-License-Identifier: GPL-3.0-or-later
"""The property groups stored in the .blend file: settings of the scene, data of strips, takes of characters.

NLA strips cannot carry custom data, so a prompt is stored on the Action that the strip plays. Nothing about a running
job is stored. `data` declares the same fields for type checkers.
"""

from typing import Any, cast

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core.timeline.strips import DEFAULT_GUIDANCE, GUIDANCE_MAX, SEED_MAX
from .character.active import is_character
from .data import GROUP, CharacterData, StripData
from .rigs.properties import OVERRIDABLE, OVERRIDABLE_ROWS
from .setup import models
from .timeline import names, suggestions

SCOPES = (
    ("WHOLE", "Whole Body", "The whole body follows the prompt", "ARMATURE_DATA", 0),
    (
        "UPPER",
        "Upper Body",
        "The spine, head and arms follow the prompt, on top of any whole-body strips; the root and legs follow those "
        "strips or the speech, or stand still",
        "USER",
        1,
    ),
)
_TEXT_AUDIO: Any = {"default": DEFAULT_GUIDANCE, "min": 0.0, "max": GUIDANCE_MAX, "soft_max": 4.0}

KINDS = (
    ("NONE", "None", "A regular action"),
    ("TEXT", "Text", "A text prompt"),
    ("SPEECH", "Speech", "A speech recording"),
    ("GENERATED", "Generated", "Generated motion"),
)


def _is_character(_: object, candidate: bpy.types.Object) -> bool:
    return is_character(candidate)


def _model_names(_: object, __: object, typed: str) -> list[str]:
    return [name for name in models.model_names() if typed.lower() in name.lower()]


def _prompt_changed(data: StripData, _: object) -> None:
    names.rename(cast("bpy.types.Action", data.id_data))


class FREETALKER_PG_strip(bpy.types.PropertyGroup):
    """Data of a text, speech or generated strip, on its Action."""

    kind: EnumProperty(name="Kind", items=KINDS, default="NONE")
    prompt: StringProperty(
        name="Prompt",
        description="What the person does, such as 'a person walks forward and waves'; the first 59 bytes are the "
        "name of the strip",
        update=_prompt_changed,
        search=suggestions.search,
        search_options={"SUGGESTION"},
    )
    shown_name: StringProperty(
        name="Shown Name",
        description="The name that the strip was given for its prompt; with any other name, the strip has been renamed",
        options={"HIDDEN"},
    )
    scope: EnumProperty(
        name="Body Part",
        description="Which part of the body follows the prompt",
        items=SCOPES,
        default="WHOLE",
    )
    sound: PointerProperty(name="Sound", type=bpy.types.Sound, description="The recording that the character speaks")
    use_guidance: BoolProperty(
        name="Use Own Text / Audio",
        description="Use a separate value for this strip instead of the scene's",
        default=False,
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="Guidance scale: 0 follows only the speech, 1 follows both text and speech, and higher values "
        "strengthen the text",
        **_TEXT_AUDIO,
    )
    guidance_keys: StringProperty(
        name="Values over Time",
        description="Values that change over the strip, as linearly interpolated seconds:value pairs such as 0:1, "
        "2.5:0.5, with seconds counted from the start of the strip when it was created; leave empty for "
        "a constant value",
    )
    use_seed: BoolProperty(
        name="Use Own Seed",
        description="Use a separate seed for this strip instead of the scene's",
        default=False,
    )
    seed: IntProperty(
        name="Seed",
        description="A different seed gives a different performance of this strip; the same seed gives the same "
        "performance wherever the strip is moved",
        default=0,
        min=0,
        max=SEED_MAX,
    )
    lock: BoolProperty(
        name="Lock",
        description="Keep the current motion under this strip when generating",
        default=False,
    )
    told: StringProperty(name="Record", description="The timeline that a take was generated from", options={"HIDDEN"})


class FREETALKER_PG_take(bpy.types.PropertyGroup):
    """A row of a character's list of takes."""

    action: PointerProperty(
        name="Action",
        type=bpy.types.Action,
        description="The action that holds the keyframes of the take",
        override=OVERRIDABLE,
    )
    note: StringProperty(name="Note", description="What was generated for this take", override=OVERRIDABLE)
    pinned: BoolProperty(
        name="Pin",
        description="Keep this take when older takes are removed",
        default=False,
        override=OVERRIDABLE,
    )


def _take_chosen(character: CharacterData, _: object) -> None:
    from .takes import generated
    from .timeline import strips

    armature = cast("bpy.types.Object", character.id_data)
    if not strips.disabled_reason(armature):
        generated.show_take(armature, character.take)


class FREETALKER_PG_character(bpy.types.PropertyGroup):
    """The takes of a character."""

    takes: CollectionProperty(type=FREETALKER_PG_take, override=OVERRIDABLE_ROWS)
    take: IntProperty(
        name="Take",
        description="The take that the character shows",
        default=0,
        min=0,
        update=_take_chosen,
        override=OVERRIDABLE,
    )


class FREETALKER_PG_slider(bpy.types.PropertyGroup):
    """The Text / Audio slider of one character, keyframed on the scene.

    Its keyframes are not stored on the character, whose own action holds the keys of its bones and is pushed down,
    baked and replaced.
    """

    character: PointerProperty(
        name="Character", type=bpy.types.Object, description="The character that this slider belongs to"
    )
    use_guidance: BoolProperty(
        name="Use Own Text / Audio",
        description="Use a separate value for this character instead of the scene's",
        default=False,
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="Guidance scale: 0 follows only the speech, 1 follows both text and speech, and higher values "
        "strengthen the text; the slider can be keyframed",
        **_TEXT_AUDIO,
    )


class FREETALKER_PG_scene(bpy.types.PropertyGroup):
    """Settings of a scene."""

    character: PointerProperty(
        name="Character",
        description="The armature to generate motion for",
        type=bpy.types.Object,
        poll=_is_character,
    )
    sliders: CollectionProperty(
        type=FREETALKER_PG_slider,
        description="The sliders of characters that have their own",
        options={"HIDDEN"},
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="Guidance scale: 0 follows only the speech, 1 follows both text and speech, and higher values "
        "strengthen the text; the slider can be keyframed",
        **_TEXT_AUDIO,
    )
    seed: IntProperty(
        name="Seed",
        description="A different seed gives a different take; the same seed gives the same motion",
        default=0,
        min=0,
        max=SEED_MAX,
    )
    new_seed: BoolProperty(
        name="New Seed Each Time",
        description="Increase the seed each time motion is generated",
        default=False,
    )
    follow: EnumProperty(
        name="Later Motion",
        description="What happens to the motion after a regenerated part",
        items=(
            ("STAYS", "Stays", "The later motion stays in place, and the regenerated part is adjusted to end there"),
            (
                "FOLLOWS",
                "Follows",
                "The later motion is rotated and moved to where the regenerated part ends, keeping its poses",
            ),
        ),
        default="STAYS",
    )
    meet: BoolProperty(
        name="Meet What Follows",
        description="End in the pose in which the character's next regular NLA strip starts",
        default=False,
    )
    keep_takes: IntProperty(
        name="Takes to Keep",
        description="Number of takes to keep for each character in addition to pinned takes; the oldest are removed "
        "first",
        default=8,
        min=1,
        max=99,
    )
    model: StringProperty(
        name="Model",
        description="Name of an included model or path to a model folder; leave empty to use the default model in "
        "the preferences",
        search=_model_names,
        search_options={"SUGGESTION"},
    )
    saved_by: StringProperty(
        name="Saved By",
        description="The newest version of the add-on that has saved this scene with strips",
        options={"HIDDEN"},
    )
    steps: IntProperty(
        name="Steps",
        description="Number of denoising steps; more steps are slower and slightly better, and 0 uses the default of "
        "the model",
        default=0,
        min=0,
        max=1000,
        soft_max=100,
    )


CLASSES = (
    FREETALKER_PG_strip,
    FREETALKER_PG_take,
    FREETALKER_PG_character,
    FREETALKER_PG_slider,
    FREETALKER_PG_scene,
)


def register() -> None:
    """Register the groups and add them to scenes, actions and objects."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    setattr(bpy.types.Scene, GROUP, PointerProperty(type=FREETALKER_PG_scene))
    setattr(bpy.types.Action, GROUP, PointerProperty(type=FREETALKER_PG_strip))
    setattr(bpy.types.Object, GROUP, PointerProperty(type=FREETALKER_PG_character, override=OVERRIDABLE))
    names.register()


def unregister() -> None:
    """Remove the groups from Blender's types and unregister them."""
    names.unregister()
    for owner in (bpy.types.Object, bpy.types.Action, bpy.types.Scene):
        delattr(owner, GROUP)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
