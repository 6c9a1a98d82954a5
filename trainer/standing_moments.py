"""Moments of generated images in place of those that batch normalisation kept in training."""

from collections.abc import Iterator

from dualcontrast.layers import batch_normalisation, networks
from dualcontrast.trainer import draws
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError

_MOST = 64  # images of a batch: it is run on one device, perhaps a small one


def take(generator: networks.Generator, config: schema.Config, batches: int) -> None:
    """Gives a generator the plain mean of the moments of some batches (Brock et al. 2019, 4.1).

    Each batch is normalised by its own moments, with z and uniform classes of its own, which are
    the same every time. It has as many images as a batch of the generator's in training, 64 at
    most.

    Args:
      generator: built, in float32.
      config: of its run, resolved.
      batches: how many; 0 leaves the kept moments as they are.

    Raises:
      UserError: the generator keeps no moments.
    """
    if not batches:
        return
    norms = list(_norms(generator))
    if not norms:
        raise UserError(
            f"--standing_batches={batches}: generators of the family {config.generator.family}"
            " keep no moments: drop the flag"
        )
    decays = [norm.decay for norm in norms]
    size = min(config.generator_batch_size, _MOST)
    for number in range(batches):
        for norm in norms:
            norm.decay = number / (number + 1)
        drawn = draws.Draws(config.training.seed, number, draws.Purpose.STANDING, size)
        generator(**generator.draw(drawn), training=True, track=True)
    for norm, decay in zip(norms, decays):
        norm.decay = decay


def _norms(generator: networks.Generator) -> Iterator[batch_normalisation.Moments]:
    for layer in generator._flatten_layers():
        if isinstance(layer, batch_normalisation.Moments):
            yield layer
