"""U-Net GAN's discriminator on StyleGAN2's networks."""

import keras
import tensorflow as tf

from dualcontrast.layers import equalized_conv2d, networks
from dualcontrast.layers.stylegan2 import discriminator, feature_maps, mapping_network
from dualcontrast.layers.unet import stylegan2_up_block


@keras.saving.register_keras_serializable("dualcontrast", "UNetStyleGAN2Discriminator")
class StyleGAN2Discriminator(discriminator.Discriminator):
    """StyleGAN2's discriminator, and a decoder that judges every pixel.

    The encoder is all of StyleGAN2's discriminator and makes the logit of the image. The decoder
    goes on from what its last convolution puts out at 4x4. Each block is given the encoder's maps
    of the side that it makes: what the block above puts out, and of the image's own side what the
    first layer makes of colours. A linear 1x1 convolution makes a logit of each pixel. With classes
    it makes as many numbers as there are maps, and the logit is their product with a mapping of the
    label, as that of the image is, each with a mapping of its own.

    Both logits know the deviation over a group of the batch, which comes before the last
    convolution. Yu et al. 2021 adapted U-Net GAN to StyleGAN2 and do not say how: the decoder is
    our proposal.

    >>> network = StyleGAN2Discriminator(16, fmap_base=64, fmap_max=8)
    >>> network.build()
    >>> network.outputs(networks.Batch(tf.zeros([2, 16, 16, 3]))).pixel_logits.shape
    TensorShape([2, 16, 16])

    The arguments are those of `stylegan2.discriminator.Discriminator`; `conv_clamp` is of the
    decoder's convolutions too.
    """

    def build(self, images_shape=None, references_shape=None, labels_shape=None):
        """Makes the variables; the shapes are known already."""
        super().build(images_shape, references_shape, labels_shape)
        sides = self.resolutions[::-1]
        maps = [feature_maps.feature_maps(r, self.fmap_base, self.fmap_max) for r in sides]
        shape = (None, sides[0], sides[0], maps[0])
        self.decoder = []
        for side, filters in zip(sides[1:], maps[1:]):
            block = stylegan2_up_block.StyleGAN2UpBlock(
                filters, self.conv_clamp, name=f"decoder{side}x{side}", dtype=self.dtype_policy
            )
            encoded_shape = (None, side, side, filters)
            block.build(shape, encoded_shape)
            shape = block.compute_output_shape(shape, encoded_shape)
            self.decoder.append(block)
        # In the variables' float32 under mixed precision: logits feed exponentials.
        dtype = self.variable_dtype
        self.pixel_logit = equalized_conv2d.EqualizedConv2D(
            maps[-1] if self.classes else 1,
            1,
            activation="linear",
            name="pixel_logit",
            dtype=dtype,
        )
        self.pixel_logit.build(shape)
        if self.classes:
            self.pixel_label_mapping = mapping_network.MappingNetwork(
                maps[-1],
                self.label_layers,
                self.label_learning_rate_multiplier,
                classes=self.classes,
                name="pixel_label_mapping",
                dtype=dtype,
            )
            self.pixel_label_mapping.build((None, 0))

    def judge(self, maps, prepared=None, labels=None):
        """Returns `networks.Outputs` of images and of their pixels; see the base class."""
        maps = self.finish(maps, prepared)
        features = self.features_of(maps)
        logits = self.logits_of(features, labels)
        return networks.Outputs(logits, features, self._pixel_logits(maps, labels))

    def _pixel_logits(self, maps: list[tf.Tensor], labels: tf.Tensor | None):
        """Returns [batch, resolution, resolution] float32, of the encoder's maps of all sides."""
        x, *encoded = reversed(maps)
        for block, beside in zip(self.decoder, encoded, strict=True):
            x = block(x, beside)
        x = self.pixel_logit(tf.cast(x, self.variable_dtype))
        if not self.classes:
            return x[..., 0]
        mapped = self.pixel_label_mapping(None, labels)
        return discriminator.projected(x, mapped[:, None, None])
