"""Images of a class from networks that were trained without any: cDDLS (Jeong and Shin 2021).

Langevin dynamics in the latents go where the discriminator and a linear classifier upon its
features agree. Che et al. 2020 sample from the discriminator alone so.

Where z is uniform from -1 to 1 it is clipped to that after every step, and has no prior besides, as
in the program. Where it is normal its prior is a part of the energy; the program has no such rule.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.sampling.sampler import Sampler
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import layer_latents, pictures
from dualcontrast.trainer.evaluation.linear_head import LinearHead

STEP = 0.01  # of the dynamics, and of the noise upon images whose values are 0 to 1
NOISE = 0.1  # of a step, over the root of its size
_BATCH = 50

# From z to images in [-1, 1], and from images to how good they are, [batch].
Generate = Callable[[tf.Tensor], tf.Tensor]
Judge = Callable[[tf.Tensor], tf.Tensor]


def shown(generate: Generate, z: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """Returns the images of z with noise upon them; values of -1 to 1 have twice that of 0 to 1."""
    return generate(z) + 2 * STEP * eta


def energy(
    generate: Generate, judge: Judge, z: tf.Tensor, eta: tf.Tensor, latent: str
) -> tf.Tensor:
    """Returns -judge(x) + |eta|^2 / 2 of every sample, [batch], and + |z|^2 / 2 for a normal z."""
    prior = tf.reduce_sum(eta**2, axis=[1, 2, 3])
    if latent == "normal":
        prior += tf.reduce_sum(z**2, axis=1)
    return prior / 2 - judge(shown(generate, z, eta))


def step(
    generate: Generate,
    judge: Judge,
    z: tf.Tensor,
    eta: tf.Tensor,
    drawn: tuple[tf.Tensor, tf.Tensor],
    latent: str,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns z and eta after one step of Langevin dynamics.

    Args:
      generate, judge: the networks, as functions.
      z: [batch, latent_size].
      eta: [batch, height, width, channels].
      drawn: standard normal numbers of their shapes.
      latent: how z is drawn, see `networks.Generator`.
    """
    with tf.GradientTape() as tape:
        tape.watch((z, eta))
        total = tf.reduce_sum(energy(generate, judge, z, eta, latent))
    z, eta = (
        x - STEP / 2 * slope + NOISE * STEP**0.5 * noise
        for x, slope, noise in zip((z, eta), tape.gradient(total, (z, eta)), drawn)
    )
    return tf.clip_by_value(z, -1.0, 1.0) if latent == "uniform" else z, eta


class SelfConditionalSampler(Sampler):
    """Makes images of one class of a linear classifier, by steps from each seed's latents.

    Args:
      generator, discriminator: built, of one checkpoint, without classes.
      head: upon the discriminator's features.
      label: the class.
      steps: how many.
    """

    def __init__(
        self,
        generator: networks.Generator,
        discriminator: networks.Discriminator,
        head: LinearHead,
        label: int,
        steps: int,
    ):
        super().__init__(generator, 1.0, False)
        self._label, self._steps = label, steps
        weights, bias = tf.constant(head.weights[:, label]), float(head.bias[label])

        def judge(images):
            features = discriminator.features(images)
            of_class = tf.linalg.matvec(features, weights) + bias
            return discriminator.logits_of(features) + of_class

        def generate(z):
            return layer_latents.images(generator, layer_latents.of(generator, z))

        self._shape = (generator.resolution, generator.resolution, generator.channels)
        self._shown = tf.function(
            lambda z, eta: pictures.to_uint8(shown(generate, z, eta)), autograph=False
        )
        self._step = tf.function(
            lambda z, eta, drawn: step(generate, judge, z, eta, drawn, generator.latent),
            autograph=False,
        )

    def labels(self, seeds: list[int], label: int | None = None) -> np.ndarray:
        """Returns the class of every image."""
        return np.full(len(seeds), self._label, np.int64)

    def from_seeds(self, seeds: list[int], label: int | None = None) -> Iterator[np.ndarray]:
        """Yields the image of every seed: a function of the seeds that are computed at once."""
        batches = [seeds[first : first + _BATCH] for first in range(0, len(seeds), _BATCH)]
        with ProgressBar("steps", len(batches) * self._steps) as bar:
            for number, batch in enumerate(batches):
                yield from self._sampled(batch, bar, number * self._steps)

    def _sampled(self, seeds: list[int], bar: ProgressBar, done: int) -> np.ndarray:
        """Returns uint8 images, [seeds, resolution, resolution, channels]."""
        random = [np.random.default_rng([seed, self._label]) for seed in seeds]

        def normal(shape) -> tf.Tensor:
            return tf.constant(np.stack([one.standard_normal(shape, np.float32) for one in random]))

        z, eta = tf.constant(self.latents(seeds)), normal(self._shape)
        for k in range(self._steps):
            z, eta = self._step(z, eta, (normal(z.shape[1:]), normal(self._shape)))
            bar.show(done + k + 1)
        return self._shown(z, eta).numpy()
