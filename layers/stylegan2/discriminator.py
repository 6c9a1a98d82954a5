"""The discriminator: an image in, a logit out."""

import keras
import tensorflow as tf

from dualcontrast.layers import (
    equalized_conv2d,
    equalized_dense,
    head,
    minibatch_stddev,
    networks,
)
from dualcontrast.layers.attention import reference_attention, serialised_layer
from dualcontrast.layers.stylegan2 import discriminator_block, feature_maps, mapping_network


@keras.saving.register_keras_serializable("dualcontrast")
class Discriminator(networks.Discriminator):
    """StyleGAN2's residual discriminator (config E with the default widths).

    With reference attention it is a Siamese network (Yu et al. 2021, section 3.4): images and their
    references go through the same layers up to the attention. Logits are then
    judge(encode(images), prepare(encode(references))).logits, and what is prepared of the
    references may be used for reals and fakes. Reals and fakes are judged apart, because the
    minibatch deviation comes after the attention and would tell a mixed group from others.

    With classes, the logit is the product of the image's features with a mapping of its label, over
    the root of their number (Miyato and Koyama 2018, as in StyleGAN2-ADA's program).

    >>> discriminator = Discriminator(16, fmap_base=64, fmap_max=8)
    >>> discriminator(tf.zeros([4, 16, 16, 3])).shape
    TensorShape([4])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max: widths; 8192 and 512 are config E, 16384 and 512 config F.
      minibatch_stddev_group: largest group of the minibatch standard deviation.
      attention: `SAN` or `ReferenceAttention`, or its serialised form, to take the place of the
        first convolution at `attention_resolution`; None for none.
      attention_resolution: from 8 to `resolution`.
      classes: of the labels that images are judged with; 0 for none.
      head_width: units of the hidden layer of a `Head` in place of StyleGAN2's two dense layers, of
        which the first belongs to the features; None for these two.
      projection_size: of ContraD's projections, which need a hidden layer; 0 for none.
      conv_clamp: what the output of every convolution but the shortcuts is clipped to, as
        StyleGAN2-ADA does for its half precision; None for no clipping.
      label_layers: dense layers from a label's embedding to what features are multiplied with: 8 in
        StyleGAN2-ADA's program for PyTorch, 0 in that for TensorFlow.
      label_learning_rate_multiplier: of these layers against the others.

    Attributes:
      takes_references: whether `call` needs references.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        minibatch_stddev_group: int = 4,
        attention=None,
        attention_resolution: int = 8,
        classes: int = 0,
        head_width: int | None = None,
        projection_size: int = 0,
        conv_clamp: float | None = None,
        label_layers: int = 8,
        label_learning_rate_multiplier: float = 0.01,
        **kwargs,
    ):
        super().__init__(**kwargs)
        head.check(head_width, projection_size)
        self.resolutions = feature_maps.resolutions(resolution)[::-1]
        feature_maps.check_image(channels, fmap_base, fmap_max)
        self.resolution = resolution
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        if attention is not None and attention_resolution not in self.resolutions[:-1]:
            raise ValueError(
                f"attention_resolution must be a power of two from 8 to {resolution}, got "
                f"{attention_resolution}"
            )
        self.attention = serialised_layer.of(attention)
        self.attention_resolution = attention_resolution
        self.classes = classes
        self.head_width = head_width
        self.projection_size = projection_size
        self.conv_clamp = conv_clamp
        self.label_layers = label_layers
        self.label_learning_rate_multiplier = label_learning_rate_multiplier
        self.takes_references = False
        self.minibatch_stddev = minibatch_stddev.MinibatchStddev(
            minibatch_stddev_group, name="minibatch_stddev", dtype=self.dtype_policy
        )

    def build(self, images_shape=None, references_shape=None, labels_shape=None):
        """Makes the variables; shapes, [batch, resolution, resolution, channels], are known."""
        for given in (images_shape, references_shape):
            shape = networks.image_shape(self, given)
        policy = self.dtype_policy
        maps = [
            feature_maps.feature_maps(side, self.fmap_base, self.fmap_max)
            for side in self.resolutions
        ]
        self.from_rgb = equalized_conv2d.EqualizedConv2D(
            maps[0], 1, clamp=self.conv_clamp, name="from_rgb", dtype=policy
        )
        self.blocks = [
            discriminator_block.DiscriminatorBlock(
                filters,
                self.attention if side == self.attention_resolution else None,
                self.conv_clamp,
                name=f"{side}x{side}",
                dtype=policy,
            )
            for side, filters in zip(self.resolutions, maps[1:])
        ]
        self.last_conv = equalized_conv2d.EqualizedConv2D(
            maps[-1], 3, clamp=self.conv_clamp, name="4x4_conv", dtype=policy
        )
        for layer in (self.from_rgb, *self.blocks, self.minibatch_stddev, self.last_conv):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        if self.attention is not None:
            attend = self.blocks[self._attending].same
            self.takes_references = isinstance(attend, reference_attention.ReferenceAttention)
        size = shape[1] * shape[2] * shape[3]
        self.last_dense = None
        if self.head_width is None:
            self._build_dense(size, maps[-1])
        else:
            self._build_heads(size, self.head_width)
        self.built = True

    # What comes after the maps is in the variables' float32 under mixed precision: logits feed
    # exponentials.

    def _build_dense(self, size: int, filters: int) -> None:
        """Makes StyleGAN2's two dense layers, for flat maps of `size`."""
        dtype = self.variable_dtype
        self.last_dense = equalized_dense.EqualizedDense(
            filters, activation="leaky_relu", name="4x4_dense", dtype=dtype
        )
        self.last_dense.build((None, size))
        self.logit = equalized_dense.EqualizedDense(
            filters if self.classes else 1, name="logit", dtype=dtype
        )
        self.logit.build((None, filters))
        if self.classes:
            self.label_mapping = mapping_network.MappingNetwork(
                filters,
                self.label_layers,
                self.label_learning_rate_multiplier,
                classes=self.classes,
                name="label_mapping",
                dtype=dtype,
            )
            self.label_mapping.build((None, 0))

    def _build_heads(self, size: int, hidden: int) -> None:
        """Makes the heads of flat maps of `size`."""
        dtype = self.variable_dtype
        self.logit = head.Head(1, hidden, classes=self.classes, name="logit", dtype=dtype)
        if self.projection_size:
            self.projections = [
                head.Head(self.projection_size, hidden, name=f"projection_of_{name}", dtype=dtype)
                for name in ("reals", "fakes")
            ]
        for layer in (self.logit, *self.projections):
            layer.build((None, size))

    def features(self, images, references=None):
        """Returns what the last layer, or the head, turns into logits, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          references: a real for every image, of the same shape; with reference attention only.
        """
        return self.features_of(self.finish(self.encode(images), self._prepared(references)))

    def outputs(self, batch, references=None, **how):
        """Returns what it says of images; the arguments are those of `features`."""
        prepared = self._prepared(references)
        return self.judge(self.encode(batch.images), prepared, batch.labels)

    def _prepared(self, references):
        """Returns what references contribute, None where there are to be none."""
        if self.takes_references != (references is not None):
            needs = "needs" if self.takes_references else "takes no"
            raise ValueError(f"Discriminator: this one {needs} references")
        return self.prepare(self.encode(references)) if self.takes_references else None

    def logits_of(self, features, labels=None):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          features: from `features`.
          labels: [batch] int, where there are classes.
        """
        networks.check_labels(self, self.classes, labels)
        if self.last_dense is None:
            return self.logit(features, **({"labels": labels} if self.classes else {}))[:, 0]
        x = self.logit(features)
        return x[:, 0] if not self.classes else projected(x, self.label_mapping(None, labels))

    def compare(self, reals, fakes, references, judge_reals):
        """Returns the outputs of reals, None if they are not judged, and of fakes.

        What the references contribute is computed once, for both; None stands for rolled ones.
        """
        rolled = self.takes_references and references is None
        maps = self.encode(reals.images) if judge_reals or rolled else None
        prepared = None
        if self.takes_references:
            # Rolled, every real's reference is the next one, of which the maps are known.
            compared = [tf.roll(maps[-1], -1, axis=0)] if rolled else self.encode(references)
            prepared = self.prepare(compared)
        of_reals = None
        if judge_reals:
            of_reals = self.judge(maps, prepared, reals.labels)
        return of_reals, self.judge(self.encode(fakes.images), prepared, fakes.labels)

    @property
    def from_the_image(self):
        """The layers next to the image first, of each block its two and its shortcut."""
        inside = [layer for block in self.blocks for layer in (block.same, block.down, block.skip)]
        return [self.from_rgb, *inside, self.last_conv]

    @property
    def _attending(self) -> int:
        """The block with the attention; without one, the first."""
        if self.attention is None:
            return 0
        return self.resolutions.index(self.attention_resolution)

    def encode(self, images):
        """Returns the maps of images, or of references, of every side down to the attention's.

        Those of the image's own side come first; the last ones are what the attention sees.
        """
        maps = [self.from_rgb(tf.cast(images, self.compute_dtype))]
        for block in self.blocks[: self._attending]:
            maps.append(block(maps[-1]))
        return maps

    def prepare(self, maps):
        """Returns what references contribute to the logits, of their maps from `encode`."""
        return self.blocks[self._attending].prepare(maps[-1])

    def judge(self, maps, prepared=None, labels=None):
        """Returns `networks.Outputs` of images.

        Args:
          maps: of the images, from `encode`.
          prepared: from `prepare`, with reference attention.
          labels: [batch] int, where there are classes.
        """
        features = self.features_of(self.finish(maps, prepared))
        return networks.Outputs(self.logits_of(features, labels), features)

    def finish(self, maps, prepared=None):
        """Returns maps from `encode` with those of every side from there to 4x4 behind them.

        The last ones are what the last convolution puts out; see `judge` for the arguments.
        """
        block, *others = self.blocks[self._attending :]
        maps = [*maps, block(maps[-1], prepared)]
        for block in others:
            maps.append(block(maps[-1]))
        return [*maps[:-1], self.last_conv(self.minibatch_stddev(maps[-1]))]

    def features_of(self, maps):
        """Returns features, [batch, width] float32, of maps from `finish`."""
        x = maps[-1]
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
        return tf.cast(x, self.variable_dtype) if self.last_dense is None else self.last_dense(x)

    def compute_output_shape(self, images_shape, references_shape=None, labels_shape=None):
        return (images_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "minibatch_stddev_group": self.minibatch_stddev.group,
            "attention": self.attention,
            "attention_resolution": self.attention_resolution,
            "classes": self.classes,
            "head_width": self.head_width,
            "projection_size": self.projection_size,
            "conv_clamp": self.conv_clamp,
            "label_layers": self.label_layers,
            "label_learning_rate_multiplier": self.label_learning_rate_multiplier,
        }


def projected(x: tf.Tensor, mapped: tf.Tensor) -> tf.Tensor:
    """Returns the product with mapped labels, over the root of how many numbers are multiplied.

    Args:
      x: [batch, ..., width].
      mapped: broadcast to `x`.
    """
    return tf.reduce_sum(x * mapped, axis=-1) * x.shape[-1] ** -0.5
