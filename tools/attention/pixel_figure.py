"""The figure of a discriminator that judges pixels: images, and how real it takes each pixel."""

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.attention.attention_figure import Row
from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer.features import discriminator as discriminator_features


def rows_of(
    generator: networks.Generator,
    discriminator: networks.Discriminator,
    seeds: list[int],
    truncation_psi: float,
    reals: np.ndarray | None,
    group: int,
) -> tuple[list[Row], list[dict]]:
    """Returns a row a seed, and the means of each row's pictures.

    Beside an image is a grey picture of sigmoid(logit) of every pixel: white is real, black is
    fake, as in the paper's figure 1 (Schonfeld et al. 2020).

    Args:
      generator: with averaged weights.
      discriminator: that judges pixels.
      seeds: of the rows, those of `dualcontrast-generate`, with the fixed noise.
      truncation_psi: 1: all the variety; 0: the mean image.
      reals: uint8 [rows, resolution, resolution, channels]; None for none.
      group: images that have a say in each other's logits, a divisor of the rows.
    """
    sampler = samplers.Sampler(generator, truncation_psi, random_noise=False)
    labels = sampler.labels(seeds)
    shown = {"generated": np.stack(list(sampler.from_seeds(seeds)))}
    if reals is not None:
        shown["real"] = reals
    beside = {name: _judged(discriminator, shown[name], labels, group) for name in shown}
    rows, records = [], []
    for number, seed in enumerate(seeds):
        pairs = [(shown[name][number], _grey(beside[name][number])) for name in shown]
        rows.append(Row([panel for pair in pairs for panel in pair], [], []))
        means = {name: float(values[number].mean()) for name, values in beside.items()}
        records.append({"seed": seed, **means})
    return rows, records


def _judged(
    discriminator: networks.Discriminator,
    images: np.ndarray,
    labels: np.ndarray | None,
    group: int,
) -> np.ndarray:
    """Returns how real each pixel is taken to be, [rows, resolution, resolution] from 0 to 1.

    A group at a time: alone, an image would be one of a batch without any deviation.
    """
    found = np.empty(images.shape[:3], np.float32)
    for first in range(len(images) // group):
        rows = slice(first, None, len(images) // group)
        of_rows = None if labels is None else labels[rows]
        batch = networks.Batch(discriminator_features.to_float(images[rows]), of_rows)
        found[rows] = tf.sigmoid(discriminator.outputs(batch).pixel_logits)
    return found


def _grey(values: np.ndarray) -> np.ndarray:
    return (255 * values[..., None]).round().astype(np.uint8)
