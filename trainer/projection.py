"""Finds the w and the noise maps, or the z, whose image is nearest to a given one.

Karras et al. 2020, appendix D, with its constants: Adam for 1000 steps from the mean of w, a
learning rate that ramps up and down, noise on w that fades, and a penalty that keeps the noise maps
from hiding the image in themselves. Where there is no mapping, z takes the place of w.
"""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import layer_latents
from dualcontrast.trainer.errors import UserError

# (images, images), [batch, resolution, resolution, channels] in [-1, 1] -> [batch], differentiable.
Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_LEARNING_RATE, _RAMP_UP, _RAMP_DOWN = 0.1, 0.05, 0.25
_LATENT_NOISE, _LATENT_NOISE_UNTIL = 0.05, 0.75
_NOISE_PENALTY = 1e5
_LATENTS, _CHUNK = 10_000, 1_000  # That the mean and the deviation of w are taken from.
_SMALLEST = 8  # Side at which the pyramid of a noise map ends.
_STATISTICS, _MAPS, _AROUND = range(3)  # What a draw is for.


@dataclasses.dataclass(frozen=True)
class Projection:
    """What reproduces a picture with its generator, and how it was found.

    Attributes:
      latents: w, [1, latents, w_size] float32, one a layer and all the same in space "w"; or z,
        [1, latent_size].
      noise: the layers' maps, [1, side, side, 1] float32 each.
      image: [1, resolution, resolution, channels] float32, what the generator makes of both.
      distance: of the image to the target.
      distances: [steps] float32, to the target before each step, with the noise on the latents.
      losses: [steps] float32, the same with the penalty on the noise maps.
    """

    latents: np.ndarray
    noise: list[np.ndarray]
    image: np.ndarray
    distance: float
    distances: np.ndarray
    losses: np.ndarray


def spaces(generator: networks.Generator) -> tuple[str, ...]:
    """Returns where latents of the generator can be searched, the usual one first."""
    return ("z",) if generator.mapping is None else ("w", "w+")


def project(
    generator: networks.Generator,
    target: np.ndarray,
    distance: Distance,
    *,
    space: str,
    label: int | None = None,
    steps: int = 1000,
    seed: int = 0,
    on_step: Callable[[int, Callable[[], np.ndarray]], None] = lambda step, image: None,
) -> Projection:
    """Returns the projection of an image.

    Args:
      generator: built, in float32; it stays as it is.
      target: [1, resolution, resolution, channels] float32 in [-1, 1].
      distance: to make small.
      space: one of `spaces`. "w" is one w for all layers, "w+" one for each: nearer to the target,
        and further from what the generator learned.
      label: the class of the image, where there are classes.
      steps: of Adam, at least 1.
      seed: of all draws.
      on_step: called after each step with its number, from 1, and a function that gives the image
        as it is then.

    Raises:
      UserError: the loss is not finite.
    """
    search = _Search(generator, tf.constant(target, tf.float32), distance, space, label, seed)
    history = []
    for step in range(steps):
        found = search.step(
            tf.constant(step),
            tf.constant(learning_rate(step / steps)),
            tf.constant(latent_noise(step / steps)),
        )
        history.append([float(value) for value in found])
        if not np.isfinite(history[-1]).all():
            raise UserError(
                f"the projection diverged at step {step} of {steps}: "
                f"the loss is {history[-1][1]}.\n"
                "Check that the generator makes images: dualcontrast-generate"
            )
        on_step(step + 1, search.image)
    distances, losses = np.array(history, np.float32).T
    noise = [noise_map.numpy() for noise_map in search.noise]
    image = search.image()
    last = float(tf.reduce_sum(distance(tf.constant(image), tf.constant(target, tf.float32))))
    return Projection(search.latents().numpy(), noise, image, last, distances, losses)


def learning_rate(t: float) -> float:
    """Returns Adam's step size at `t`, the share of all steps that are done."""
    down = min(1.0, (1.0 - t) / _RAMP_DOWN)
    return _LEARNING_RATE * (0.5 - 0.5 * math.cos(math.pi * down)) * min(1.0, t / _RAMP_UP)


def latent_noise(t: float) -> float:
    """Returns the deviation of the noise on the latents at `t`, in deviations of these."""
    return _LATENT_NOISE * max(0.0, 1.0 - t / _LATENT_NOISE_UNTIL) ** 2


def noise_penalty(noise: list[tf.Tensor]) -> tf.Tensor:
    """Returns how much neighbours in noise maps resemble each other, at every scale down to 8x8.

    The sum of the squared mean products of each map with itself, moved by one pixel to the right
    and by one down, and of the same of its halvings.

    Args:
      noise: [1, side, side, 1] each.
    """
    total = tf.constant(0.0)
    for x in noise:
        while True:
            for axis in (1, 2):
                total += tf.reduce_mean(x * tf.roll(x, 1, axis)) ** 2
            if x.shape[1] <= _SMALLEST:
                break
            x = tf.nn.avg_pool2d(x, 2, 2, "VALID")
    return total


def statistics(
    generator: networks.Generator, seed: int, label: int | None = None
) -> tuple[tf.Tensor, float]:
    """Returns the mean of w, [w_size], and the root mean squared length of w less its mean.

    Where there is no mapping they are those of z, which are known.

    Args:
      generator: built.
      seed: of the 10,000 latents.
      label: the class whose w they are, where there are classes.
    """
    size = generator.latent_size
    if generator.mapping is None:
        # A number uniform from -1 to 1 has the mean square 1/3.
        return tf.zeros([size]), math.sqrt(size / 3 if generator.latent == "uniform" else size)
    z = tf.random.stateless_normal([_LATENTS, size], [seed, _STATISTICS])
    labels = None if label is None else tf.fill([_CHUNK], tf.constant(label, tf.int64))
    chunks = tf.split(z, _LATENTS // _CHUNK)
    mapped = [generator.mapping(chunk, labels).numpy() for chunk in chunks]
    w = np.concatenate(mapped).astype(np.float64)
    mean = w.mean(axis=0)
    deviation = math.sqrt(np.square(w - mean).sum(axis=1).mean())
    return tf.constant(mean, tf.float32), deviation


class _Search:
    """The variables of a projection and one step of it."""

    def __init__(self, generator, target, distance, space, label, seed):
        self._generator, self._target, self._distance = generator, target, distance
        self._seed = seed
        self._labels = None if label is None else tf.constant([label], tf.int64)
        mean, self._deviation = statistics(generator, seed, label)
        start = mean[None]
        if generator.mapping is not None:
            layers = generator.synthesis.latents if space == "w+" else 1
            start = tf.tile(start[:, None], [1, layers, 1])
        self._own = tf.Variable(start, name=space[0])
        self.noise = [
            tf.Variable(_draw([1, side, side, 1], seed, _MAPS, layer), name=f"noise{layer}")
            for layer, side in enumerate(generator.noise_sides)
        ]
        self._optimizer = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8)
        self._variables = [self._own, *self.noise]
        self._optimizer.build(self._variables)
        self._compiled = tf.function(self._step, autograph=False)

    def latents(self) -> tf.Tensor:
        """Returns w of every layer, [1, latents, w_size]; without a mapping z, [1, latent_size]."""
        if self._generator.mapping is None:
            return tf.identity(self._own)
        layers = self._generator.synthesis.latents
        return tf.tile(self._own, [1, layers // self._own.shape[1], 1])

    def image(self) -> np.ndarray:
        """Returns the image of the latents and the noise maps as they are."""
        return self._images(self.latents()).numpy()

    def step(self, step, rate, noise_share) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes one step and returns the distance and the loss before it."""
        return self._compiled(step, rate, noise_share)

    def _images(self, latents: tf.Tensor) -> tf.Tensor:
        noise = list(self.noise) or None
        return layer_latents.images(self._generator, latents, self._labels, noise)

    def _step(self, step, rate, noise_share):
        around = self._deviation * noise_share * _draw(self._own.shape, self._seed, _AROUND, step)
        with tf.GradientTape() as tape:
            image = self._images(self.latents() + around)
            distance = tf.reduce_sum(self._distance(image, self._target))
            loss = distance + _NOISE_PENALTY * noise_penalty(self.noise)
        gradients = tape.gradient(loss, self._variables, unconnected_gradients="zero")
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply_gradients(zip(gradients, self._variables))
        if self._generator.latent == "uniform":
            self._own.assign(tf.clip_by_value(self._own, -1.0, 1.0))  # no z lies beyond
        for x in self.noise:
            centred = x - tf.reduce_mean(x)
            x.assign(centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred))))
        return distance, loss


def _draw(shape, seed: int, purpose: int, index: tf.Tensor | int) -> tf.Tensor:
    """Returns standard normal numbers that depend on nothing but the arguments."""
    folded = tf.random.experimental.stateless_fold_in([seed, purpose], index)
    return tf.random.stateless_normal(shape, folded)
