# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs long work in a worker thread that never touches bpy, and delivers the outcome from a timer.

Only one job runs at a time. Its state is kept in this module, never in a saved property. In `blender -b`, where timers
do not fire, `run` does the work in the caller's thread.
"""

import atexit
import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.errors import InputError
from .translations import tr

Report = Callable[[float, str], None]
Cancelled = Callable[[], bool]
Work = Callable[[Report, Cancelled], object]
_TICK_SECONDS = 0.1
_EXIT_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a result, with an error in one sentence, or cancelled."""

    result: Any = None
    error: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class _Preview:
    """An intermediate result that the worker publishes."""

    content: object


@dataclass
class Job:
    """A running job.

    Args:
        title: Shown in the interface.
        work: Called as `work(report, cancelled)` in the worker thread.
        done: Called as `done(outcome)` in Blender's main thread.
        of_file: Whether the job concerns the open file and is abandoned when another one is opened.
        progress: Share of the work that is done, 0 to 1.
        step: What the work is doing now.
        preview: The last intermediate result, see `preview_callback`.
        started: Monotonic time in seconds at which progress began, after loading.
    """

    title: str
    work: Work
    done: Callable[[Outcome], None]
    of_file: bool = True
    progress: float = 0.0
    step: str = ""
    preview: Any = None
    started: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)
    events: "queue.SimpleQueue[tuple[float, str] | _Preview | Outcome]" = field(default_factory=queue.SimpleQueue)
    thread: threading.Thread | None = None

    @property
    def seconds_left(self) -> float | None:
        """Estimated time left in seconds; None until 5 % are done."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.progress) / self.progress if self.progress > 0.05 else None

    @property
    def status(self) -> str:
        """Text of the progress bar."""
        if self.stop.is_set():
            return "Canceling"
        left = self.seconds_left
        return f"{self.step or self.title}" + ("" if left is None else f", {_clock(left)} left")


_current: Job | None = None
_stopping: list[threading.Thread] = []  # threads of cancelled jobs that have not reached their next step yet


def current() -> Job | None:
    """Return the running job, or None."""
    return _current


def preview_callback() -> Callable[[object], None] | None:
    """Return a function that publishes an intermediate result of the job that runs in the calling thread.

    Returns:
        None in any other thread than the worker of the current job, where nothing would show the result.
    """
    job = _current
    if job is None or job.thread is not threading.current_thread():
        return None
    return lambda content: job.events.put(_Preview(content))


def disabled_reason() -> str:
    """Return why no other job can start now; empty if one can."""
    if _current is None:
        return ""
    return tr("'{title}' is running; wait for it to finish or cancel it").format(title=tr(_current.title))


def start(
    title: str,
    work: Work,
    done: Callable[[Outcome], None],
    of_file: bool = True,
) -> None:
    """Start work in a thread; a Blender timer calls `done` when it has ended.

    Args:
        title, work, done, of_file: See `Job`.

    Raises:
        InputError: Another job is running.
    """
    global _current  # noqa: PLW0603 - one job at a time is the module's purpose
    if _current is not None:
        raise InputError(f"{disabled_reason()}.")
    job = _current = Job(title, work, done, of_file)
    job.thread = threading.Thread(target=_work, args=(job,), name="FreeTalker", daemon=True)
    job.thread.start()
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_SECONDS, persistent=True)


def run(title: str, work: Work) -> Outcome:
    """Do work in the calling thread and print its progress to the console."""
    job = Job(title, work, lambda _: None)
    printed = ""

    def report(share: float, step: str) -> None:
        nonlocal printed
        line = f"{title}: {share:4.0%} {step}"
        if line != printed:
            print(line, flush=True)
            printed = line

    return _outcome(job, report)


def cancel() -> None:
    """Cancel the running job.

    A job of the open file ends at the next timer tick, while its thread continues to its next step.
    """
    if _current is not None:
        _current.stop.set()
        _redraw()


def pump() -> bool:
    """Process the worker's events and finish the job if it has ended.

    Returns:
        Whether a job is still running.
    """
    global _current  # noqa: PLW0603
    job = _current
    if job is None:
        return False
    if job.stop.is_set() and job.of_file:
        abandon()
        _redraw()
        return _current is not None
    while True:
        try:
            event = job.events.get_nowait()
        except queue.Empty:
            break
        if isinstance(event, Outcome):
            _current = None  # before `done`, which may start the next job
            job.done(Outcome(cancelled=True) if job.stop.is_set() else event)
            break
        if isinstance(event, _Preview):
            job.preview = event.content
            continue
        job.progress, job.step = event
        if not job.progress:
            job.started = time.monotonic()
    _redraw()
    return _current is not None


def abandon(seconds: float = 0.0) -> None:
    """Cancel the running job and discard its outcome.

    Args:
        seconds: How long to wait for its thread, and those of jobs cancelled before, to end.
    """
    global _current
    job, _current = _current, None
    if job is not None:
        job.stop.set()
        if job.thread is not None:
            _stopping.append(job.thread)
    end = time.monotonic() + seconds
    for thread in _stopping:
        thread.join(max(0.0, end - time.monotonic()))
    _stopping[:] = [thread for thread in _stopping if thread.is_alive()]
    if job is not None:
        job.done(Outcome(cancelled=True))


def _work(job: Job) -> None:
    job.events.put(_outcome(job, lambda share, step: job.events.put((share, step))))


def _outcome(job: Job, report: Report) -> Outcome:
    try:
        return Outcome(result=job.work(report, job.stop.is_set))
    except InputError as error:
        return Outcome(error=str(error))
    except Exception as error:
        if job.stop.is_set():
            return Outcome(cancelled=True)
        traceback.print_exc()
        return Outcome(error=f"{job.title} failed: {type(error).__name__}: {error} (see the console for details).")


def _tick() -> float | None:
    return _TICK_SECONDS if pump() else None


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _redraw() -> None:
    manager: bpy.types.WindowManager | None = getattr(bpy.context, "window_manager", None)
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "NLA_EDITOR", "PREFERENCES"}:
                area.tag_redraw()


@persistent
def _load_pre(*_: object) -> None:
    if _current is not None and _current.of_file:
        abandon()


def _exit(*_: object) -> None:
    abandon(_EXIT_SECONDS)


def register() -> None:
    """Abandon a running job when a file is loaded and when Blender exits."""
    bpy.app.handlers.load_pre.append(_load_pre)
    atexit.register(_exit)


def unregister() -> None:
    """Abandon the running job and remove the handlers and the timer."""
    abandon(_EXIT_SECONDS)
    atexit.unregister(_exit)
    bpy.app.handlers.load_pre.remove(_load_pre)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
