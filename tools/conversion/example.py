"""From the bytes of one image file to its record: the one function that all runners call."""

from typing import NamedTuple

from dualcontrast.tools.conversion import encoding, likeness, pixels
from dualcontrast.trainer.data import records


class Example(NamedTuple):
    """An image of a dataset.

    Attributes:
      record: framed, as it is in a shard.
      note: what is to be said about the image, mostly nothing.
      likeness: its difference hash.
    """

    record: bytes
    note: str
    likeness: str


def make(
    content: bytes, name: str, label: int | None, rules: pixels.Rules, encoded: str
) -> Example:
    """Returns the record of an image file.

    Args:
      content: of the file.
      name: of the image, for people.
      label: the number of its class, None without classes.
      rules: how it becomes like the others.
      encoded: "png" or "jpeg".

    Raises:
      Rejected: it cannot be used.
    """
    image, note = pixels.convert_noted(content, rules)
    encoded_image = encoding.encode(image, encoded)
    payload = records.encode_example(encoded_image, name.encode("utf-8", "surrogateescape"), label)
    return Example(records.frame(payload), note, likeness.difference_hash(image))
