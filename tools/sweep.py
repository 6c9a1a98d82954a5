"""Trains rows of configurations with several seeds, and says which differ.

  dualcontrast-sweep --sweep=sweep.yaml --output=sweeps/losses
  dualcontrast-sweep --sweep=sweep.yaml --output=sweeps/losses --print > commands.txt

The file says what all runs have in common, and what each row changes:

  config: demo                      # as of dualcontrast-train; a row may have its own
  data: data/scenes                 # likewise
  seeds: [0, 1, 2]
  change:                           # fields of every row
    training.total_images: 100_000
  rows:
    non_saturating: {loss: non_saturating}
    contrastive: {loss: dual_contrastive}
    hinge: {loss: hinge, penalties.r1_gamma: 10.0}
  baseline: non_saturating          # that the others are compared with; a row may have its own
  evaluate:                         # flags of dualcontrast-evaluate, of each run at its end; a row
                                    # may add some of its own
    data: data/scenes
    metrics: [fid, precision_recall]
    fake_count: 5000

Runs live in OUTPUT/ROW/seedN, with what they print in seedN.log. So many as --jobs train at a time,
seed by seed. Ctrl-C has them save and stop, and the same command goes on; a run that fails stops
none of the others. At the end there is a table: the mean over the seeds with its 95 % interval
(Student's t), and the difference from its baseline, paired by seed. A row is called better or worse
where the interval of the difference excludes zero. OUTPUT/values.csv has every value; without
`evaluate` they are those that the trainer measures (evaluation.every_images). OUTPUT/runs.csv has a
line a run: its length and time, versions, machine, operations, commands. OUTPUT/report.html has the
table, what each row generates (samples.png, the newest grids) and the commands. With --print
nothing is run: the commands are printed, a line a run, for the scheduler that you have.
"""

import os
import pathlib

from absl import flags

from dualcontrast.tools.sweeps import results, runner, sweep_file
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, files, path_flags
from dualcontrast.trainer.errors import UserError

_SWEEP = path_flags.define("sweep", None, "The YAML file with the rows and seeds.")
_OUTPUT = path_flags.define("output", None, "The folder for the runs.")
_JOBS = flags.DEFINE_integer(
    "jobs", None, "Runs at a time; by default as many as there are cores for.", lower_bound=1
)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of each run.", lower_bound=1)
_NICE = flags.DEFINE_integer(
    "nice", 10, "How far runs give way to other programs.", lower_bound=0, upper_bound=19
)
_PRINT = flags.DEFINE_bool("print", False, "Print the commands, and run nothing.")


def main(argv: list[str]) -> int:
    """Runs what the flags ask for; returns 1 if a run failed."""
    errors.no_arguments(argv)
    for flag in (_SWEEP, _OUTPUT):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing. Examples: dualcontrast-sweep --help")
    output = pathlib.Path(_OUTPUT.value)
    sweep = sweep_file.read(pathlib.Path(_SWEEP.value), output)
    if _PRINT.value:
        print("\n".join(sweep_file.shell(run) for run in sweep.runs))
        return 0
    return _go(sweep, output)


def _go(sweep: Sweep, output: pathlib.Path) -> int:
    files.make_folder(output, "--output")
    cores = len(os.sched_getaffinity(0))
    jobs = _JOBS.value or max(1, cores // _THREADS.value)
    total = sum(run.images for run in sweep.runs)
    with ProgressBar(f"{len(sweep.runs)} runs, images", total) as bar:

        def show(active: list[Run]) -> None:
            bar.show(sum(min(runner.images_of(run), run.images) for run in sweep.runs))

        failures, stopped_by = runner.run_all(
            sweep.runs, runner.Manner(jobs, _THREADS.value, _NICE.value), show
        )
    found = results.lines(sweep)
    files.write(output / "values.csv", results.as_csv(found))
    if found:
        print(results.table(found))
    for failure in failures:
        print(f"failed: {failure}")
    if stopped_by:
        print("stopped; the same command goes on")
    elif not found and not failures:
        print("nothing was measured: add evaluate to the file, or evaluation.every_images")
    from dualcontrast.tools.sweeps import records, report, samples  # which load TensorFlow

    files.write(output / "runs.csv", records.as_csv(sweep))
    picture = output / "samples.png"
    any_samples = samples.write(sweep, picture)
    report.write(sweep, found, picture if any_samples else None, output / "report.html")
    if stopped_by:
        return 128 + stopped_by
    return 1 if failures else 0


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
