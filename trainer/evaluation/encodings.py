"""How images were encoded before they came here, which alone can decide a distance.

A lossy encoding takes away what the eye does not see, and a network does: the same images as JPEG
of quality 75 and as PNG have a Frechet distance that many a generator would be proud of.
"""

import io
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

# Sum over the luminance table of the JPEG standard, annex K.1, that libraries scale by the quality.
_STANDARD_SUM = 3688
_LOSSY = ("jpeg", "webp", "avif", "tiff of jpeg")
# Shares and qualities that are as good as equal.
_SHARE, _QUALITY = 0.05, 4.0


def of_file(content: bytes) -> str:
    """Returns the encoding of an image that can be read, as in "png" or "jpeg 75"."""
    with Image.open(io.BytesIO(content)) as image:
        name = image.format.lower()
        if isinstance(image, JpegImagePlugin.JpegImageFile):  # also one with several pictures
            return f"jpeg {_quality(image.quantization[min(image.quantization)])}"
        if name == "webp" and b"VP8L" in content[:64]:
            return "lossless webp"
        if name == "tiff" and "jpeg" in str(image.info.get("compression")):
            return "tiff of jpeg"
        return name


def warning(reals: dict[str, Any], fakes: dict[str, Any]) -> str:
    """Returns why the encodings keep two sets from being compared, empty for nothing.

    Args:
      reals, fakes: protocols of the sets; of a set that does not say how it was encoded, nothing is
        said here either.
    """
    known = [_counts(protocol) for protocol in (reals, fakes)]
    if None in known:
        return ""
    (share, quality), (other_share, other_quality) = map(_loss, known)
    if abs(share - other_share) <= _SHARE:
        both = share > _SHARE and quality and other_quality
        if not both or abs(quality - other_quality) <= _QUALITY:
            return ""
    return (
        f"the reals are {_words(known[0])}, the fakes {_words(known[1])}: compression alone moves"
        " the value; encode both alike"
    )


def _counts(protocol: dict[str, Any]) -> dict[str, int] | None:
    """Returns the images of a set by their encoding, None where that is not known."""
    if "encodings" in protocol:
        return protocol["encodings"]
    if "encoding" in protocol:
        return {protocol["encoding"]: protocol["count"]}
    drawn = protocol.get("kind") in ("generator", "saved_model")
    return {"not encoded": protocol["count"]} if drawn else None


def _loss(counts: dict[str, int]) -> tuple[float, float | None]:
    """Returns the share of a set that lost something, and the mean quality of its JPEG images."""
    lossy = {name: count for name, count in counts.items() if name.startswith(_LOSSY)}
    graded = {name: count for name, count in lossy.items() if name[-1].isdigit()}
    total = sum(graded.values())
    quality = sum(int(name.split()[-1]) * count for name, count in graded.items()) / max(total, 1)
    return sum(lossy.values()) / max(sum(counts.values()), 1), quality if total else None


def _words(counts: dict[str, int]) -> str:
    """Names the encodings, the most frequent first, and how many more there are."""
    names = sorted(counts, key=counts.get, reverse=True)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name.replace("jpeg ", "jpeg of quality ") for name in names[:3]) + more


def _quality(table: list[int]) -> int:
    """Returns the quality, 1 to 100, that scales the standard's table to one like this."""
    scale = 100 * float(np.sum(table)) / _STANDARD_SUM
    return round(max(1.0, (200 - scale) / 2 if scale <= 100 else 5000 / scale))
