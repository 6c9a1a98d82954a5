"""What all networks with these normalisations do in training."""

from dualcontrast.layers import networks, spectral_normalisation


class Generator(networks.Generator):
    """A generator with batch normalisation; `call` takes `training` and `track` as its layers."""

    def images(self, inputs):
        """Returns the images of training, by the moments of their batch."""
        return self(**inputs, training=True)

    def update_statistics(self, inputs):
        """Moves the kept moments by a batch, in the steps of either network as in SNGAN."""
        self(**inputs, training=True, track=True)


class Discriminator(networks.Discriminator):
    """A discriminator with spectral normalisation; `call` takes `iterations` as its layers."""

    def compare(self, reals, fakes, references, judge_reals):
        """Returns the outputs of reals, None if they are not judged, and of fakes.

        Reals and fakes are passes of their own, the fakes' the last one.
        """
        of_reals = self.outputs(reals) if judge_reals else None
        iterations = 2 if judge_reals else 1
        return of_reals, self.outputs(fakes, iterations=iterations)

    def update_statistics(self, passes: int):
        """Moves every u by an iteration for each pass."""
        spectral_normalisation.update_statistics(self, passes)


def check_channels(channels: int) -> None:
    """Raises ValueError for images that no dataset has."""
    if channels not in (1, 3, 4):
        raise ValueError(f"channels must be 1, 3 or 4, got {channels}")


def image_shape(network: networks.Discriminator, given) -> tuple:
    """Returns the shape of the images that a network judges.

    Raises:
      ValueError: another one was given.
    """
    shape = (None, network.resolution, network.resolution, network.channels)
    if given is not None and tuple(given[1:]) != shape[1:]:
        raise ValueError(
            f"Discriminator: images must be [batch, {network.resolution}, {network.resolution}, "
            f"{network.channels}], got {list(given)}"
        )
    return shape


def check_dcgan(resolution: int, channels: int, width: int) -> None:
    """Raises ValueError if a convolutional network cannot be made."""
    if resolution < 8 or resolution % 8:
        raise ValueError(f"resolution must be a multiple of 8, got {resolution}")
    check_channels(channels)
    if width < 1:
        raise ValueError(f"width must be >= 1, got {width}")
