"""What the experiments of ContraD's tables share (Jeong and Shin 2021): CIFAR-10 and CIFAR-100.

Source: the paper's appendix and its program. All discriminators have the program's two-layer head,
those of the baselines too; their projections, which nothing trains, are not made. DiffAugment is
colour and cutout, as in the program, where the table says translation and cutout. Departs from the
program: the fakes of StyleGAN2's two steps are drawn apart, and the checkpoint with the best FID is
not chosen; for that there is --config.evaluation.every_images.
"""

import difflib
from typing import Any, Optional

from dualcontrast.configs.paper import contrad_rows
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

DATASETS = ("cifar10", "cifar100")
_WARMUP_STEPS = 3000


def experiment(
    system: Config, batches: tuple[int, int], steps: int, argument: Optional[str]
) -> Config:
    """A row of the tables, on one of their datasets or on images of one's own.

    Args:
      system: the architecture's, without an augmentation.
      batches: images of a step, of the rows without views and of those with views.
      steps: of the generator, and of the discriminator.
      argument: of `--config=SYSTEM:ROW_DATASET` or SYSTEM:ROW; None for contrad.

    Raises:
      UserError: there is no such row or dataset.
    """
    row, _, dataset = (argument or "contrad").partition("_")
    if row not in contrad_rows.ROWS or (dataset or DATASETS[0]) not in DATASETS:
        raise _unknown(argument or "")
    views = row in contrad_rows.WITH_VIEWS
    batch = batches[views]
    warmup = _WARMUP_STEPS * batch if views else 0
    changes: dict[str, Any] = {
        "training.batch_size": batch,
        "training.total_images": steps * batch,
        "schedule.generator.warmup_images": warmup,
        "schedule.discriminator.warmup_images": warmup,
    }
    if dataset:
        changes |= {"data.resolution": 32, "data.channels": 3}
    return schema.replace(system, changes | contrad_rows.ROWS[row])


def _unknown(argument: str) -> UserError:
    """Returns the complaint, which suggests the nearest."""
    known = [f"{row}_{name}" for row in contrad_rows.ROWS for name in DATASETS]
    near = difflib.get_close_matches(argument, known, n=1)
    hint = f": did you mean {near[0]}?" if near else "."
    return UserError(
        f"ContraD's tables have no {argument!r}{hint}\n"
        f"Expected {', '.join(contrad_rows.ROWS)}, alone or with {' or '.join(DATASETS)} after a _."
    )
