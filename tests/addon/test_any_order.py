# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an animator does to strips, in whatever order: what is left is read, or refused in one sentence.

ANY_ORDER=166 has so many animators do 60 deeds each, instead of 8.
"""

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import nla_editor, wild_work

ANIMATORS = int(os.environ.get("ANY_ORDER", "8"))
READ: list[Any] = []  # the timelines that there were
ORDERS: list[Any] = []  # what was generated


class Animator:
    """Does one thing after another to the strips of the scene's character, each an undo step."""

    def __init__(self, ft: SimpleNamespace, seed: int, speech: Path, file: Path) -> None:
        self.ft, self.random, self.speech, self.file = ft, random.Random(seed), speech, file

    def armature(self) -> Any:
        """Found anew each time, for undo and loading replace it."""
        return bpy.context.scene.freetalker.character

    def some(self) -> Any | None:
        found = [one for kind in ("TEXT", "SPEECH") for one in self.ft.strips.find_strips(self.armature(), kind)]
        return self.random.choice(found) if found else None

    def add_text(self) -> None:
        words = self.random.choice(("a person waves", "ein Mensch 立つ", "a person walks on and on " * 4, "x.001"))
        bpy.ops.freetalker.add_text_strip(prompt=words, seconds=self.random.uniform(0.05, 5))

    def add_speech(self) -> None:
        bpy.ops.freetalker.add_speech_strip(filepath=str(self.speech), frame=self.random.randrange(1, 300))

    def look_elsewhere(self) -> None:
        bpy.context.scene.frame_set(self.random.randrange(1, 300))

    def change(self) -> None:
        one = self.some()
        if one is None:
            return
        frames = self.random.randrange(-20, 60)
        change: Callable[[Any], None] = self.random.choice((
            lambda strip: setattr(strip, "frame_start_ui", max(1, strip.frame_start + frames)),
            lambda strip: setattr(strip, "frame_end_ui", strip.frame_end + frames),
            lambda strip: setattr(strip, "action_frame_start", strip.action_frame_start + max(0, frames) / 10),
            lambda strip: setattr(strip, "mute", not strip.mute),
            lambda strip: setattr(strip, "scale", self.random.choice((0.5, 1.0, 2.0))),
            lambda strip: setattr(strip, "name", self.random.choice(("a person bows", "", "é" * 60, "a…", "b.002"))),
            lambda strip: setattr(strip.action.freetalker, "prompt", self.random.choice(("a person nods", "n" * 99))),
        ))  # fmt: skip
        change(one.strip)

    def blender(self) -> None:
        for track in self.armature().animation_data.nla_tracks if self.armature().animation_data else ():
            for strip in track.strips:
                strip.select = self.random.random() < 0.4
        nla = bpy.ops.nla
        linked = self.random.random() < 0.5
        operator: Callable[[], Any] = self.random.choice(
            (nla.split, nla.delete, nla.meta_add, nla.meta_remove, nla.mute_toggle, nla.make_single_user, nla.swap,
             lambda: nla.duplicate(linked=linked))
        )  # fmt: skip
        with nla_editor(), contextlib.suppress(RuntimeError):  # Blender's own refusal
            operator()

    def ours(self) -> None:
        one = self.some()
        if one is None:
            return
        verb = self.random.choice(("remove_strip", "make_single"))
        whole = any(strip == one.strip for strip in one.track.strips)
        with contextlib.nullcontext() if whole or verb == "make_single" else pytest.raises(RuntimeError, match="meta"):
            getattr(bpy.ops.freetalker, verb)(strip=one.key)

    def generate(self) -> None:
        one = self.some()
        with contextlib.suppress(RuntimeError):  # what was refused is said, and `check` looks at what is left
            if one is not None and self.random.random() < 0.3:
                bpy.ops.freetalker.reroll(strip=one.key)
            else:
                bpy.ops.freetalker.generate(everything=self.random.random() < 0.2)

    def choose_take(self) -> None:
        kept = self.armature().freetalker
        if len(kept.takes):
            kept.take = self.random.randrange(len(kept.takes))
            if self.random.random() < 0.3:
                bpy.ops.freetalker.remove_take()

    def undo(self) -> None:
        for operator in self.random.choice(((bpy.ops.ed.undo,), (bpy.ops.ed.undo, bpy.ops.ed.redo))):
            if operator.poll():
                operator()

    def reload(self) -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(self.file))
        bpy.ops.wm.open_mainfile(filepath=str(self.file))
        bpy.ops.ed.undo_push(message="Opened")

    def act(self) -> None:
        deeds = (
            self.add_text, self.add_speech, self.change, self.blender, self.ours, self.undo, self.look_elsewhere,
            self.generate, self.choose_take, self.reload,
        )  # fmt: skip
        deed = self.random.choices(deeds, weights=(3, 1, 6, 6, 1, 2, 1, 1.5, 0.7, 0.3))[0]
        deed()
        if deed not in (self.undo, self.reload):
            bpy.ops.ed.undo_push(message=deed.__name__)

    def check(self) -> None:
        ft, scene, armature = self.ft, bpy.context.scene, self.armature()
        ft.sequencer.mirror(scene)
        takes = [take.action for take in armature.freetalker.takes]
        kept = [action for action in bpy.data.actions if action.freetalker.kind == "GENERATED" and action in takes]
        assert len(takes) - takes.count(None) == len(kept)  # no take has lost its action
        heard = {
            kind: [one for one in ft.strips.find_strips(armature, kind) if one.audible] for kind in ("TEXT", "SPEECH")
        }
        refused = ""
        try:
            timeline = ft.convert.timeline(scene, armature)
        except ft.errors.InputError as error:
            refused = str(error)
        if refused:
            assert refused.endswith(".")
            assert "\n" not in refused
            return
        READ.append(timeline)
        assert len(timeline.text) == len(heard["TEXT"])
        assert len(timeline.speech) == len(heard["SPEECH"])
        assert all(text.prompt.strip() for text in timeline.text)
        for one in heard["TEXT"]:
            assert ft.names._same_name(one.strip.name, ft.strips.short_name(one.data.prompt))


@pytest.mark.parametrize("seed", range(ANIMATORS))
def test_any_order(
    ft: SimpleNamespace, armature: Any, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    animator, read, ordered = Animator(ft, seed, speech, tmp_path / "any.blend"), len(READ), len(ORDERS)
    monkeypatch.setattr(ft.worker, "work", wild_work(ft, ORDERS))
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())
    bpy.ops.ed.undo_push(message="Begin")
    for _ in range(60):
        animator.act()
        animator.check()
    assert len(READ) - read > 10  # no test passes because there was nothing to read
    assert len(ORDERS) > ordered
