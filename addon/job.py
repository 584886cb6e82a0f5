# SPDX-License-Identifier: GPL-3.0-or-later
"""The one runner of long work: a worker thread that never touches bpy, and a timer that brings its outcome home.

Only one job runs at a time. Its state is this module's, never a saved property. In `blender -b`, where timers do not
fire, the work is done at once in the caller's thread.
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

Report = Callable[[float, str], None]
Cancelled = Callable[[], bool]
_TICK_SECONDS = 0.1
_EXIT_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a result, an error in one sentence, or cancelled."""

    result: Any = None
    error: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class _Glimpse:
    """What can be seen of a result that is not there yet."""

    seen: Any


@dataclass
class Job:
    """Work under way. `work(report, cancelled)` runs in the worker; `done(outcome)` in Blender's main thread.

    of_file: whether it is about the open file, and ends when another is opened. seen: what the work showed last, by
    `viewer`, of its result. started: when it began to be counted, which loading is not.
    """

    title: str
    work: Callable[[Report, Cancelled], Any]
    done: Callable[[Outcome], None]
    of_file: bool = True
    progress: float = 0.0
    step: str = ""
    seen: Any = None
    started: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)
    news: "queue.SimpleQueue[tuple[float, str] | _Glimpse | Outcome]" = field(default_factory=queue.SimpleQueue)
    thread: threading.Thread | None = None

    @property
    def seconds_left(self) -> float | None:
        """By the share that is done, once enough is to tell."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.progress) / self.progress if self.progress > 0.05 else None

    @property
    def line(self) -> str:
        """What the progress bar says."""
        if self.stop.is_set():
            return "Canceling"
        left = self.seconds_left
        return f"{self.step or self.title}" + ("" if left is None else f", {_clock(left)} left")


_current: Job | None = None
_leaving: list[threading.Thread] = []  # of jobs that were canceled, on their way to their next step


def current() -> Job | None:
    """The job that runs, if one does."""
    return _current


def viewer() -> Callable[[Any], None] | None:
    """How the job whose worker asks can show what there is of its result; None in any other thread: nobody looks."""
    job = _current
    if job is None or job.thread is not threading.current_thread():
        return None
    return lambda seen: job.news.put(_Glimpse(seen))


def disabled_reason() -> str:
    """Why no other job can start now."""
    return "" if _current is None else f"'{_current.title}' is running: wait for it or cancel it"


def start(
    title: str,
    work: Callable[[Report, Cancelled], Any],
    done: Callable[[Outcome], None],
    of_file: bool = True,
) -> None:
    """Begin work in a thread; `done` is called from Blender's timer. Raises InputError while another job runs."""
    global _current  # noqa: PLW0603 - one job at a time is the module's purpose
    if _current is not None:
        raise InputError(f"{disabled_reason()}.")
    job = _current = Job(title, work, done, of_file)
    job.thread = threading.Thread(target=_work, args=(job,), name="FreeTalker", daemon=True)
    job.thread.start()
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_SECONDS, persistent=True)


def run(title: str, work: Callable[[Report, Cancelled], Any]) -> Outcome:
    """Do work here and now, with its progress on the console."""
    job = Job(title, work, lambda _: None)
    said = ""

    def report(share: float, step: str) -> None:
        nonlocal said
        line = f"{title}: {share:4.0%} {step}"
        if line != said:
            print(line, flush=True)
            said = line

    return _outcome(job, report)


def cancel() -> None:
    """Stop the running job. One about the file ends at the next tick, while its thread runs on to its next step."""
    if _current is not None:
        _current.stop.set()
        _redraw()


def pump() -> bool:
    """Take in the worker's news, and finish the job where it has ended; whether one still runs."""
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
            news = job.news.get_nowait()
        except queue.Empty:
            break
        if isinstance(news, Outcome):
            _current = None  # before `done`, which may begin the next job
            job.done(Outcome(cancelled=True) if job.stop.is_set() else news)
            break
        if isinstance(news, _Glimpse):
            job.seen = news.seen
            continue
        job.progress, job.step = news
        if not job.progress:
            job.started = time.monotonic()
    _redraw()
    return _current is not None


def abandon(seconds: float = 0.0) -> None:
    """Cancel the job without its outcome, and wait up to `seconds` for its thread and those of earlier ones to end."""
    global _current
    job, _current = _current, None
    if job is not None:
        job.stop.set()
        if job.thread is not None:
            _leaving.append(job.thread)
    end = time.monotonic() + seconds
    for thread in _leaving:
        thread.join(max(0.0, end - time.monotonic()))
    _leaving[:] = [thread for thread in _leaving if thread.is_alive()]
    if job is not None:
        job.done(Outcome(cancelled=True))


def _work(job: Job) -> None:
    job.news.put(_outcome(job, lambda share, step: job.news.put((share, step))))


def _outcome(job: Job, report: Report) -> Outcome:
    try:
        return Outcome(result=job.work(report, job.stop.is_set))
    except InputError as error:
        return Outcome(error=str(error))
    except Exception as error:
        if job.stop.is_set():
            return Outcome(cancelled=True)
        traceback.print_exc()
        return Outcome(error=f"{job.title} failed: {type(error).__name__}: {error} (the console has the details).")


def _tick() -> float | None:
    return _TICK_SECONDS if pump() else None


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _redraw() -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "NLA_EDITOR", "PREFERENCES"}:
                area.tag_redraw()


@persistent
def _load_pre(*_: Any) -> None:
    if _current is not None and _current.of_file:
        abandon()


def _exit(*_: Any) -> None:
    abandon(_EXIT_SECONDS)


def register() -> None:
    bpy.app.handlers.load_pre.append(_load_pre)
    atexit.register(_exit)


def unregister() -> None:
    abandon(_EXIT_SECONDS)
    atexit.unregister(_exit)
    bpy.app.handlers.load_pre.remove(_load_pre)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
