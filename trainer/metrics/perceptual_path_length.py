"""The perceptual path length: how much an image changes on a short step between latents."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables

# The side at which images are compared; larger ones are averaged down by a whole factor.
_SIDE = 256


def estimate(
    generate: Callable[[np.ndarray, int], np.ndarray],
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    latent_size: int,
    latent: str = "normal",
    mapping: Callable[[np.ndarray, int], np.ndarray] | None = None,
    sampling: Literal["full", "end"] = "full",
    crop: bool = False,
    pairs: int = 50_000,
    batch_size: int = 8,
    epsilon: float = 1e-4,
    seed: int = 0,
) -> estimates.Estimate:
    """Returns the mean of distance / epsilon^2 without its lowest and highest percent.

    Karras et al. 2019, section 4.1. With a mapping the path is a straight line in w, without one a
    great circle in z, of unit vectors: generators that normalise their z are measured as published.
    Where z is uniform there is no great circle, and the path is a straight line in z.

    Args:
      generate: (latents, batch) -> images [batch, height, width, channels] in [-1, 1]; latents are
        what `mapping` returns, or z [batch, latent_size] float64. Both ends of a step are asked for
        with the same number of the batch, and must have the same noise maps and labels.
      distance: (images, images) -> [batch], such as LPIPS: it grows with the square of a step.
      latent_size: of z.
      latent: how z is drawn, see `networks.Generator`.
      mapping: (z, batch) -> w, [batch, ...]; None for the path in z.
      sampling: steps anywhere on the path ("full"), or at its beginning only ("end").
      crop: compares the region of an aligned face only: rows 3/8 to 7/8, columns 2/8 to 6/8.
      pairs: of images.
      batch_size: pairs in a batch.
      epsilon: length of a step; the whole path is 1.
      seed: of the latents and places.

    Raises:
      UserError: an argument out of range, or distances that are not finite or not one a pair.
    """
    if min(latent_size, pairs, batch_size) < 1 or not epsilon > 0:
        raise UserError(
            f"latent_size {latent_size}, {pairs} pairs, batch {batch_size}, epsilon {epsilon}: "
            "expected all above 0"
        )
    if sampling not in ("full", "end"):
        raise UserError(f"sampling {sampling!r}: expected 'full' or 'end'")
    draw = np.random.default_rng(seed)
    found = []
    for batch, first in enumerate(range(0, pairs, batch_size)):
        # Whole batches are drawn and the last one cut, so that more pairs begin with the same ones.
        z = _latents(draw, [2, batch_size, latent_size], latent)
        place = draw.uniform(size=batch_size) if sampling == "full" else np.zeros(batch_size)
        count = min(batch_size, pairs - first)
        start, end, path = _path(z[:, :count], latent, mapping, batch)
        ends = [path(start, end, at) for at in (place[:count], place[:count] + epsilon)]
        images = [compared(generate(end, batch), crop) for end in ends]
        found.append(tables.checked_values(distance(*images), "distances", count))
    where = f"{'z' if mapping is None else 'w'} {sampling}{', cropped' if crop else ''}"
    return _summary(np.concatenate(found) / epsilon**2, where)


def trimmed(values: np.ndarray) -> np.ndarray:
    """Returns the values [n] from the 1st to the 99th percentile, both included."""
    lowest = np.percentile(values, 1, method="lower")
    highest = np.percentile(values, 99, method="higher")
    return values[(lowest <= values) & (values <= highest)]


def slerp(start: np.ndarray, end: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Returns points on the great circles from `start` to `end`, [batch, size], of length 1.

    Args:
      start: [batch, size], not zero.
      end: [batch, size], not zero.
      place: [batch], 0 for the direction of `start`, 1 for that of `end`.
    """
    start, end = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (start, end))
    cosine = np.sum(start * end, axis=-1, keepdims=True)
    across = end - cosine * start
    length = np.linalg.norm(across, axis=-1, keepdims=True)
    # The same direction twice has no circle: the step across is zero then, whatever divides it.
    across = across / np.where(length > 0, length, 1)
    angle = np.asarray(place)[..., None] * np.arctan2(length, cosine)
    return np.cos(angle) * start + np.sin(angle) * across


def lerp(start: np.ndarray, end: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Returns points on the straight lines from `start` to `end`, [batch, ...].

    Args:
      start: [batch, ...].
      end: [batch, ...].
      place: [batch], 0 for `start`, 1 for `end`.
    """
    place = np.reshape(place, [-1] + [1] * (np.ndim(start) - 1))
    return start + (end - start) * place


def compared(images: np.ndarray, crop: bool) -> np.ndarray:
    """Returns the part of images that is compared, at most 511 pixels wide.

    Sides of 512 and more are averaged down. Where images are cropped, the side after the crop
    counts, as in StyleGAN2; StyleGAN2-ADA takes the one before.

    Args:
      images: [batch, height, width, channels] float.
      crop: cuts out rows 3/8 to 7/8 and columns 2/8 to 6/8.
    """
    images = np.asarray(images)
    if crop:
        eighth = images.shape[1] // 8
        images = images[:, 3 * eighth : 7 * eighth, 2 * eighth : 6 * eighth]
    batch, height, width, channels = images.shape
    factor = height // _SIDE
    if factor < 2:
        return images
    boxes = images.reshape(batch, height // factor, factor, width // factor, factor, channels)
    return boxes.mean(axis=(2, 4))


def _latents(draw: np.random.Generator, shape: list[int], latent: str) -> np.ndarray:
    return draw.uniform(-1, 1, shape) if latent == "uniform" else draw.standard_normal(shape)


def _path(
    z: np.ndarray, latent: str, mapping: Callable | None, batch: int
) -> tuple[np.ndarray, np.ndarray, Callable]:
    """Returns the latents of both ends of the paths, and the function of a place between them."""
    if mapping is None:
        return z[0], z[1], lerp if latent == "uniform" else slerp
    start, end = (np.asarray(mapping(x, batch), np.float64) for x in z)
    return start, end, lerp


def _summary(values: np.ndarray, where: str) -> estimates.Estimate:
    kept = trimmed(values)
    warning = ""
    if len(values) < 1000:
        warning = f"{len(values)} pairs: single steps weigh heavily; published values have 50,000"
    return estimates.Estimate(
        value=float(kept.mean()),
        deviation=estimates.standard_error(kept),
        method=f"{where}: mean of the 1st to 99th percentile and its standard error",
        fakes=len(values),
        warning=warning,
    )
