"""Finds the w and the noise maps whose image is nearest to a given one.

Karras et al. 2020, appendix D, with its constants: Adam for 1000 steps from the mean of w, a
learning rate that ramps up and down, noise on w that fades, and a penalty that keeps the noise maps
from hiding the image in themselves.
"""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.trainer.errors import UserError

SPACES = ("w", "w+")
# (images, images), [batch, resolution, resolution, channels] in [-1, 1] -> [batch], differentiable.
Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_LEARNING_RATE, _RAMP_UP, _RAMP_DOWN = 0.1, 0.05, 0.25
_W_NOISE, _W_NOISE_UNTIL = 0.05, 0.75
_NOISE_PENALTY = 1e5
_LATENTS, _CHUNK = 10_000, 1_000  # That the mean and the deviation of w are taken from.
_SMALLEST = 8  # Side at which the pyramid of a noise map ends.
_STATISTICS, _MAPS, _W = range(3)  # What a draw is for.


@dataclasses.dataclass(frozen=True)
class Projection:
    """What reproduces a picture with its generator, and how it was found.

    Attributes:
      w: [1, latents, w_size] float32, one latent a layer; all the same in space "w".
      noise: the layers' maps, [1, side, side, 1] float32 each.
      image: [1, resolution, resolution, channels] float32, what the generator makes of both.
      distance: of the image to the target.
      distances: [steps] float32, to the target before each step, with the noise on w.
      losses: [steps] float32, the same with the penalty on the noise maps.
    """

    w: np.ndarray
    noise: list[np.ndarray]
    image: np.ndarray
    distance: float
    distances: np.ndarray
    losses: np.ndarray


def project(
    generator: generators.Generator,
    target: np.ndarray,
    distance: Distance,
    *,
    space: str = "w",
    steps: int = 1000,
    seed: int = 0,
    on_step: Callable[[int, Callable[[], np.ndarray]], None] = lambda step, image: None,
) -> Projection:
    """Returns the projection of an image.

    Args:
      generator: built, in float32; it stays as it is.
      target: [1, resolution, resolution, channels] float32 in [-1, 1].
      distance: to make small.
      space: "w" is one w for all layers, "w+" one for each: nearer to the target, and further from
        what the generator learned.
      steps: of Adam, at least 1.
      seed: of all draws.
      on_step: called after each step with its number, from 1, and a function that gives the image
        as it is then.

    Raises:
      UserError: the loss is not finite.
    """
    search = _Search(generator, tf.constant(target, tf.float32), distance, space, seed)
    history = []
    for step in range(steps):
        found = search.step(
            tf.constant(step),
            tf.constant(learning_rate(step / steps)),
            tf.constant(w_noise(step / steps)),
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
    return Projection(search.w().numpy(), noise, image, last, distances, losses)


def learning_rate(t: float) -> float:
    """Returns Adam's step size at `t`, the share of all steps that are done."""
    down = min(1.0, (1.0 - t) / _RAMP_DOWN)
    return _LEARNING_RATE * (0.5 - 0.5 * math.cos(math.pi * down)) * min(1.0, t / _RAMP_UP)


def w_noise(t: float) -> float:
    """Returns the deviation of the noise on w at `t`, in deviations of w."""
    return _W_NOISE * max(0.0, 1.0 - t / _W_NOISE_UNTIL) ** 2


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


def w_statistics(generator: generators.Generator, seed: int) -> tuple[tf.Tensor, float]:
    """Returns the mean of w, [w_size], and the root mean squared length of w less its mean.

    Args:
      generator: built.
      seed: of the 10,000 latents.
    """
    z = tf.random.stateless_normal([_LATENTS, generator.latent_size], [seed, _STATISTICS])
    chunks = tf.split(z, _LATENTS // _CHUNK)
    w = np.concatenate([generator.mapping(chunk).numpy() for chunk in chunks]).astype(np.float64)
    mean = w.mean(axis=0)
    deviation = math.sqrt(np.square(w - mean).sum(axis=1).mean())
    return tf.constant(mean, tf.float32), deviation


class _Search:
    """The variables of a projection and one step of it."""

    def __init__(self, generator, target, distance, space, seed):
        self._generator, self._target, self._distance = generator, target, distance
        self._seed = seed
        mean, self._deviation = w_statistics(generator, seed)
        layers = generator.synthesis.latents if space == "w+" else 1
        self._w = tf.Variable(tf.tile(mean[None, None, :], [1, layers, 1]), name="w")
        self.noise = [
            tf.Variable(_draw([1, side, side, 1], seed, _MAPS, layer), name=f"noise{layer}")
            for layer, side in enumerate(generator.synthesis.noise_sides)
        ]
        self._optimizer = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8)
        self._variables = [self._w, *self.noise]
        self._optimizer.build(self._variables)
        self._compiled = tf.function(self._step, autograph=False)

    def w(self) -> tf.Tensor:
        """Returns w for every layer, [1, latents, w_size]."""
        layers = self._generator.synthesis.latents
        return tf.tile(self._w, [1, layers // self._w.shape[1], 1])

    def image(self) -> np.ndarray:
        """Returns the image of w and the noise maps as they are."""
        return self._generator.synthesis(self.w(), noise=list(self.noise)).numpy()

    def step(self, step, rate, w_noise_share) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes one step and returns the distance and the loss before it."""
        return self._compiled(step, rate, w_noise_share)

    def _step(self, step, rate, w_noise_share):
        around = self._deviation * w_noise_share * _draw(self._w.shape, self._seed, _W, step)
        with tf.GradientTape() as tape:
            image = self._generator.synthesis(self.w() + around, noise=list(self.noise))
            distance = tf.reduce_sum(self._distance(image, self._target))
            loss = distance + _NOISE_PENALTY * noise_penalty(self.noise)
        gradients = tape.gradient(loss, self._variables, unconnected_gradients="zero")
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply_gradients(zip(gradients, self._variables))
        for x in self.noise:
            centred = x - tf.reduce_mean(x)
            x.assign(centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred))))
        return distance, loss


def _draw(shape, seed: int, purpose: int, index: tf.Tensor | int) -> tf.Tensor:
    """Returns standard normal numbers that depend on nothing but the arguments."""
    folded = tf.random.experimental.stateless_fold_in([seed, purpose], index)
    return tf.random.stateless_normal(shape, folded)
