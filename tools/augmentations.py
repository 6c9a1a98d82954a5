"""Draws what every augmentation does to an image of a dataset: a contact sheet, to look at.

  dualcontrast-augmentations --data=data/photos --output=sheet.png

A row is an augmentation, and its first picture the image as it is. In the rows of single changes
every random number goes from its least to its greatest, from left to right; what has several at
once, such as a crop, is random. In the rows of whole augmentations all is random, and changes that
are made of some images only are made of some: they are what a discriminator is shown. Another
image, and other numbers:

  dualcontrast-augmentations --data=data/photos --output=sheet.png --seed=7 --columns=12

docs/augmentations.md says which lines of a configuration switch them on.
"""

import pathlib

from absl import flags

from dualcontrast.trainer import errors, path_flags, tensorflow_start
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

_DATA = path_flags.define(
    "data", None, "The dataset of the image.", required=True, may_have_scheme=True
)
_OUTPUT = path_flags.define("output", None, "The PNG file to write.", required=True)
_COLUMNS = flags.DEFINE_integer(
    "columns", 8, "Changed images in a row.", lower_bound=2, upper_bound=32
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of the image and the random numbers.", lower_bound=0, upper_bound=2**30
)


def main(argv: list[str]) -> None:
    """Draws the sheet that the flags ask for."""
    errors.no_arguments(argv)
    output = pathlib.Path(_OUTPUT.value)
    if output.is_dir() or output.suffix.lower() != ".png":
        what = "is a folder" if output.is_dir() else "is no PNG"
        raise UserError(f"--output={output} {what}, expected a file such as sheet.png")
    dataset = manifest.open_dataset(_DATA.value)
    tensorflow_start.start()
    from dualcontrast.tools.contact_sheet import sheet

    rows = sheet.write(dataset, output, _COLUMNS.value, _SEED.value)
    print(f"{output} with {rows} rows of {_COLUMNS.value + 1} pictures")


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
