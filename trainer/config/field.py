"""One field of a configuration: how it is declared, what it accepts, and how it is described."""

import dataclasses
import math
import operator
import typing
from typing import Any, Optional

_COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def setting(
    default: Any,
    help: str,
    *,
    least: Optional[float] = None,
    above: Optional[float] = None,
    most: Optional[float] = None,
    below: Optional[float] = None,
    choices: tuple = (),
    resumable: bool = False,
) -> Any:
    """A dataclass field with its documentation.

    Args:
      default: its value when nobody says otherwise.
      help: what it means, with its unit; shown by `--help_config`.
      least, above, most, below: the numbers allowed (>=, >, <=, <).
      choices: the values allowed, when they are few.
      resumable: whether a run may be continued with another value.
    """
    limits = {">=": least, ">": above, "<=": most, "<": below}
    limits = {sign: limit for sign, limit in limits.items() if limit is not None}
    metadata = {"help": help, "limits": limits, "choices": choices, "resumable": resumable}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Field:
    """A `setting` in its place.

    Attributes:
      path: where it is in the tree, such as training.seed.
      type: int, float, bool, str, or Optional of one of them.
      default, help, limits, choices, resumable: what `setting` was told; limits by their sign.
    """

    path: str
    type: Any
    default: Any
    help: str
    limits: dict[str, float]
    choices: tuple
    resumable: bool

    @property
    def optional(self) -> bool:
        """Whether the field may be None."""
        return type(None) in typing.get_args(self.type)

    @property
    def value_type(self) -> type:
        """The type of a value that is not None."""
        return typing.get_args(self.type)[0] if self.optional else self.type

    def expected(self) -> str:
        """The values allowed, in words: `a whole number >= 1`."""
        limits = " and ".join(f"{sign} {limit}" for sign, limit in self.limits.items())
        words = [str(choice) for choice in self.choices]
        words = words or [f"{_TYPE_NAMES[self.value_type]} {limits}".rstrip()]
        words += ["none"] if self.optional else []
        return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

    def fits(self, value: Any) -> bool:
        """Whether the field may be `value`; what it says together with others is not looked at."""
        if value is None:
            return self.optional
        if not _has_type(value, self.value_type) or (self.choices and value not in self.choices):
            return False
        return all(_COMPARE[sign](value, limit) for sign, limit in self.limits.items())


def _has_type(value: Any, wanted: type) -> bool:
    if wanted is float:  # r1_gamma=100 in a config file is as good as 100.0
        return type(value) in (int, float) and abs(value) < math.inf
    return type(value) is wanted  # not isinstance: True is no batch size
