"""Flags that hold paths: of every command, and all of one kind.

`~` stands for the home folder as it does in a shell, which expands it at the start of a word only
and so not in --dest=~/data.
"""

import os

from absl import flags

# Flags belong to the module that calls `define`, which shows them in its help.
flags.disclaim_key_flags()


class _PathParser(flags.ArgumentParser):
    """What was typed, with `~` and `~user` expanded where there is such a user."""

    def parse(self, argument: str) -> str:
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
) -> flags.FlagHolder:
    """Defines a flag that holds a path, or a word or URL in place of one."""
    return flags.DEFINE(
        _PathParser(),
        name,
        default,
        description,
        flag_values=flag_values,
        serializer=flags.ArgumentSerializer(),
        required=required,
    )


def define_multi(
    name: str, default: list[str] | None, description: str, required: bool = False
) -> flags.FlagHolder:
    """Defines a flag that holds a list of paths, one for each time it is given."""
    return flags.DEFINE_multi(
        _PathParser(),
        flags.ArgumentSerializer(),
        name,
        default,
        description,
        required=required,
    )
