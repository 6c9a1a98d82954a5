"""What the discriminators have in common that are made for images of many sides."""

from dualcontrast.layers.sngan import base


class UniformDiscriminator(base.Discriminator):
    """A discriminator whose layers are the same at every resolution.

    Args:
      resolution: of the image, a multiple of 8.
      channels: of the image: 1, 3 or 4.
      width: of the first maps; the last ones are 8 times as many.
      head_width, projection_size: see `base.Discriminator`.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int = 64,
        head_width: int | None = None,
        projection_size: int = 0,
        **kwargs,
    ):
        super().__init__(head_width, projection_size, **kwargs)
        base.check_dcgan(resolution, channels, width)
        self.resolution = resolution
        self.channels = channels
        self.width = width

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "width": self.width,
        }
