# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline to a motion: plan, sample, decode, clean."""

from collections.abc import Callable

from .model.model import Model
from .motion.clip import Motion
from .motion.skeleton import neutral_skeleton
from .planning.kept import Kept, join_kept, sampled_groups
from .planning.passes import sample_plan
from .planning.plan import Plan, Settings, make_plan
from .postprocess.clean import clean
from .sampling.noise import Floats
from .sampling.preview import Preview
from .timeline.strips import Timeline

__all__ = ["PREVIEW_SECONDS", "Cancelled", "Kept", "Settings", "generate"]

PREVIEW_SECONDS = 20.0  # of the timeline's beginning


class Cancelled(Exception):  # noqa: N818 - not an error
    """Raised by `generate` when `cancelled()` answers True."""


def generate(
    timeline: Timeline,
    model: Model,
    settings: Settings | None = None,
    on_step: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    kept: Kept | None = None,
    on_preview: Callable[[Motion], None] | None = None,
) -> Motion:
    """Generate the motion of a timeline, from time 0 to the end of its last strip, both included.

    Where text strips overlap, the one that starts later leads, and of two that start together the later in the list; so
    do speech strips. Strips for the upper body lead it alone, in the same order among themselves: root and legs follow
    what there is without them. A stretch of a second or more without any strip stands idle; in speech without text the
    text is absent. The same timeline, model, settings and device give the same bits.

    Args:
        timeline: text and speech strips, frame rate, seed and guidance scale.
        model: the weights and all that belongs to them.
        settings: how to sample; the model's own choice where not given.
        on_step: called as (done, total) before the first and after every denoising step.
        cancelled: asked at the same times.
        kept: motion of the same timeline that stands, but for the frames that it names and those beyond its end. All
            other frames keep their bits (`Kept.follow` moves those after a change). Only windows around the changed
            frames are sampled, with the frames that stay in place of the denoiser's predictions (inpainting). The path
            and the heading, which the denoiser knows as velocities alone, are then warped from the kept frame before
            each changed stretch to the kept frame after it (`postprocess.stitching`).
        on_preview: called twice with the beginning of the motion as it looks so far, at most `PREVIEW_SECONDS` of it,
            or with all of it where some is kept; see `sampling.preview.Preview`. It changes no bit of the result.

    Returns:
        Motion at timeline.fps with round(end * fps) + 1 frames: frame k is the pose at k / fps seconds. It starts above
        the origin and faces +Z.

    Raises:
        InputError: what a user can fix about sound, steps, device, or a model that does not fit.
        Cancelled: `cancelled()` answered True.
    """
    settings = settings or Settings()
    plan = make_plan(timeline, model, settings, kept)
    if plan.kept is not None and not plan.kept.changed.any():
        return plan.kept.motion.slice(0, plan.total)

    def step(done: int, total: int) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled
        if on_step is not None:
            on_step(done, total)

    def show(features: Floats) -> None:
        first = None if plan.kept is not None else round(PREVIEW_SECONDS * model.config.fps) + 1
        if on_preview is not None:
            on_preview(_decoded(plan, features[:first], settings.cleanup))

    features = sample_plan(plan, step, None if on_preview is None else Preview(show))
    return _decoded(plan, features, settings.cleanup)


def _decoded(plan: Plan, features: Floats, cleanup: bool) -> Motion:
    """The motion of normalized rows (n, K), its first n frames sampled so far, at the timeline's frame rate."""
    rows = features[: plan.frames]
    skeleton, fps, kept = neutral_skeleton(), plan.model.config.fps, plan.kept

    def decoded(stretch: range) -> Motion:
        motion = plan.model.representation.decode(rows[stretch.start : stretch.stop])
        if not cleanup:
            return motion
        # Where the upper body's segments meet there is no seam: root and legs stay as they are there.
        seams = sorted({segment.start - stretch.start for segment in plan.segments})
        return clean(motion, skeleton, seams=[seam for seam in seams if 0 < seam < len(motion)])

    if kept is None:
        return decoded(range(len(rows))).resampled(plan.fps, plan.total if len(rows) == plan.frames else None)
    groups = sampled_groups(kept.changed, plan.fps, plan.sampled, fps)
    return join_kept(kept, [(group.start / fps, decoded(group)) for group in groups], cleanup, skeleton)
