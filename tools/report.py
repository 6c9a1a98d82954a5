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

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

from absl import flags

from dualcontrast.tools.report_page import page
from dualcontrast.trainer import errors

_RUNS = flags.DEFINE_multi_string(
    "run", None, "A run's folder; give it again to compare.", required=True
)
_OUTPUT = flags.DEFINE_string("output", "report.html", "The file to write.")
_DATA = flags.DEFINE_multi_string("data", [], "The dataset of a run, for the data card.")


def main(argv: list[str]) -> None:
    """Writes the report that the flags ask for."""
    errors.no_arguments(argv)
    print(page.write(_RUNS.value, _DATA.value, pathlib.Path(_OUTPUT.value)))


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
