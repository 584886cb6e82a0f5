# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution of orders in the worker thread; nothing here touches bpy."""

import dataclasses

from ...core.motion.clip import Motion
from ...core.motion.skeleton import neutral_skeleton
from ...core.runs import runs
from .. import job
from .memory import loaded_model
from .orders import Order


def work(order: Order, report: job.Report, cancelled: job.Cancelled) -> Motion:
    """Generate the motion of an order.

    Args:
        order: Prepared by `orders.for_this_computer`.
        report: Receives the share that is done and the current step.
        cancelled: Asked before each step.

    Raises:
        InputError: The model or a recording cannot be used.
    """
    report(0.0, "Loading")
    from ...core.conditions import hub
    from ...core.generate import Settings, generate
    from ...core.planning.kept import Kept

    model = loaded_model(order.timeline.model, order.device)
    settings = Settings(steps=order.steps or None, device=order.device)
    kept = None
    if order.base is not None and order.changed is not None:
        kept = Kept(order.base, order.changed, order.follow, order.legs_changed)
    show = job.preview_callback()

    def on_preview(motion: Motion) -> None:
        if show is not None:
            show(fit_ends(dataclasses.replace(order, end=None), motion))  # it may not reach the end yet

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
    return fit_ends(order, motion)


def fit_ends(order: Order, motion: Motion) -> Motion:
    """Fit motion to the poses before and after it that the order gives.

    If motion was regenerated in part, its beginning stays, and its end is fitted only if it was regenerated.
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
