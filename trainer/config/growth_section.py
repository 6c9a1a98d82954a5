"""How networks that grow go from small images to those of the dataset."""

import dataclasses
from typing import Callable, Optional

from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class GrowthConfig:
    """Growing (Karras et al. 2018): of networks that grow alone."""

    start_resolution: int = setting(8, "side of the images at first, a power of two", least=4)
    stable_images: int = setting(
        600_000, "images that are seen at every side before the next one fades in", least=1
    )
    fade_images: int = setting(600_000, "images that a side fades in for (0: at once)", least=0)
    batch_sizes: str = setting(
        "",
        "SIDE:IMAGES of a batch up to that side, such as 8:256,16:128 (larger sides, and none"
        " given: training.batch_size)",
    )
    learning_rates: str = setting(
        "",
        "SIDE:STEP of both networks up to that side, such as 64:0.001,128:0.0015 (larger sides,"
        " and none given: learning_rate)",
    )

    def batches(self) -> dict[int, int]:
        """Returns the images of a batch by side."""
        return self._table("batch_sizes", int)

    def rates(self) -> dict[int, float]:
        """Returns the step sizes of both networks by side."""
        return self._table("learning_rates", float)

    def batch_size(self, side: int) -> Optional[int]:
        """Returns the images of a batch at a side; None for training.batch_size."""
        return _upto(side, self.batches())

    def learning_rate(self, side: int) -> Optional[float]:
        """Returns the step size of both networks at a side; None for what they have at last."""
        return _upto(side, self.rates())

    def _table(self, name: str, kind: Callable) -> dict:
        """Returns the values of a field by side.

        Raises:
          UserError: the text is not pairs of numbers above zero.
        """
        text = getattr(self, name)
        try:
            pairs = [pair.split(":") for pair in text.split(",") if text]
            table = {int(side): kind(value) for side, value in pairs}
        except ValueError:
            table = {0: 0}
        if any(not (side > 0 and 0 < value < float("inf")) for side, value in table.items()):
            example = "8:256,16:128" if kind is int else "64:0.001,128:0.0015"
            raise UserError(
                f"config field schedule.growth.{name}: got {text!r}, expected sides and values"
                f" above 0, such as {example}"
            )
        return table


def _upto(side: int, table: dict):
    """Returns the value of the smallest side in a table that is no smaller; None beyond them."""
    sides = [known for known in table if known >= side]
    return table[min(sides)] if sides else None
