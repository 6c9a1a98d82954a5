"""What the experiments of ContraD share (Jeong and Shin 2021).

Source: the paper's appendix and its program. All discriminators have the program's two-layer head,
those of the baselines too; their projections, which nothing trains, are not made. DiffAugment is
colour and cutout, as in the program, where the table says translation and cutout. Departs from the
program: the fakes of StyleGAN2's two steps are drawn apart, and the checkpoint with the best FID is
not chosen; for that there is --config.evaluation.every_images.
"""

import dataclasses
import difflib
from typing import Any, Optional

from dualcontrast.configs.paper import contrad_rows
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

_WARMUP_STEPS = 3000


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a system is trained on a dataset.

    Attributes:
      resolution: of the images.
      batches: images of a step, of the rows without views and of those with views.
      steps: of the generator, and of the discriminator.
      rows: that the program has for this dataset.
      views: fields that the rows with views have besides, by path.
    """

    resolution: int
    batches: tuple[int, int]
    steps: int
    rows: tuple[str, ...] = tuple(contrad_rows.ROWS)
    views: dict[str, Any] = dataclasses.field(default_factory=dict)


def experiment(system: Config, settings: dict[str, Setting], argument: Optional[str]) -> Config:
    """A row of the tables, on one of their datasets or on images of one's own.

    Args:
      system: the architecture's, without an augmentation.
      settings: by dataset; the first one is for images of one's own.
      argument: of `--config=SYSTEM:ROW_DATASET` or SYSTEM:ROW; None for contrad.

    Raises:
      UserError: there is no such row or dataset.
    """
    row, _, dataset = (argument or "contrad").partition("_")
    setting = settings.get(dataset or next(iter(settings)))
    if setting is None or row not in setting.rows:
        raise _unknown(argument or "", settings)
    views = row in contrad_rows.WITH_VIEWS
    batch = setting.batches[views]
    warmup = _WARMUP_STEPS * batch if views else 0
    changes: dict[str, Any] = {
        "training.batch_size": batch,
        "training.total_images": setting.steps * batch,
        "schedule.generator.warmup_images": warmup,
        "schedule.discriminator.warmup_images": warmup,
    }
    if dataset:
        changes |= {"data.resolution": setting.resolution, "data.channels": 3}
    return schema.replace(
        system, changes | contrad_rows.ROWS[row] | (setting.views if views else {})
    )


def _unknown(argument: str, settings: dict[str, Setting]) -> UserError:
    """Returns the complaint, which suggests the nearest."""
    known = [f"{row}_{name}" for name, setting in settings.items() for row in setting.rows]
    near = difflib.get_close_matches(argument, known, n=1)
    hint = f": did you mean {near[0]}?" if near else "."
    of_each = "; ".join(f"{name}: {', '.join(setting.rows)}" for name, setting in settings.items())
    return UserError(
        f"ContraD's experiments have no {argument!r}{hint}\n"
        f"Expected ROW or ROW_DATASET, where the rows are {of_each}."
    )
