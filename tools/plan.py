"""Plans a run: writes a configuration for a dataset and this machine, with a reason in every line.

  dualcontrast-plan --data=data/photos
  dualcontrast-plan --data=data/photos --hours=12 --measure --output=photos.py

The file is what dualcontrast-train takes as --config, and is yours to change. The number of images,
their size and their classes decide batch, widths, loss, augmentation, R1 and rates; the memory
decides in how many parts a batch is computed; whether images are mirrored is decided by a look at
2,000 of them. With --hours the length of the run follows from the rate at which it trains: by
--measure that of some iterations, which takes a minute or more, otherwise a guess. Nothing else is
tried: the numbers and their sources are in tools/planning/numbers.py.
"""

import pathlib

from absl import flags

from dualcontrast.tools.planning import numbers
from dualcontrast.trainer import errors, files, locations, path_flags, tensorflow_start
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

_DATA = path_flags.define("data", None, "The dataset's folder.", may_have_scheme=True)
_OUTPUT = path_flags.define("output", "plan.py", "The file to write, which must not exist.")
_HOURS = flags.DEFINE_float("hours", None, "That training may take.", lower_bound=0)
_MEMORY = flags.DEFINE_float(
    "memory_gib",
    None,
    "Memory of each GPU, or without one of the machine, in GiB; by default what there is.",
    lower_bound=0,
)
_MEASURE = flags.DEFINE_bool(
    "measure", False, "Measure how fast it trains here, in some iterations."
)


def main(argv: list[str]) -> None:
    """Writes the plan that the flags ask for, and prints what to type."""
    errors.no_arguments(argv)
    if not _DATA.value:
        raise UserError("--data is missing: expected a folder of dualcontrast-convert; see --help")
    output, data = pathlib.Path(_OUTPUT.value), locations.of(_DATA.value)
    _check_output(output)
    dataset = manifest.open_dataset(data)
    _check_count(dataset)
    tensorflow_start.start()
    from dualcontrast.tools.planning import plan_file, planner, situation

    machine = situation.this_machine(_MEMORY.value)
    plan = planner.make(dataset, machine, _HOURS.value, _MEASURE.value)
    files.write(output, plan_file.text(plan, output, data))
    print(f"{output}: {dataset.count:,} images, {machine}")
    print(plan_file.cost(plan), "", *plan_file.commands(plan, output, data), sep="\n")


def _check_output(output: pathlib.Path) -> None:
    """Checks that the file can be written, and then be read as a configuration.

    Raises:
      UserError: it cannot.
    """
    if output.suffix != ".py":
        raise UserError(f"--output={output} is no Python file, expected one such as plan.py")
    if output.exists():
        raise UserError(f"--output={output} exists already: name another file, or move it away")
    if not output.parent.is_dir():
        raise UserError(f"--output={output}: there is no folder {output.parent}, make it first")


def _check_count(dataset: manifest.Manifest) -> None:
    if dataset.count < numbers.LEAST_IMAGES:
        raise UserError(
            f"{dataset.folder} has {dataset.count} images, expected {numbers.LEAST_IMAGES} at least"
            " to learn from: convert more, or start from a run: dualcontrast-train --init_from"
        )


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
