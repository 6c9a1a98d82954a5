"""What to type next, where an error of the configuration says so, and where that would be false.

The checks of a configuration end with what to change, as in "...: try --config.loss.scale=1". That
is true of a command that trains, and of a new run: a run that exists keeps most of its fields.
"""

import pathlib
import re
from collections.abc import Mapping

from dualcontrast.trainer.config.field import Field
from dualcontrast.trainer.errors import UserError

_ADVICE = re.compile(r"[:;,]? *(or )?(try --config\.|did you mean |--help_config ).*")
_FIELD = re.compile(r"--config\.([a-z_0-9.]+)=")


def left_out(text: str) -> str:
    """Returns an error's text without its advice, for a command that has no flags to follow it."""
    return _ADVICE.sub("", text)


def of_run(error: UserError, workdir: pathlib.Path, fields: Mapping[str, list[Field]]) -> UserError:
    """Returns an error of a configuration, with advice that the run in a folder would not refuse.

    Args:
      error: as it would be of a new run.
      workdir: of the command, which may hold a run.
      fields: all that there are, by path.
    """
    text = str(error)
    advised = [path for path in _FIELD.findall(text) if path in fields]
    kept = [path for path in advised if not any(field.resumable for field in fields[path])]
    if not kept or not _has_checkpoint(workdir):
        return error
    return UserError(
        f"{left_out(text)}.\nThe run in {workdir} keeps its {' and '.join(kept)}: start it as it"
        f" began, or branch it: --init_from={workdir} --full --workdir=ANOTHER"
    )


def _has_checkpoint(workdir: pathlib.Path) -> bool:
    """Whether the folder holds a run; without TensorFlow, for which errors do not wait."""
    return any((workdir / "checkpoints").glob("images-*.index"))
