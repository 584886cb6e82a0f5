# SPDX-License-Identifier: GPL-3.0-or-later
"""What the .blend file keeps: settings on the scene, and the data of each strip on its Action.

NLA strips cannot carry data of their own, so a prompt lives on the Action that the strip plays. Nothing about a
running job is stored here: a file saved in the middle of one opens as if there had been none.
"""

from typing import Any

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

from ..core.timeline.strips import GUIDANCE, GUIDANCE_MAX, SEED_MAX
from .character.active import is_character
from .setup import models
from .timeline import names, suggestions

SCOPES = (
    ("WHOLE", "Whole Body", "The whole body follows the prompt", "ARMATURE_DATA", 0),
    (
        "UPPER",
        "Upper Body",
        "Spine, head and arms follow the prompt, over all strips of the whole body; root and legs follow those, or the "
        "speech, or stand",
        "USER",
        1,
    ),
)
_TEXT_AUDIO: Any = {"default": GUIDANCE, "min": 0.0, "max": GUIDANCE_MAX, "soft_max": 4.0}
_OVERRIDABLE: Any = {"LIBRARY_OVERRIDABLE"}
_ROWS: Any = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
KINDS = (
    ("NONE", "None", "An ordinary action"),
    ("TEXT", "Text", "A prompt in words"),
    ("SPEECH", "Speech", "A recording of speech"),
    ("GENERATED", "Generated", "Generated motion"),
)


def _is_character(_: Any, candidate: bpy.types.Object) -> bool:
    return is_character(candidate)


def _model_names(_: Any, __: Any, typed: str) -> list[str]:
    return [name for name in models.model_names() if typed.lower() in name.lower()]


def _prompt_changed(strip_data: Any, _: Any) -> None:
    """Keep the name of the strip, which Blender draws on it, that of the prompt."""
    names.rename(strip_data.id_data)


class FREETALKER_PG_strip(bpy.types.PropertyGroup):
    """The data of a text, speech or generated strip, on its Action."""

    kind: EnumProperty(name="Kind", items=KINDS, default="NONE")
    prompt: StringProperty(
        name="Prompt",
        description="What the person does, such as: a person walks forward and waves. It is the strip's name, which "
        "shows its first 59 bytes",
        update=_prompt_changed,
        search=suggestions.search,
        search_options={"SUGGESTION"},
    )
    shown_name: StringProperty(
        name="Shown Name",
        description="The name that the strip was given for its prompt; where it bears another, it was renamed",
        options={"HIDDEN"},
    )
    scope: EnumProperty(
        name="Body Part",
        description="What of the body follows the prompt",
        items=SCOPES,
        default="WHOLE",
    )
    sound: PointerProperty(name="Sound", type=bpy.types.Sound, description="The recording that is spoken")
    use_guidance: BoolProperty(
        name="Own Text / Audio",
        description="Use a value of its own for this strip, not the scene's",
        default=False,
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="0 follows the speech alone, 1 text and speech as they are, above 1 strengthens the text",
        **_TEXT_AUDIO,
    )
    guidance_keys: StringProperty(
        name="Values over Time",
        description="Values that change within the strip, as seconds:value from where it began when it was made, with "
        "straight lines between, such as 0:1, 2.5:0.5; empty for one value",
    )
    use_seed: BoolProperty(
        name="Own Seed",
        description="Use a seed of its own for this strip, not the scene's",
        default=False,
    )
    seed: IntProperty(
        name="Seed",
        description="Another seed gives another performance of this strip; the same moves along with it",
        default=0,
        min=0,
        max=SEED_MAX,
    )
    lock: BoolProperty(
        name="Lock",
        description="Keep the motion that the character has under this strip, whatever is generated",
        default=False,
    )
    told: StringProperty(name="Record", description="The timeline that a take was made of", options={"HIDDEN"})


class FREETALKER_PG_take(bpy.types.PropertyGroup):
    """A result that is kept."""

    action: PointerProperty(name="Action", type=bpy.types.Action, description="The keys", override=_OVERRIDABLE)
    note: StringProperty(name="Made", description="What was generated for it", override=_OVERRIDABLE)
    pinned: BoolProperty(
        name="Pin",
        description="Keep this take however many follow",
        default=False,
        override=_OVERRIDABLE,
    )


def _take_chosen(kept: Any, _: Any) -> None:
    from .takes import generated
    from .timeline import strips

    if not strips.disabled_reason(kept.id_data):
        generated.show(kept.id_data, kept.take)


class FREETALKER_PG_character(bpy.types.PropertyGroup):
    """The takes of a character."""

    takes: CollectionProperty(type=FREETALKER_PG_take, override=_ROWS)
    take: IntProperty(
        name="Take",
        description="The take that is shown",
        default=0,
        min=0,
        update=_take_chosen,
        override=_OVERRIDABLE,
    )


class FREETALKER_PG_slider(bpy.types.PropertyGroup):
    """The slider of one character, with keyframes of its own among the scene's.

    They do not lie on the character: its own action is that of its bones, which plays over the generated motion and is
    pushed down, baked and exchanged.
    """

    character: PointerProperty(name="Character", type=bpy.types.Object, description="Whose slider this is")
    use_guidance: BoolProperty(
        name="Own Text / Audio",
        description="Use a value of its own for this character, not the scene's",
        default=False,
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="0 follows the speech alone, 1 text and speech as they are, above 1 strengthens the text; "
        "keyframes on this slider are honored",
        **_TEXT_AUDIO,
    )


class FREETALKER_PG_scene(bpy.types.PropertyGroup):
    """The settings of a scene."""

    character: PointerProperty(
        name="Character",
        description="The armature that the motion is generated for",
        type=bpy.types.Object,
        poll=_is_character,
    )
    sliders: CollectionProperty(
        type=FREETALKER_PG_slider,
        description="Of the characters that have one of their own",
        options={"HIDDEN"},
    )
    guidance: FloatProperty(
        name="Text / Audio",
        description="0 follows the speech alone, 1 text and speech as they are, above 1 strengthens the text; "
        "keyframes on this slider are honored",
        **_TEXT_AUDIO,
    )
    seed: IntProperty(
        name="Seed",
        description="Another seed gives another take; the same seed gives the same motion",
        default=0,
        min=0,
        max=SEED_MAX,
    )
    new_seed: BoolProperty(
        name="New Seed Each Time",
        description="Take the next seed whenever motion is generated",
        default=False,
    )
    follow: EnumProperty(
        name="After It",
        description="What becomes of the motion after a part that is generated anew",
        items=(
            ("STAYS", "Stays", "It stays where it is, and the new part is led there"),
            ("FOLLOWS", "Follows", "It is turned and moved to where the new part ends, its poses as they were"),
        ),
        default="STAYS",
    )
    meet: BoolProperty(
        name="Meet What Follows",
        description="End in the pose in which the character's next ordinary NLA strip begins",
        default=False,
    )
    keep_takes: IntProperty(
        name="Takes to Keep",
        description="How many takes a character keeps beside those that are pinned; the oldest go first",
        default=8,
        min=1,
        max=99,
    )
    model: StringProperty(
        name="Model",
        description="A model of this add-on by name, or the path of a model folder; empty for the preferences' default",
        search=_model_names,
        search_options={"SUGGESTION"},
    )
    saved_by: StringProperty(
        name="Saved By",
        description="The newest version of the add-on that saved this scene with strips",
        options={"HIDDEN"},
    )
    steps: IntProperty(
        name="Steps",
        description="Denoising steps: more are slower and a little better; 0 takes the model's own number",
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
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.freetalker = PointerProperty(type=FREETALKER_PG_scene)
    bpy.types.Action.freetalker = PointerProperty(type=FREETALKER_PG_strip)
    bpy.types.Object.freetalker = PointerProperty(type=FREETALKER_PG_character, override=_OVERRIDABLE)
    names.register()


def unregister() -> None:
    names.unregister()
    del bpy.types.Object.freetalker
    del bpy.types.Action.freetalker
    del bpy.types.Scene.freetalker
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
