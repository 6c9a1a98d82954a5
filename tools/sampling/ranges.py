"""Lists of numbers as they are written in a flag."""

import re

from dualcontrast.trainer.errors import UserError

_MOST_NUMBERS = 1_000_000


def numbers(flag: str, text: str) -> list[int]:
    """Returns the numbers of a text such as 0-63,100.

    Args:
      flag: whose value the text is.
      text: whole numbers and ranges (both ends included) with commas between.

    Raises:
      UserError: the text is anything else.
    """
    found: list[int] = []
    for word in text.split(","):
        ends = re.fullmatch(r"\s*([0-9]{1,18})(?:-([0-9]{1,18}))?\s*", word)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        if first > last:
            raise UserError(f"--{flag}={text}: {word!r} is no number and no range such as 0-63")
        if len(found) + last - first >= _MOST_NUMBERS:
            raise UserError(f"--{flag}={text}: more than {_MOST_NUMBERS:,} at once")
        found += range(first, last + 1)
    return found
