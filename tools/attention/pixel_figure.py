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
    """
    sampler = samplers.Sampler(generator, truncation_psi, random_noise=False)
    rows, records = [], []
    for number, seed in enumerate(seeds):
        labels = sampler.labels([seed])
        shown = {"generated": next(sampler.from_seeds([seed]))}
        if reals is not None:
            shown["real"] = reals[number]
        beside = {name: _judged(discriminator, image, labels) for name, image in shown.items()}
        images = [panel for name in shown for panel in (shown[name], _grey(beside[name]))]
        rows.append(Row(images, [], []))
        means = {name: float(values.mean()) for name, values in beside.items()}
        records.append({"seed": seed, **means})
    return rows, records


def _judged(discriminator: networks.Discriminator, image: np.ndarray, labels) -> np.ndarray:
    """Returns how real each pixel is taken to be, [resolution, resolution] from 0 to 1."""
    batch = networks.Batch(discriminator_features.to_float(image[None]), labels)
    return tf.sigmoid(discriminator.outputs(batch).pixel_logits)[0].numpy()


def _grey(values: np.ndarray) -> np.ndarray:
    return (255 * values[..., None]).round().astype(np.uint8)
