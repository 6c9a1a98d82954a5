"""The classes that a user asks for with --class, by name or by number."""

import difflib
import re
from collections.abc import Sequence

from dualcontrast.trainer.errors import UserError

_SHOWN = 5


def find(text: str, names: Sequence[str], owner: str, flag: str = "class") -> list[int]:
    """Returns the numbers of the classes of --class.

    Args:
      text: a class, or several with commas between. A number, from 0, is a name where a class has
        that name; a name with a comma stands alone.
      names: of the owner's classes, in the order of their numbers; none without labels.
      owner: as in "the run RUN".
      flag: that the text is of.

    Raises:
      UserError: the owner has no classes, or not this one.
    """
    if not names:
        raise UserError(f"--{flag}={text}: {owner} was trained without labels: drop the flag")
    words = [text] if text in names else [word.strip() for word in text.split(",")]
    return [_number(word, text, names, owner, flag) for word in words]


def one(
    text: str | None, names: Sequence[str], owner: str, purpose: str, flag: str = "class"
) -> int | None:
    """Returns the number of the one class of --class; None for an owner without classes.

    Args:
      text: of the flag; None where it was not given.
      names, owner: see `find`.
      purpose: what one class is needed for, as in "the picture's".
      flag: that the text is of.

    Raises:
      UserError: there is no such class, more than one is given, or none of an owner that has some.
    """
    if text is None and not names:
        return None
    if text is None:
        count = f"{len(names)} class{'es' if len(names) > 1 else ''}"
        raise UserError(
            f"{owner} has {count}: give one, {purpose}, with --{flag}=NAME or its number"
        )
    found = find(text, names, owner, flag)
    if len(found) > 1:
        raise UserError(f"--{flag}={text}: expected one class, {purpose}")
    return found[0]


def listed(names: Sequence[str]) -> str:
    """Returns the first of the names, and how many there are besides."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def _number(word: str, text: str, names: Sequence[str], owner: str, flag: str) -> int:
    if word in names:
        return names.index(word)
    is_number = re.fullmatch("[0-9]{1,9}", word) is not None
    if is_number and int(word) < len(names):
        return int(word)
    known = {name.lower(): repr(name) for name in names}
    near = [] if is_number else difflib.get_close_matches(word.lower(), known)
    meant = " or ".join(known[name] for name in near)
    hint = f"did you mean {meant}?" if near else f"it has {listed(names)}"
    raise UserError(
        f"--{flag}={text}: {owner} has no class {word!r}: {hint}\n"
        f"A class is given by its name or its number, 0 to {len(names) - 1}."
    )
