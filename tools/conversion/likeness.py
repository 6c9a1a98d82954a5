"""Which images of a dataset look alike: the difference hash, small enough to keep for each.

The image is made grey and 9x8 pixels large; a bit says of each pixel whether the one to its right
is brighter. Other sizes, qualities and light changes of brightness mostly leave the 64 bits as they
are. Mirror images and crops have others, and all images of one flat colour have the same.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

_SIZE = (9, 8)
DIGITS = 16
NONE = "-" * DIGITS  # In place of the hash of an image that was rejected.


def difference_hash(image: np.ndarray) -> str:
    """Returns the hash of an image, uint8 [height, width, channels], as 16 hexadecimal digits."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small = np.asarray(picture.convert("L").resize(_SIZE, Image.Resampling.BOX))
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def groups(names: Sequence[str], hashes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Returns the images that share their hash with others: name, hash, first name of the group.

    Args:
      names: of the images.
      hashes: of each, or `NONE`.
    """
    _, group, sizes = np.unique(np.array(hashes), return_inverse=True, return_counts=True)
    shared = [n for n in np.flatnonzero(sizes[group] > 1).tolist() if hashes[n] != NONE]
    firsts: dict[str, str] = {}
    for place in sorted(shared, key=lambda n: names[n]):
        firsts.setdefault(hashes[place], names[place])
    rows = ((names[n], hashes[n], firsts[hashes[n]]) for n in shared)
    return sorted(rows, key=lambda row: (row[2], row[0]))
