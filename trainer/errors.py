"""The one kind of error that a user causes, and how the binaries show it."""

import logging as standard_logging
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

from dualcontrast.trainer import console, interruption
from dualcontrast.trainer.config import suggestions

_MEND = "Mend that, then run the same command again."
_FIELD = "config."
# Where in a graph TensorFlow met an error.
_OPERATION = re.compile(r"\{\{[^}]*\}\} | \[Op:\w+\]")


class UserError(ValueError):
    """A mistake that the user can mend.

    The text is what the user sees, so it names the thing, what was received, what was expected, and
    what to type next, in one or two lines.
    """


class LostHost(Exception):
    """Another host of the run is gone, so that this one cannot go on. The text is one line."""


def run(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Runs an absl `main` and exits: 0 when done, 2 for a user's mistake, 130 for an interruption.

    3 is for a host that is gone, without which this one cannot go on.

    Args:
      main: receives the positional arguments (program name first), returns an exit code or None.
    """
    console.outlive_readers()
    interruption.as_exception()
    try:
        app.run(lambda argv: _call(main, argv), flags_parser=lambda argv: _parse(main, argv))
    except KeyboardInterrupt:
        sys.exit(interruption.EXIT_CODE)
    sys.exit(0)


def _call(main: Callable[[list[str]], int | None], argv: list[str]) -> int | None:
    logging.set_verbosity(logging.WARNING)  # TensorFlow's Python side is chatty through absl
    _show_own_log()
    try:
        _check_variables()
        return main(argv)
    except Exception as error:
        if interruption.noted():  # which a library may have turned into another exception
            return interruption.EXIT_CODE
        if isinstance(error, UserError):
            return fail(str(error))
        if isinstance(error, LostHost):
            # At once: TensorFlow's own way out waits for the lost host.
            code = fail(str(error), 3)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        if isinstance(error, OSError) and error.strerror:
            # Of the machine, not of ours; trainer/files.py says more wherever it can.
            place = f"{error.filename}: " if error.filename else ""
            return fail(f"{place}{error.strerror}.\n{_MEND}")
        raise
    finally:
        interruption.at_once()


def _check_variables() -> None:
    # Which needs this module.
    from dualcontrast.trainer import variables

    variables.check_own()


def _show_own_log() -> None:
    """Shows what this project logs, such as that it compiles its operations, as plain lines."""
    log = standard_logging.getLogger("dualcontrast")
    log.addHandler(standard_logging.StreamHandler())
    log.setLevel(standard_logging.INFO)
    log.propagate = False


def _parse(main: Callable, argv: list[str]) -> list[str]:
    if any(word.lstrip("-") in ("help", "helpshort") for word in argv[1:]):
        print(_help(main))
        sys.exit(0)
    try:
        return flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        sys.exit(fail(_unknown_flag(error.flagname)))
    except (flags.Error, UserError) as error:
        sys.exit(fail(str(error)))


def _help(main: Callable) -> str:
    """The docstring and the flags of the module of `main`.

    absl would show those of the script that called it, which pip wrote and which has none.
    """
    module = main.__module__
    owner = sys.argv[0] if module == "__main__" else module  # absl's name for the module run
    return f"{sys.modules[module].__doc__}\nFlags:\n{flags.FLAGS.module_help(owner)}"


def _unknown_flag(name: str) -> str:
    # absl suggests every flag that starts alike, which for --conf are all fields of the config.
    fields = [flag.removeprefix(_FIELD) for flag in flags.FLAGS if flag.startswith(_FIELD)]
    if name.startswith(_FIELD) and fields:
        path = name.removeprefix(_FIELD)
        return f"unknown config field {path}: {suggestions.for_field(path, fields)}"
    own = [flag for flag in flags.FLAGS if not flag.startswith(_FIELD) and not _is_absls(flag)]
    hint = suggestions.for_flag(name, own, fields) or "--help lists the flags"
    return f"unknown flag --{name}: {hint}"


def _is_absls(flag: str) -> bool:
    return flags.FLAGS.find_module_defining_flag(flag, "").startswith("absl.")


def fail(message: str, code: int = 2) -> int:
    """Prints `PROGRAM: error: message` on standard error and returns the exit code."""
    program = sys.argv[0].rsplit("/", 1)[-1]
    print(f"{program}: error: {message}", file=sys.stderr)
    return code


def first_line(error: BaseException) -> str:
    """Returns what an error says, in one line of at most 200 characters."""
    text = str(error).strip() or type(error).__name__
    line = _OPERATION.sub("", text.splitlines()[0])
    # TensorFlow puts paths first and the reason last.
    return line if len(line) <= 200 else f"{line[:60]} ... {line[-135:]}"


def no_arguments(argv: list[str]) -> None:
    """Refuses words that are no flags, which absl hands on without a word.

    Raises:
      UserError: there are some.
    """
    if len(argv) > 1:
        raise UserError(f"unexpected {argv[1]!r}: options are written --name=value; see --help")
