"""Draws where a trained network's attention looks: images with dots, and for every dot a map.

Of the generator (OUTPUT/generator.png, a row a seed), as in the paper's figures; in RUN/attention
dualcontrast-report finds the pictures:

  dualcontrast-attention-maps --run=RUN --output=RUN/attention
  dualcontrast-attention-maps --run=RUN/best/images-200000 --output=OUTPUT --seeds=7,11-13

The dots are on an object, on the background and on a boundary, or where you say, as shares of the
image's width and height from its upper left corner:

  dualcontrast-attention-maps --run=RUN --output=OUTPUT --seeds=7 --dots="0.5,0.3;0.1,0.9"

Of the discriminator too (OUTPUT/discriminator.png), where it attends: real images, as many as
seeds, with the references that they are compared with. The first seed draws them:

  dualcontrast-attention-maps --run=RUN --data=DATA --output=OUTPUT

Of a U-Net's discriminator (OUTPUT/pixels.png) how real it takes every pixel of generated images to
be, and with --data of real ones: white is real, black is fake. On StyleGAN2's networks it judges
groups of images, as in training of four: then ask for a multiple of four seeds.

Layers of the kinds san, sagan, dfn and vt are drawn in every family, the last one of a network. Of
a run with labels every seed has its own class, that of dualcontrast-generate.

OUTPUT/attention.json says what was drawn, and how far and how evenly each dot attends.
"""

import math
import pathlib

from absl import flags

from dualcontrast.tools.attention import dots
from dualcontrast.tools.attention.dots import Dot
from dualcontrast.tools.sampling import ranges, run_flags
from dualcontrast.trainer import errors, path_flags, tensorflow_start
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(run_flags)
_SEEDS = flags.DEFINE_string("seeds", "0-3", "Numbers and ranges, such as 0-3,7: a row each.")
_PSI = flags.DEFINE_float("truncation_psi", 1.0, "1: all the variety; 0: the mean image.")
_DOTS = flags.DEFINE_string("dots", None, "x,y;x,y from 0 to 1; they are chosen otherwise.")
_REFLECTIONS = flags.DEFINE_bool(
    "reflections",
    False,
    "SAN, DFN: show weights beyond a reflecting border too, where it reflects them to. The places"
    " near a border then look brighter wherever the network looks.",
)
_DATA = path_flags.define(
    "data", None, "The dataset that the discriminator is shown.", may_have_scheme=True
)

_MOST_ROWS = 64


def main(argv: list[str]) -> None:
    """Draws what the flags ask for."""
    errors.no_arguments(argv)
    seeds, given = check_flags()
    dataset = None if _DATA.value is None else manifest.open_dataset(_DATA.value)
    tensorflow_start.start()
    from dualcontrast.tools.attention import figures

    found = figures.of_run(
        run_flags.RUN.value,
        dataset,
        figures.Look(seeds, given, _PSI.value, _REFLECTIONS.value),
        pathlib.Path(run_flags.OUTPUT.value),
    )
    for line in found:
        print(line)


def check_flags() -> tuple[list[int], list[Dot] | None]:
    """Returns the seeds, and the dots where they are given.

    Raises:
      UserError: a flag is wrong.
    """
    seeds = ranges.numbers("seeds", _SEEDS.value)
    if len(seeds) > _MOST_ROWS:
        raise UserError(f"--seeds={_SEEDS.value}: {len(seeds)} rows, expected at most {_MOST_ROWS}")
    if not math.isfinite(_PSI.value):
        raise UserError(f"--truncation_psi={_PSI.value}: expected a number, such as 0.7")
    run_flags.check_run()
    return seeds, None if _DOTS.value is None else dots.parse("dots", _DOTS.value)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
