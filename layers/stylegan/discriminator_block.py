"""One resolution of StyleGAN's discriminator."""

import keras

from dualcontrast.layers.stylegan import convolution


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANDiscriminatorBlock")
class DiscriminatorBlock(keras.layers.Layer):
    """Two convolutions, the second of which halves the image (Karras et al. 2018 and 2019).

    >>> DiscriminatorBlock(8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"DiscriminatorBlock: filters must be >= 1, got {filters}")
        self.filters = filters

    def build(self, input_shape):
        policy = self.dtype_policy
        self.same = convolution.Convolution(int(input_shape[-1]), 3, name="same", dtype=policy)
        self.down = convolution.Convolution(self.filters, 3, "down", name="down", dtype=policy)
        self.same.build(input_shape)
        self.down.build(input_shape)

    def call(self, x):
        """Returns [batch, height / 2, width / 2, filters].

        Args:
          x: [batch, height, width, channels].
        """
        return self.down(self.same(x))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
