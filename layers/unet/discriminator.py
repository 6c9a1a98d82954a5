"""U-Net GAN's discriminator."""

import keras
import tensorflow as tf

from dualcontrast.layers import class_table, networks, spectral_normalisation
from dualcontrast.layers.biggan import discriminator, normalised
from dualcontrast.layers.unet import up_block, widths


@keras.saving.register_keras_serializable("dualcontrast", "UNetDiscriminator")
class Discriminator(discriminator.Discriminator):
    """BigGAN's discriminator, and a decoder that judges every pixel (Schonfeld et al. 2020).

    The encoder's 4x4 maps make the logit of the image. The decoder goes on from them, before they
    are activated, and is given what the encoder made of every other side; its last maps make a
    logit of each pixel. With classes, both meet embeddings of the label, each one of its own.

    >>> network = Discriminator(32, width=4)
    >>> network.build()
    >>> network.outputs(networks.Batch(tf.zeros([2, 32, 32, 3]))).pixel_logits.shape
    TensorShape([2, 32, 32])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      width: unit of the blocks' widths, see `widths`; None for 64.
      classes: of the labels that images are judged with; 0 for none.
      attention_resolution: side of the encoder's maps that attend to themselves, from 8 to half of
        the resolution; None for no attention.
    """

    _WIDTHS = widths.ENCODER

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        super().build(input_shape)
        channels, side = self.blocks[-1].filters, 4
        self.decoder = []
        skipped = [0, *(block.filters for block in reversed(self.blocks[:-1]))]
        for skip, filters in zip(skipped, widths.decoder(self._widths), strict=True):
            name = f"decoder{2 * side}x{2 * side}"
            block = up_block.UpBlock(filters, name=name, dtype=self.dtype_policy)
            block.build((None, side, side, channels + skip))
            channels, side = filters, 2 * side
            self.decoder.append(block)
        # In the variables' float32 under mixed precision: logits feed exponentials.
        self.pixel_logit = keras.layers.Conv2D(
            1,
            1,
            kernel_initializer=normalised.ORTHOGONAL,
            name="pixel_logit",
            dtype=self.variable_dtype,
        )
        self.pixel_logit.build((None, side, side, channels))
        if self.classes:
            table = class_table.ClassTable(channels, self.classes, normalised.ORTHOGONAL)
            self.pixel_embedding = self._normalised(table, "pixel_embedding")
            self.pixel_embedding.build((None,))

    def outputs(self, batch, references=None, **how):
        """Returns what it says of images and of their pixels; `iterations` as in `call`."""
        maps = self.maps(batch.images, **how)
        features = self.summed(maps[-1])
        logits = self.logits_of(features, batch.labels, **how)
        return networks.Outputs(logits, features, self._pixel_logits(maps, batch, **how))

    def _pixel_logits(self, maps: list[tf.Tensor], batch: networks.Batch, iterations: int = 1):
        """Returns [batch, resolution, resolution] float32, of what the encoder made of images."""
        x, *skipped = reversed(maps)
        x = self.decoder[0](x, iterations=iterations)
        for block, skip in zip(self.decoder[1:], skipped, strict=True):
            x = block(tf.concat([x, skip], axis=-1), iterations=iterations)
        x = tf.cast(x, self.variable_dtype)
        logits = self.pixel_logit(x)[..., 0]
        if self.classes:
            embedded = self.pixel_embedding(batch.labels, iterations=iterations)
            logits += tf.einsum("bhwc,bc->bhw", x, embedded)
        return logits

    def update_statistics(self, passes):
        """Moves every u by an iteration for each pass, of reals, fakes and mixed images together.

        The program judges all three as one batch. A pass alone is one of a generator's step, or of
        a penalty, which the program does not have.
        """
        spectral_normalisation.update_statistics(self, (passes + 2) // 3)
