# SPDX-License-Identifier: GPL-3.0-or-later
"""The work itself; runs in the worker thread, so nothing here touches bpy."""

import dataclasses

from ...core.motion.clip import Motion
from ...core.motion.skeleton import neutral_skeleton
from ...core.runs import runs
from .. import job
from .memory import loaded_model
from .orders import Order


def work(order: Order, report: job.Report, cancelled: job.Cancelled) -> Motion:
    """Generate motion; runs in the worker, so it must not touch bpy."""
    report(0.0, "Loading")
    from ...core.conditions import hub
    from ...core.generate import Settings, generate
    from ...core.planning.kept import Kept

    model = loaded_model(order.timeline.model)
    settings = Settings(steps=order.steps or None, device=order.device)
    kept = None
    if order.base is not None and order.changed is not None:
        kept = Kept(order.base, order.changed, order.follow, order.moved)
    show = job.viewer()

    def on_preview(motion: Motion) -> None:
        if show is not None:
            show(between(dataclasses.replace(order, end=None), motion))  # it may not reach to the end yet

    with hub.access(order.online):
        motion = generate(
            order.timeline,
            model,
            settings,
            on_step=lambda done, total: report(done / total, f"Step {done} of {total}"),
            cancelled=cancelled,
            kept=kept,
            on_preview=None if show is None else on_preview,
        )
    return between(order, motion)


def between(order: Order, motion: Motion) -> Motion:
    """The motion from where the order says that it begins to where it says that it ends.

    Of a motion that goes on from a take, the beginning stays, and the end is led there only if it was made anew.
    """
    from ...core.postprocess.stitching import align_start, replace_frames, warp_to_endpoints

    skeleton = neutral_skeleton()
    if order.begin is not None and order.base is None:
        motion = align_start(motion, order.begin, skeleton)
    if order.end is None or (order.changed is not None and not order.changed[-1]):
        return motion
    first = 0 if order.changed is None else max(runs(order.changed)[-1][0] - 1, 0)
    part = warp_to_endpoints(motion.slice(first), motion.slice(first, first + 1), order.end, skeleton)
    return replace_frames(motion, part, first, len(motion))
