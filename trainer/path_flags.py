"""Flags that hold paths: of every command, and all of one kind.

`~` stands for the home folder as it does in a shell, which expands it at the start of a word only
and so not in --dest=~/data. A scheme, as in gs://BUCKET/FOLDER, is refused where a flag is for
files of this machine: else a folder of that name would be made here, and nobody would find it.
"""

import os

from absl import flags

from dualcontrast.trainer import locations

# Flags belong to the module that calls `define`, which shows them in its help.
flags.disclaim_key_flags()


class _PathParser(flags.ArgumentParser):
    """What was typed, with `~` and `~user` expanded where there is such a user."""

    def __init__(self, may_have_scheme: bool):
        self._may_have_scheme = may_have_scheme

    def parse(self, argument: str) -> str:
        if not self._may_have_scheme and (scheme := locations.scheme_of(argument)):
            raise ValueError(
                f"{scheme}:// is not for this flag, which names files of this machine.\n"
                "Give a local path, and copy from or to there with the tools of that storage."
            )
        return expand(argument)

    def flag_type(self) -> str:
        return "path"


def expand(path: str) -> str:
    """Returns a path as the shell would have handed it on; ./~ is a file of that name."""
    return os.path.expanduser(path)


def define(
    name: str,
    default: str | None,
    description: str,
    required: bool = False,
    flag_values: flags.FlagValues = flags.FLAGS,
    may_have_scheme: bool = False,
) -> flags.FlagHolder:
    """Defines a flag that holds a path, or a word in place of one; with a scheme where it may."""
    return flags.DEFINE(
        _PathParser(may_have_scheme),
        name,
        default,
        description,
        flag_values=flag_values,
        serializer=flags.ArgumentSerializer(),
        required=required,
    )


def define_multi(
    name: str,
    default: list[str] | None,
    description: str,
    required: bool = False,
    may_have_scheme: bool = False,
) -> flags.FlagHolder:
    """Defines a flag that holds a list of paths, one for each time it is given."""
    return flags.DEFINE_multi(
        _PathParser(may_have_scheme),
        flags.ArgumentSerializer(),
        name,
        default,
        description,
        required=required,
    )
