"""The reals that a discriminator compares images with when it is evaluated."""

import numpy as np

from dualcontrast.trainer import data, manifest

_SEED = 0


def fixed_references(dataset: manifest.Manifest, count: int) -> np.ndarray:
    """Returns random reals, the same ones at every call, uint8 [count, side, side, channels].

    Args:
      dataset: opened.
      count: how many; beyond the dataset's, they begin to repeat.
    """
    batches = data.image_batches(dataset, batch_size=count, seed=_SEED, start_image=0, mirror=False)
    return next(iter(batches)).numpy()
