"""What the trainer and the tools ask of a generator and of a discriminator, whatever its family."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf


class Batch(NamedTuple):
    """Images that a discriminator judges.

    Attributes:
      images: [batch, height, width, channels], nominally in [-1, 1].
      labels: [batch] int64, each image's class; None where the networks are given none.
    """

    images: tf.Tensor
    labels: tf.Tensor | None = None


class Outputs(NamedTuple):
    """What a discriminator says of images.

    Attributes:
      logits: [batch] float32; larger means more real.
      features: [batch, width] float32, what the last layers turned into logits.
      pixel_logits: [batch, height, width] float32, of every pixel; None where it judges images
        only.
    """

    logits: tf.Tensor
    features: tf.Tensor
    pixel_logits: tf.Tensor | None = None

    @property
    def score(self) -> tf.Tensor:
        """What penalties take the slope of: the logit, and the mean of those of pixels; [batch]."""
        if self.pixel_logits is None:
            return self.logits
        return self.logits + tf.reduce_mean(self.pixel_logits, axis=[1, 2])


class Generator(keras.Model):
    """A generator; `call(z)` returns images, [batch, resolution, resolution, channels] float32.

    A family implements `call`, and what it has besides: `call` takes `labels` where there are
    `classes`, `noise` where there are `noise_sides`, and `truncation_psi` where there is a
    `mapping`. Its `build` needs no shape; without one of its own, a pass makes the variables.

    Attributes:
      resolution, channels: of the images.
      latent_size: width of z.
      latent: how z is drawn: "normal", which is the standard one, or "uniform" from -1 to 1.
      classes: how many the images have; 0 where they have none.
      mapping: the layer from z, and labels where there are `classes`, to w; None where z enters the
        layers itself. A generator with one has `broadcast`, `truncate` and `mix_styles`, and a
        `synthesis` from w to images.
      noise_sides: of the noise maps that `call` takes; none where there is no noise.
      lod, stage: see `Discriminator`.
    """

    resolution: int
    channels: int
    latent_size: int
    latent: str = "normal"
    classes: int = 0
    mapping: keras.layers.Layer | None = None
    noise_sides: list[int] = []
    lod: Any = None
    stage: int | None = None

    def build(self, input_shape: Any = None) -> None:
        """Makes the variables, by a pass; `input_shape` is [batch, latent_size], known already."""
        self.call(tf.zeros([1, self.latent_size]), **_labels(self.classes))
        self.built = True

    def draw(self, draws: Any) -> dict[str, Any]:
        """Returns what a pass of training takes from chance, each tensor [batch, ...].

        Args:
          draws: `trainer.draws.Draws` of the batch.
        """
        inputs = {"z": draws.latents(self.latent_size, self.latent)}
        if self.classes:
            inputs["labels"] = draws.labels(self.classes)
        return inputs

    def images(self, inputs: dict[str, Any]) -> tf.Tensor:
        """Returns the images of training, of `draw`'s inputs; without side effects."""
        return self(**inputs)

    def features(self, inputs: dict[str, Any]) -> tf.Tensor:
        """Returns what the first layer makes of `draw`'s inputs, [batch, ...].

        A family whose section says `in_two_parts` has it, and `images_of`, so that AdvAug can come
        between: images of features are those of `images`.
        """
        raise NotImplementedError

    def images_of(self, features: tf.Tensor, inputs: dict[str, Any]) -> tf.Tensor:
        """Returns the images of training, without side effects.

        Args:
          features: from `features`, or moved ones.
          inputs: from `draw`.
        """
        raise NotImplementedError

    def update_statistics(self, inputs: dict[str, Any]) -> None:
        """Updates what follows the passes of training without a gradient, once for each of them.

        Args:
          inputs: of the whole pass on this replica, from `draw`.
        """


class Discriminator(keras.Model):
    """A discriminator; `call(images)` returns logits, [batch] float32.

    A family implements `features` and `logits_of`, of which `call` is the composition. Its `build`
    needs no shape; without one of its own, a pass makes the variables.

    Attributes:
      resolution, channels: of the images.
      classes: how many the images have; 0 where they have none.
      logit: the last layer, which turns features into logits.
      projections: two layers more upon the features, by which ContraD contrasts reals with reals,
        and fakes with reals; none where it is not trained so.
      takes_references: whether `call` needs references, a real for every image.
      from_the_image: the layers that may be frozen, those next to the image first; none where a
        family does not say.
      lod: of a network that grows, the levels of detail that are left out, a scalar variable: at 2
        images have a quarter of the side, at 1.25 a quarter of that and three of the next one. None
        of one that does not grow.
      stage: `lod` without its fraction, where passes may take it for granted, as those of training
        do, and leave out what has no part in them; None where `lod` may be anything.
    """

    resolution: int
    channels: int
    classes: int = 0
    logit: keras.layers.Layer
    projections: list[keras.layers.Layer] = []
    takes_references = False
    from_the_image: list[keras.layers.Layer] = []
    lod: Any = None
    stage: int | None = None

    def build(self, input_shape: Any = None) -> None:
        """Makes the variables, by a pass; `input_shape` is that of the images, known already."""
        images = tf.zeros([1, self.resolution, self.resolution, self.channels])
        self.call(images, **_labels(self.classes))
        self.built = True

    def features(self, images: tf.Tensor, *_: Any, **how: Any) -> tf.Tensor:
        """Returns what the last layers turn into logits, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          **how: `references` where it takes them, a real for every image; and what else a family's
            passes take.
        """
        raise NotImplementedError

    def logits_of(
        self, features: tf.Tensor, labels: tf.Tensor | None = None, *_: Any, **how: Any
    ) -> tf.Tensor:
        """Returns logits, [batch] float32: larger means more real.

        Args:
          features: of images, from `features`.
          labels: [batch] int, where there are classes.
          **how: what else a family's passes take, as `features` was given it.
        """
        raise NotImplementedError

    def call(self, images, references=None, labels=None, **how):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          references: a real for each, where it takes them.
          labels: [batch] int, where there are classes.
          **how: what else a family's passes take.
        """
        return self.outputs(Batch(images, labels), references, **how).logits

    def outputs(self, batch: Batch, references: tf.Tensor | None = None, **how: Any) -> Outputs:
        """Returns what it says of images; the arguments are those of `call`."""
        compared = {} if references is None else {"references": references}
        features = self.features(batch.images, **compared, **how)
        return Outputs(self.logits_of(features, batch.labels, **how), features)

    def compare(
        self,
        reals: Batch,
        fakes: Batch,
        references: tf.Tensor | None,
        judge_reals: bool,
    ) -> tuple[Outputs | None, Outputs]:
        """Returns the outputs of reals, None if they are not judged, and of fakes.

        Args:
          reals: of the same step.
          fakes: made images.
          references: for both, where it takes them; None for those that it finds among the reals.
          judge_reals: whether their outputs are wanted.
        """
        of_reals = self.outputs(reals, references) if judge_reals else None
        return of_reals, self.outputs(fakes, references)

    def shown(self, images: tf.Tensor) -> tf.Tensor:
        """Returns reals, [batch, height, width, channels], as they are shown in training."""
        return images

    def update_statistics(self, passes: int) -> None:
        """Updates what follows the passes of training without a gradient.

        Args:
          passes: batches that an update, of either network, has had judged.
        """


def check_labels(network: keras.Model, classes: int, labels: tf.Tensor | None) -> None:
    """Checks that a network is given labels where it has classes, and only there.

    Raises:
      ValueError: it is not.
    """
    if bool(classes) != (labels is not None):
        needs = f"needs labels of its {classes} classes" if classes else "has no classes"
        raise ValueError(f"{type(network).__name__}: this one {needs}")


def _labels(classes: int) -> dict[str, tf.Tensor]:
    """Returns the labels of a pass of one image, where there are classes."""
    return {"labels": tf.zeros([1], tf.int64)} if classes else {}


def image_shape(network: Discriminator, given) -> tuple:
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
