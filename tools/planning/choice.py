"""A line of a plan."""

from typing import Any, NamedTuple


class Choice(NamedTuple):
    """Fields of a configuration that have one reason.

    Attributes:
      why: one line, which becomes the comment above the fields.
      fields: values by path, as `schema.replace` takes them.
    """

    why: str
    fields: dict[str, Any]


def changes(choices: list[Choice]) -> dict[str, Any]:
    """Returns all fields of some choices."""
    return {path: value for choice in choices for path, value in choice.fields.items()}
