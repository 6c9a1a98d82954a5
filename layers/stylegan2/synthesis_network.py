"""From the layers' latents to an image, with output skips."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers.attention import serialised_layer
from dualcontrast.layers.stylegan2 import feature_maps, synthesis_layer, to_rgb


@keras.saving.register_keras_serializable("dualcontrast")
class SynthesisNetwork(keras.layers.Layer):
    """StyleGAN2's synthesis network: a trained 4x4 constant, two layers a resolution, RGB skips.

    Karras et al. 2020, figure 7b (left). At 2^k, k >= 3, the upsampling layer takes latent 2k - 5,
    the other one 2k - 4, ToRGB 2k - 3; at 4x4 the layer takes 0, ToRGB 1.

    >>> network = SynthesisNetwork(16, fmap_base=64, fmap_max=8)
    >>> network(tf.zeros([2, network.latents, 32])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max: widths, see `feature_maps`.
      attention: a layer of `layers.attention` to take the place of the second convolution at
        `attention_resolution`, or its serialised form; None for none.
      attention_resolution: from 8 to `resolution`.
      attention_in_both: whether it takes the place of the upsampling convolution as well, which
        then must keep its channels.
      normalize_style: see `ModulatedAttention`.
      conv_clamp: what the output of every layer is clipped to, the images of ToRGB too, as
        StyleGAN2-ADA does for its half precision; None for no clipping.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        attention=None,
        attention_resolution: int = 32,
        attention_in_both: bool = False,
        normalize_style: bool = True,
        conv_clamp: float | None = None,
        **kwargs,
    ):
        # No autocast: it would round w, see ModulatedConv2D.
        super().__init__(autocast=False, **kwargs)
        self.resolutions = feature_maps.resolutions(resolution)
        feature_maps.check_image(channels, fmap_base, fmap_max)
        self.resolution = resolution
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        if attention is not None and attention_resolution not in self.resolutions[1:]:
            raise ValueError(
                f"attention_resolution must be a power of two from 8 to {resolution}, got "
                f"{attention_resolution}"
            )
        self.attention = serialised_layer.of(attention)
        self.attention_resolution = attention_resolution
        self.attention_in_both = attention_in_both
        self.normalize_style = normalize_style
        self.conv_clamp = conv_clamp
        self.latents = 2 * len(self.resolutions)
        self.lowpass = upfirdn2d.lowpass()

    def build(self, input_shape):
        w_shape = (input_shape[0], input_shape[-1])
        x_shape = (input_shape[0], 4, 4, self._maps(4))
        self.constant = self.add_weight(
            name="constant",
            shape=(1, *x_shape[1:]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        self.layers, self.to_rgb = [], []
        for resolution in self.resolutions:
            for upsample in (False,) if resolution == 4 else (True, False):
                layer = synthesis_layer.SynthesisLayer(
                    self._maps(resolution),
                    upsample,
                    self._attention(resolution, upsample),
                    self.normalize_style,
                    self.conv_clamp,
                    name=f"{resolution}x{resolution}{'_up' if upsample else ''}",
                    dtype=self.dtype_policy,
                )
                layer.build(x_shape, w_shape)
                x_shape = layer.compute_output_shape(x_shape, w_shape)
                self.layers.append(layer)
            image = to_rgb.ToRGB(
                self.channels,
                self.conv_clamp,
                name=f"{resolution}x{resolution}_rgb",
                dtype=self.dtype_policy,
            )
            image.build(x_shape, w_shape)
            self.to_rgb.append(image)

    def _attention(self, resolution: int, upsample: bool):
        here = resolution == self.attention_resolution
        return self.attention if here and (self.attention_in_both or not upsample) else None

    def _maps(self, resolution: int) -> int:
        return feature_maps.feature_maps(resolution, self.fmap_base, self.fmap_max)

    @property
    def noise_sides(self) -> list[int]:
        """The side of every layer's noise map, in the order in which `call` takes them."""
        return [4] + [side for side in self.resolutions[1:] for _ in range(2)]

    def call(self, w, noise=None):
        """Returns images, [batch, resolution, resolution, channels] float32, nominally in [-1, 1].

        Args:
          w: [batch, latents, w_size], one latent a layer.
          noise: one [batch, side, side, 1] a layer, see `noise_sides`; None: the fixed maps.
        """
        noise = [None] * len(self.layers) if noise is None else noise
        x = tf.cast(tf.tile(self.constant.value, [tf.shape(w)[0], 1, 1, 1]), self.compute_dtype)
        if w.shape[0] is not None:
            x = tf.ensure_shape(x, [w.shape[0], *self.constant.shape[1:]])
        x = self.layers[0](x, w[:, 0], noise=noise[0])
        image = self.to_rgb[0](x, w[:, 1])
        for k in range(1, len(self.resolutions)):
            up, same = 2 * k - 1, 2 * k
            x = self.layers[up](x, w[:, up], noise=noise[up])
            x = self.layers[same](x, w[:, same], noise=noise[same])
            image = upfirdn2d.upsample_2d(image, self.lowpass)
            # ToRGB shares its latent with the next resolution's upsampling layer.
            image += self.to_rgb[k](x, w[:, same + 1])
        return image

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.resolution, self.resolution, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "attention": self.attention,
            "attention_resolution": self.attention_resolution,
            "attention_in_both": self.attention_in_both,
            "normalize_style": self.normalize_style,
            "conv_clamp": self.conv_clamp,
        }
