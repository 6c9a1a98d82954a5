"""The flags that every tool has which works on a trained generator.

A tool shows them in its own help with `flags.adopt_module_key_flags(run_flags)`.
"""

from dualcontrast.trainer import locations, path_flags
from dualcontrast.trainer.checkpoints import run_path

RUN = path_flags.define(
    "run",
    None,
    "The run's folder, for its newest checkpoint, or one checkpoint.",
    required=True,
    may_have_scheme=True,
)
OUTPUT = path_flags.define("output", None, "The folder to write to.", required=True)


def check_run() -> None:
    """Checks that --run can be one.

    Raises:
      UserError: it is something else, or nothing.
    """
    run_path.check(locations.of(RUN.value))
