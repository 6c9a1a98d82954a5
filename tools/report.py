"""Writes a run, or several side by side, as one HTML file that needs no network.

  dualcontrast-report --run=RUN --output=report.html
  dualcontrast-report --run=RUN --data=DATASET --output=report.html
  dualcontrast-report --run=runs/ours --run=runs/baseline --output=comparison.html

The file holds the configuration and its difference from the base, curves, picture grids over time
with a slider, the metrics of dualcontrast-evaluate with their error bars, attention maps (pictures
in RUN/attention), what the run was trained on and where. A run that is still training can be
reported as it is. --data names the dataset of a run, for the origin of its images.

Pictures take at most 14 MB (19 MB as text): of more than 40 grids of a run, 40 are shown, and where
they are still too many, they are made smaller. The page says so.
"""

import pathlib

from dualcontrast.trainer import errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError

_RUNS = path_flags.define_multi(
    "run", None, "A run's folder; give it again to compare.", required=True, may_have_scheme=True
)
_OUTPUT = path_flags.define("output", "report.html", "The file to write.")
_DATA = path_flags.define_multi(
    "data", [], "The dataset of a run, for the data card.", may_have_scheme=True
)

MOST_RUNS = 8  # So many colours can be told apart.


def main(argv: list[str]) -> None:
    """Writes the report that the flags ask for."""
    errors.no_arguments(argv)
    check_flags()
    tensorflow_start.start()
    from dualcontrast.tools.report_page import page

    print(page.write(_RUNS.value, _DATA.value, pathlib.Path(_OUTPUT.value)))


def check_flags() -> None:
    """Checks what can be checked before a run is read.

    Raises:
      UserError: there are too many runs or one is none, or the output is a folder.
    """
    if len(_RUNS.value) > MOST_RUNS:
        raise UserError(
            f"--run was given {len(_RUNS.value)} times: at most {MOST_RUNS} fit on a page"
        )
    if pathlib.Path(_OUTPUT.value).is_dir():
        raise UserError(
            f"--output={_OUTPUT.value} is a folder, expected a file such as report.html"
        )
    for folder in map(locations.of, _RUNS.value):
        if not folder.is_dir():
            raise UserError(f"--run={folder}: there is no such folder, expected a training run")
        run_path.check(folder)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
