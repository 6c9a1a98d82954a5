"""From the layers' latents to an image, which may grow."""

from typing import Any

import keras
import tensorflow as tf

from dualcontrast.layers.stylegan import convolution, levels, synthesis_layer
from dualcontrast.layers.stylegan2 import feature_maps


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANSynthesisNetwork")
class SynthesisNetwork(keras.layers.Layer):
    """StyleGAN's synthesis network: a trained 4x4 constant, ones at first, and two layers a side.

    Karras et al. 2019, figure 1b. The layers at 2^k take latents 2k - 4 and 2k - 3; at 4x4 the
    first one styles the constant itself.

    One that grows has an output at every resolution, and `lod`, the levels of detail left out: at
    lod 2 the image of a quarter of the side, at 1.25 a quarter of that and three of the next.

    >>> network = SynthesisNetwork(16, fmap_base=64, fmap_max=8)
    >>> network(tf.zeros([2, network.latents, 32])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max: widths, see `feature_maps`.
      growing: whether it grows.

    Attributes:
      lod: a scalar variable; None of one that does not grow.
      stage: lod without its fraction, where a pass may take that for granted and leave out what
        has no part in it; None where lod may be anything.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        growing: bool = False,
        **kwargs,
    ):
        # No autocast: it would round w.
        super().__init__(autocast=False, **kwargs)
        self.resolutions = feature_maps.resolutions(resolution)
        feature_maps.check_image(channels, fmap_base, fmap_max)
        self.resolution = resolution
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        self.growing = growing
        self.latents = 2 * len(self.resolutions)
        self.lod: Any = None
        self.stage: int | None = None

    def build(self, input_shape):
        w_shape = (input_shape[0], input_shape[-1])
        x_shape = (input_shape[0], 4, 4, self._maps(4))
        self.constant = self.add_weight(
            name="constant", shape=(1, *x_shape[1:]), initializer="ones", autocast=False
        )
        self.layers, self.to_rgb = [], []
        for resolution in self.resolutions:
            for source in ("input" if resolution == 4 else "up", "same"):
                layer = synthesis_layer.SynthesisLayer(
                    self._maps(resolution),
                    source,
                    name=f"{resolution}x{resolution}{'' if source == 'same' else '_' + source}",
                    dtype=self.dtype_policy,
                )
                layer.build(x_shape, w_shape)
                x_shape = layer.compute_output_shape(x_shape, w_shape)
                self.layers.append(layer)
            if self.growing or resolution == self.resolution:
                self.to_rgb.append(self._output(resolution, x_shape))
        if self.growing:
            self.lod = levels.variable(self)

    def _output(self, resolution: int, shape: tuple) -> convolution.Convolution:
        """Returns the built layer from maps of a resolution to the image, always float32."""
        layer = convolution.Convolution(
            self.channels,
            1,
            gain=1.0,
            activation="linear",
            name=f"{resolution}x{resolution}_rgb",
            dtype=self.variable_dtype,
        )
        layer.build(shape)
        return layer

    def _maps(self, resolution: int) -> int:
        return feature_maps.feature_maps(resolution, self.fmap_base, self.fmap_max)

    @property
    def noise_sides(self) -> list[int]:
        """The side of every layer's noise map, in the order in which `call` takes them."""
        return [side for side in self.resolutions for _ in range(2)]

    def call(self, w, noise=None):
        """Returns images, [batch, resolution, resolution, channels] float32, nominally in [-1, 1].

        Args:
          w: [batch, latents, w_size], one latent a layer.
          noise: one [batch, side, side, 1] a layer, see `noise_sides`; None: the fixed maps.
        """
        noise = [None] * len(self.layers) if noise is None else noise
        x = tf.tile(self.constant.value, [tf.shape(w)[0], 1, 1, 1])
        if w.shape[0] is not None:
            x = tf.ensure_shape(x, [w.shape[0], *self.constant.shape[1:]])
        last = len(self.resolutions) - 1
        image = None
        for k in range(last + 1):
            level = last - k
            if self.stage is not None and level < self.stage:
                image = levels.double(image)
                continue
            for i in (2 * k, 2 * k + 1):
                x = self.layers[i](x, w[:, i], noise=noise[i])
            if self.growing:
                image = self._grown(x, image, level)
        return image if self.growing else self.to_rgb[0](x)

    def _grown(self, x: tf.Tensor, image: tf.Tensor | None, level: int) -> tf.Tensor | None:
        """Returns the image of maps of a level, faded in upon the image of the level below."""
        if self.stage is not None and level > self.stage + 1:
            return None
        fine = self.to_rgb[len(self.resolutions) - 1 - level](x)
        if image is None:
            return fine
        return levels.fade(fine, levels.double(image), self.lod.value - level)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.resolution, self.resolution, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "growing": self.growing,
        }
