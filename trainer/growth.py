"""The growing of networks, as a function of the images seen; nothing of it is saved.

Karras et al. 2018, appendix A.1, and 2019: every side is trained for some images as it is, then the
next one fades in upon it. Batches and step sizes are those of the largest side that takes part. The
optimizers forget their moments when a side begins to fade in, and when it is there.
"""

import functools
import math
from typing import Any, NamedTuple

from dualcontrast.trainer.config import schema


class Phase(NamedTuple):
    """The sides that take part.

    Attributes:
      finest: levels of detail left out of the images at the larger side.
      coarsest: those of the other side, while it fades; else the same.
    """

    finest: int
    coarsest: int


def lod_at(config: schema.Config, images_seen: int) -> float:
    """Returns the levels of detail that are left out, once `images_seen` reals have been shown.

    0 of networks that do not grow. A fraction is the share of the coarser one of two sides.

    Args:
      config: resolved.
      images_seen: reals shown so far.
    """
    if not config.generator.grows:
        return 0.0
    growth = config.schedule.growth
    doublings = int(math.log2(config.data.resolution // growth.start_resolution))
    sides, inside = divmod(images_seen, growth.stable_images + growth.fade_images)
    share = max(0, inside - growth.stable_images) / max(1, growth.fade_images)
    return max(0.0, doublings - sides - share)


def phase_at(config: schema.Config, images_seen: int) -> Phase:
    """Returns the sides that take part, once `images_seen` reals have been shown."""
    lod = lod_at(config, images_seen)
    return Phase(math.floor(lod), math.ceil(lod))


def at(config: schema.Config, images_seen: int) -> schema.Config:
    """Returns the configuration with the batch and step sizes of an iteration.

    Args:
      config: resolved.
      images_seen: reals shown before the iteration.
    """
    if not config.generator.grows:
        return config
    return _at_side(config, config.data.resolution >> phase_at(config, images_seen).finest)


def last_start(config: schema.Config, images_seen: int) -> int:
    """Returns how many reals had been shown before the iteration that ended at `images_seen`.

    Where iterations of two sizes may have ended there, it is the larger one's.

    Args:
      config: resolved.
      images_seen: reals shown so far, more than none.
    """
    sizes = {config.training.batch_size, *config.schedule.growth.batches().values()}
    starts = sorted(images_seen - size * config.schedule.discriminator_steps for size in sizes)
    fitting = [
        start
        for start in starts
        if start >= 0 and start + at(config, start).iteration_images == images_seen
    ]
    # None of a run that was branched with another batch in the meantime.
    return fitting[0] if fitting else images_seen - at(config, images_seen - 1).iteration_images


@functools.lru_cache(maxsize=64)
def _at_side(config: schema.Config, side: int) -> schema.Config:
    growth = config.schedule.growth
    changes: dict[str, Any] = {}
    if (batch_size := growth.batch_size(side)) is not None:
        changes["training.batch_size"] = batch_size
    if (rate := growth.learning_rate(side)) is not None:
        for network in ("generator", "discriminator"):
            changes[f"schedule.{network}.learning_rate"] = rate
    return schema.replace(config, changes)
