"""What all networks with these normalisations do in training."""

import keras

from dualcontrast.layers import head, networks, spectral_normalisation
from dualcontrast.layers.spectral_normalisation import SpectralNormalization


class Generator(networks.Generator):
    """A generator with batch normalisation; `call` takes `training` and `track` as its layers.

    It is the composition of `first`, of z, and of `rest`, which takes what `call` takes besides.

    Args:
      latent: how z is drawn: "normal", or "uniform" from -1 to 1.
    """

    def __init__(self, latent: str = "normal", **kwargs):
        super().__init__(**kwargs)
        if latent not in ("normal", "uniform"):
            raise ValueError(f"latent must be normal or uniform, got {latent!r}")
        self.latent = latent

    def images(self, inputs):
        """Returns the images of training, by the moments of their batch."""
        return self(**inputs, training=True)

    def features(self, inputs):
        """Returns what the first layer makes of z."""
        return self.first(inputs["z"])

    def images_of(self, features, inputs):
        """Returns the images of training, by the moments that these features bring about."""
        others = {name: x for name, x in inputs.items() if name != "z"}
        return self.rest(features, **others, training=True)

    def get_config(self):
        return {**super().get_config(), "latent": self.latent}

    def update_statistics(self, inputs):
        """Moves the kept moments by a batch, in the steps of either network as in SNGAN."""
        self(**inputs, training=True, track=True)


class Discriminator(networks.Discriminator):
    """A discriminator with spectral normalisation; `call` takes `iterations` as its layers.

    Args:
      head_width: units of the hidden layer between features and logits; None where a dense layer
        makes logits of features.
      projection_size: of ContraD's projections, which need a hidden layer; 0 for none.
    """

    def __init__(self, head_width: int | None = None, projection_size: int = 0, **kwargs):
        super().__init__(**kwargs)
        head.check(head_width, projection_size)
        self.head_width = head_width
        self.projection_size = projection_size

    def build_heads(
        self, width: int, deviation: float | None = None, linear: keras.layers.Layer | None = None
    ) -> None:
        """Makes what comes after the features.

        Args:
          width: of the features.
          deviation: of the first weights, see `Head`.
          linear: the dense layer from features to logits, with spectral normalisation; None for
            one with these first weights.
        """

        # In the variables' float32 under mixed precision: logits feed exponentials.
        def mlp(units: int, name: str, classes: int = 0) -> head.Head:
            return head.Head(
                units,
                self.head_width,
                True,
                deviation,
                classes,
                name=name,
                dtype=self.variable_dtype,
            )

        if self.head_width is not None:
            self.logit = mlp(1, "logit", self.classes)
        elif linear is not None:
            self.logit = linear
        else:
            dense = keras.layers.Dense(1, **head.first_weights(width, deviation))
            self.logit = SpectralNormalization(dense, name="logit", dtype=self.variable_dtype)
        if self.projection_size:
            self.projections = [
                mlp(self.projection_size, f"projection_of_{name}") for name in ("reals", "fakes")
            ]
        for layer in (self.logit, *self.projections):
            layer.build((None, width))

    # There are no references, so that labels come second.
    def call(self, images, labels=None, iterations: int = 1):  # type: ignore[override]
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          labels: [batch] int, where there are classes.
          iterations: see `SpectralNormalization`.
        """
        return self.outputs(networks.Batch(images, labels), iterations=iterations).logits

    def logits_of(self, features, labels=None, iterations: int = 1):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          features: from `features`.
          labels: [batch] int, where there are classes.
          iterations: see `SpectralNormalization`.
        """
        networks.check_labels(self, self.classes, labels)
        of_classes = {"labels": labels} if self.classes else {}
        return self.logit(features, **of_classes, iterations=iterations)[:, 0]

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

    def get_config(self):
        return {
            **super().get_config(),
            "head_width": self.head_width,
            "projection_size": self.projection_size,
        }


def check_channels(channels: int) -> None:
    """Raises ValueError for images that no dataset has."""
    if channels not in (1, 3, 4):
        raise ValueError(f"channels must be 1, 3 or 4, got {channels}")


def check_dcgan(resolution: int, channels: int, width: int) -> None:
    """Raises ValueError if a convolutional network cannot be made."""
    if resolution < 8 or resolution % 8:
        raise ValueError(f"resolution must be a multiple of 8, got {resolution}")
    check_channels(channels)
    if width < 1:
        raise ValueError(f"width must be >= 1, got {width}")
