"""Checks every byte of a dataset: sizes, checksums, labels, and that each image can be decoded.

  dualcontrast-verify data/photos

The first damage is named by shard, record and byte, and the exit code is then 2. Training checks
only that the shards are there and have their sizes.
"""

from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, path_flags
from dualcontrast.trainer.data import dataset_damage, manifest
from dualcontrast.trainer.errors import UserError


def main(argv: list[str]) -> None:
    """Checks the dataset that is named on the command line."""
    if len(argv) != 2:
        raise UserError("Give one dataset folder: dualcontrast-verify data/photos")
    dataset = manifest.open_dataset(path_flags.expand(argv[1]))
    with ProgressBar("records", dataset.count) as bar:
        found = dataset_damage.find(dataset, bar.show)
    if found:
        raise UserError(found)
    classes = f" of {len(dataset.classes):,} classes" if dataset.classes else ""
    print(
        f"{dataset.folder} is sound: {dataset.count:,} images{classes} in"
        f" {len(dataset.shards)} shards."
    )


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
