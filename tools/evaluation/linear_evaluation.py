"""How well a line upon a frozen discriminator's features tells classes: linear evaluation."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from dualcontrast.augmentation.simclr.random_resized_crop import random_resized_crop
from dualcontrast.layers import networks
from dualcontrast.trainer import draws
from dualcontrast.trainer.features.discriminator import to_float

# Shares of the epochs after which the step size is a tenth: 60, 75 and 90 of 100.
_DROPS = (0.6, 0.75, 0.9)


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Images and their classes.

    Attributes:
      images: uint8 [count, height, width, channels].
      labels: [count] int64.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: np.ndarray) -> "Labelled":
        return Labelled(self.images[chosen], self.labels[chosen])


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a line is trained.

    Attributes:
      epochs: passes over the images.
      batch_size: images of a step.
      learning_rate: of plain gradient descent; a tenth after 60, 75 and 90 % of the epochs.
      crops: whether training images are cropped and flipped at random, as SimCLR's.
      seed: of everything that is drawn.
    """

    epochs: int = 100
    batch_size: int = 256
    learning_rate: float = 0.1
    crops: bool = True
    seed: int = 0

    def rate(self, epoch: int) -> float:
        """Returns the step size in an epoch, from 0."""
        return self.learning_rate * 0.1 ** sum(epoch >= share * self.epochs for share in _DROPS)


@dataclasses.dataclass(frozen=True)
class Line:
    """What was trained: [width, classes] and [classes] float32, and its accuracy in percent."""

    weights: np.ndarray
    bias: np.ndarray
    accuracy: float


def evaluate(
    network: networks.Discriminator,
    train: Labelled,
    test: Labelled,
    classes: int,
    recipe: Recipe,
    show: Callable[[int], None],
) -> Line:
    """Trains a line upon the features, once, and measures it after the last epoch.

    Args:
      network: built, float32; it stays as it is, and its normalisation too.
      train, test: images that it judges, and their classes.
      classes: how many there are.
      recipe: how to train.
      show: is told how many images were trained with.
    """
    width = network.features(to_float(tf.constant(test.images[:1]))).shape[-1]
    bound = width**-0.5
    initial = np.random.default_rng(recipe.seed)
    weights, bias = (
        tf.Variable(initial.uniform(-bound, bound, size).astype(np.float32))
        for size in ((width, classes), (classes,))
    )
    done = 0
    step = _step(network, weights, bias, recipe)
    for epoch in range(recipe.epochs):
        rate = tf.constant(recipe.rate(epoch), tf.float32)
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(train))
        for chosen in _batches(order, recipe.batch_size):
            batch = train[chosen]
            images, labels = tf.constant(batch.images), tf.constant(batch.labels)
            step(images, labels, tf.constant(done, tf.int64), rate)
            done += len(batch)
            show(done)
    accuracy = _accuracy(network, weights, bias, test, recipe.batch_size)
    return Line(weights.numpy(), bias.numpy(), accuracy)


def _step(network, weights: tf.Variable, bias: tf.Variable, recipe: Recipe) -> Callable:
    """Returns a step of gradient descent, of images, labels, images seen, and the step size."""

    @tf.function(autograph=False)
    def step(images, labels, seen, rate):
        shown = to_float(images)
        if recipe.crops:
            purpose = draws.Purpose.DISCRIMINATOR
            drawn = draws.Draws(recipe.seed, seen, purpose, images.shape[0])
            shown = random_resized_crop(shown, drawn.named("linear evaluation"))
        features = tf.stop_gradient(network.features(shown))
        with tf.GradientTape() as tape:
            logits = tf.matmul(features, weights) + bias
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        variables = (weights, bias)
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(rate * gradient)

    return step


def _accuracy(network, weights, bias, test: Labelled, batch_size: int) -> float:
    """Returns how many images of 100 have the class with the largest logit."""
    features = tf.function(network.features, autograph=False)
    right = 0
    for chosen in _batches(np.arange(len(test)), batch_size):
        batch = test[chosen]
        logits = tf.matmul(features(to_float(tf.constant(batch.images))), weights) + bias
        right += int(np.sum(np.argmax(logits.numpy(), axis=1) == batch.labels))
    return 100 * right / len(test)


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(order), size):
        yield order[first : first + size]


def split(data: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Returns images to train with and, a share of all, others to test with."""
    order = np.random.default_rng(seed).permutation(len(data))
    held = round(share * len(data))
    return data[order[held:]], data[order[:held]]
