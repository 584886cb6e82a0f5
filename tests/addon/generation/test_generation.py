# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation in its worker thread: progress, Cancel, and everything that can happen to the file meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import wild_motion


@pytest.fixture
def ready(ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A character with a text strip, and a stand-in for core that takes four steps, each when it is let."""
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    gate, asked, motion = threading.Semaphore(0), [], wild_motion(ft)

    def work(order: Any, report: Callable[..., None], cancelled: Callable[[], bool]) -> Any:
        asked.append((order.timeline, order.steps, threading.current_thread()))
        for step in range(4):
            assert gate.acquire(timeout=20)
            if cancelled():
                raise RuntimeError("as core does, with an exception of its own")
            report((step + 1) / 4, f"Step {step + 1} of 4")
        return motion

    monkeypatch.setattr(ft.worker, "work", work)
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())
    yield SimpleNamespace(gate=gate, asked=asked, motion=motion, work=work)
    gate.release(4)  # a worker that is still waiting can end


def _until(job: Any, condition: Callable[[], bool]) -> None:
    """Call the timer's function by hand, as Blender would."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        job.pump()
        time.sleep(0.005)


def _finished(ft: SimpleNamespace) -> None:
    _until(ft.job, lambda: ft.job.current() is None)


def _generated() -> list[Any]:
    return [action for action in bpy.data.actions if action.freetalker.kind == "GENERATED"]


def test_generates_in_a_thread_with_progress(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    bpy.context.scene.freetalker.steps = 12
    ft.session.start(bpy.context, wait=False)
    assert ft.job.current().progress == 0.0
    ready.gate.release(2)
    _until(ft.job, lambda: ft.job.current().progress == 0.5)
    assert "Step 2 of 4" in ft.job.current().status
    assert "left" in ft.job.current().status
    assert _generated() == []
    ready.gate.release(2)
    _finished(ft)
    assert len(_generated()) == 1
    ((timeline, steps, thread),) = ready.asked
    assert timeline.text[0].prompt == "a person waves"
    assert steps == 12
    assert thread is not threading.main_thread()
    assert ft.session.message().level == "INFO"


def test_one_undo_step_takes_it_back(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    bpy.ops.ed.undo_push(message="Before")
    ready.gate.release(4)
    ft.session.start(bpy.context, wait=False)
    _finished(ft)
    assert len(_generated()) == 1
    bpy.ops.ed.undo()
    assert _generated() == []
    assert [track.name for track in bpy.context.scene.freetalker.character.animation_data.nla_tracks] == ["Text"]


def test_only_one_at_a_time(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    ft.session.start(bpy.context, wait=False)
    with pytest.raises(ft.errors.InputError, match="wait for it to finish or cancel it"):
        ft.session.start(bpy.context, wait=False)
    with pytest.raises(RuntimeError, match="is running"):
        bpy.ops.freetalker.generate()
    assert bpy.ops.freetalker.cancel() == {"FINISHED"}


@pytest.mark.parametrize("steps_done", [0, 1, 3])
def test_cancel_at_any_moment(ft: SimpleNamespace, ready: SimpleNamespace, steps_done: int) -> None:
    ft.session.start(bpy.context, wait=False)
    for _ in range(steps_done):
        ready.gate.release()
    _until(ft.job, lambda: ft.job.current().progress == steps_done / 4)
    bpy.ops.freetalker.cancel()
    assert ft.job.current().status == "Canceling"
    ready.gate.release()
    _finished(ft)
    assert _generated() == []
    assert "canceled" in ft.session.message().text
    assert ft.session.unplaced() is None


def test_cancel_keeps_what_was_generated_before(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    ready.gate.release(4)
    ft.session.start(bpy.context, wait=False)
    _finished(ft)
    before = _generated()
    ft.session.start(bpy.context, wait=False)
    bpy.ops.freetalker.cancel()
    ready.gate.release()
    _finished(ft)
    assert _generated() == before


def test_cancel_after_the_last_step(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    ft.session.start(bpy.context, wait=False)
    ready.gate.release(4)
    ft.job.current().thread.join(20)
    bpy.ops.freetalker.cancel()
    _finished(ft)
    assert _generated() == []


def test_character_deleted_meanwhile(ft: SimpleNamespace, ready: SimpleNamespace, armature: Any) -> None:
    ft.session.start(bpy.context, wait=False)
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    ready.gate.release(4)
    _finished(ft)
    assert ft.session.message().level == "ERROR"
    assert "Place Result" in ft.session.message().text
    assert ft.session.unplaced() is ready.motion
    with pytest.raises(RuntimeError, match="no character"):
        bpy.ops.freetalker.place_result()
    bpy.ops.freetalker.add_character()
    assert bpy.ops.freetalker.place_result() == {"FINISHED"}
    assert ft.session.unplaced() is None
    assert len(_generated()) == 1


def test_character_renamed_meanwhile(ft: SimpleNamespace, ready: SimpleNamespace, armature: Any) -> None:
    ft.session.start(bpy.context, wait=False)
    armature.name = "Hamlet"
    ready.gate.release(4)
    _finished(ft)
    (strip,) = (one.strip for one in ft.strips.find_strips(armature, "GENERATED"))
    assert strip.action_slot.name_display == "Hamlet"


def test_undo_and_redo_meanwhile(ft: SimpleNamespace, ready: SimpleNamespace, armature: Any) -> None:
    bpy.ops.ed.undo_push(message="With the character")
    armature.location.x = 1.0
    bpy.ops.ed.undo_push(message="Moved")
    ft.session.start(bpy.context, wait=False)
    bpy.ops.ed.undo()
    ready.gate.release(4)
    _finished(ft)
    assert len(_generated()) == 1
    assert bpy.context.scene.freetalker.character.location.x == 0.0


def test_character_undone_meanwhile(ft: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    bpy.ops.ed.undo_push(message="Empty")
    bpy.ops.freetalker.add_character("EXEC_DEFAULT", True)
    bpy.ops.freetalker.add_text_strip("EXEC_DEFAULT", True, prompt="a person waves")
    gate = threading.Event()
    monkeypatch.setattr(ft.worker, "work", lambda *_: gate.wait(20) and wild_motion(ft))
    ft.session.start(bpy.context, wait=False)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert len(bpy.data.armatures) == 0
    gate.set()
    _finished(ft)
    assert "removed" in ft.session.message().text
    assert ft.session.unplaced() is not None


def test_another_file_opened_meanwhile(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    ft.session.start(bpy.context, wait=False)
    running = ft.job.current()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert ft.job.current() is None
    ready.gate.release(4)
    running.thread.join(20)
    assert not running.thread.is_alive()
    ft.job.pump()
    assert _generated() == []
    assert "canceled" in ft.session.message().text


def test_saved_meanwhile_the_file_opens_as_if_nothing_ran(
    ft: SimpleNamespace, ready: SimpleNamespace, tmp_path: Path
) -> None:
    path = str(tmp_path / "running.blend")
    ft.session.start(bpy.context, wait=False)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert ft.job.current() is not None
    ready.gate.release(4)
    _finished(ft)
    assert len(_generated()) == 1
    bpy.ops.wm.open_mainfile(filepath=path)
    assert ft.job.current() is None
    assert _generated() == []
    assert ft.session.start(bpy.context, wait=False) is None


def test_tweak_mode_meanwhile(ft: SimpleNamespace, ready: SimpleNamespace, armature: Any) -> None:
    ft.session.start(bpy.context, wait=False)
    animation = armature.animation_data
    animation.nla_tracks[0].strips[0].select = True
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.use_tweak_mode = True
    ready.gate.release(4)
    _finished(ft)
    assert "tweak mode" in ft.session.message().text
    animation.use_tweak_mode = False
    assert bpy.ops.freetalker.place_result() == {"FINISHED"}
    assert len(_generated()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("input", "There is no model 'x'; choose from none."),
        ("other", "Generate failed: ZeroDivisionError: oh (see the console for details)."),
    ],
)
def test_errors_are_one_sentence(
    ft: SimpleNamespace, ready: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, error: str, said: str
) -> None:
    def fail(*_: Any) -> None:
        raise ft.errors.InputError(said) if error == "input" else ZeroDivisionError("oh")

    monkeypatch.setattr(ft.worker, "work", fail)
    ft.session.start(bpy.context, wait=False)
    _finished(ft)
    assert (ft.session.message().level, ft.session.message().text) == ("ERROR", said)
    assert _generated() == []
    with pytest.raises(RuntimeError, match=said[:20]):
        bpy.ops.freetalker.generate()  # without a window: at once, and the operator says it


def test_without_a_window_it_is_done_at_once(
    ft: SimpleNamespace, ready: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    ready.gate.release(4)
    assert bpy.ops.freetalker.generate() == {"FINISHED"}
    assert len(_generated()) == 1
    assert ready.asked[0][2] is threading.main_thread()
    assert "Generate:  75% Step 3 of 4" in capfd.readouterr().out


def test_new_seed_each_time(ft: SimpleNamespace, ready: SimpleNamespace) -> None:
    settings = bpy.context.scene.freetalker
    settings.seed, settings.new_seed = 2**31 - 1, True
    ready.gate.release(4)
    bpy.ops.freetalker.generate()
    assert settings.seed == 0
    assert ready.asked[0][0].seed == 0


def test_generate_is_greyed_with_the_reason(
    ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: ("torch", "librosa"))
    monkeypatch.setattr(ft.preferences, "device", lambda: "cuda")
    with pytest.raises(RuntimeError, match="packages are missing: torch, librosa"):
        bpy.ops.freetalker.generate()
    monkeypatch.setattr(ft.preferences, "device", lambda: "auto")  # which needs none of them
    with pytest.raises(RuntimeError, match="no text or speech strip"):
        bpy.ops.freetalker.generate()
    bpy.context.view_layer.objects.active = None
    bpy.context.scene.freetalker.character = None
    with pytest.raises(RuntimeError, match="There is no character"):
        bpy.ops.freetalker.generate()


def test_bake_is_greyed_without_a_result(ft: SimpleNamespace, armature: Any) -> None:
    with pytest.raises(RuntimeError, match="no generated motion yet"):
        bpy.ops.freetalker.bake_to_action()
