"""Path lengths of a generator of ours."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.layers.stylegan2.generator import Generator
from dualcontrast.trainer import seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import path_length
from dualcontrast.trainer.evaluation.fake_labels import Frequencies
from dualcontrast.trainer.features import lpips


@pytest.fixture(name="generator", scope="module")
def _generator() -> Generator:
    made = Generator(8, latent_size=6, w_size=6, mapping_layers=1, fmap_base=32, fmap_max=4)
    made.build()
    for layer in made.synthesis.layers:
        layer.strength.assign(1.0)
    return made


def squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum((a.astype(np.float64) - b) ** 2, axis=(1, 2, 3))


def measure(generator, metric: str, **changes):
    how = {"pairs": 20, "crop": False, "seed": 0} | changes
    return path_length.measure(metric, generator, lpips.Distance("0", squares), **how)


@pytest.mark.parametrize("metric", path_length.PATH_LENGTHS)
def test_both_ends_of_a_step_have_the_same_noise(generator, metric):
    # With noise of their own the ends would differ by about 1, and the value by 1e8.
    value = measure(generator, metric).estimate.value
    assert 0 < value < 1e4


def test_the_length_is_that_of_the_derivative(generator):
    # At the beginning of a path in w: |image(w + e (v - w)) - image(w)|^2 / e^2.
    found = measure(generator, "ppl_wend", pairs=1).estimate.value
    z = tf.constant(np.random.default_rng(0).standard_normal([2, 8, 6])[:, :1], tf.float32)
    start, end = generator.mapping(z[0]), generator.mapping(z[1])
    noise = seeds.noise(tf.constant([0], tf.int64), generator.synthesis.noise_sides)
    # The compiled operations have no derivatives in forward mode.
    with (
        implementation.using("ref"),
        tf.autodiff.ForwardAccumulator(start, end - start) as accumulator,
    ):
        images = generator.synthesis(generator.broadcast(start), noise=noise)
    tangent = accumulator.jvp(images).numpy()
    assert found == pytest.approx(np.sum(tangent**2), rel=0.05)


def test_progress_ends_with_all_pairs(generator):
    counts = []
    measure(generator, "ppl_wfull", pairs=10, on_count=counts.append)
    assert counts[-1] == 10


def test_a_generator_of_transparent_images_is_refused():
    made = Generator(8, channels=4, latent_size=4, w_size=4, fmap_base=32, fmap_max=4)
    with pytest.raises(UserError, match="this generator makes RGBA"):
        measure(made, "ppl_wend")


class Classes:
    """Stands in for a generator of three classes, whose images of two are far apart."""

    channels, latent_size, latent, noise_sides = 3, 4, "normal", []

    def mapping(self, z, labels):
        return z + 100 * tf.cast(labels, tf.float32)[:, None]

    def broadcast(self, w):
        return w

    def synthesis(self, w):
        return tf.tile(w[:, None, None, :3], [1, 4, 4, 1])

    def __call__(self, z, labels):
        return self.synthesis(self.mapping(z, labels))


@pytest.mark.parametrize("metric, most", [("ppl_zend", 200), ("ppl_wend", 1000)])
def test_both_ends_of_a_step_have_the_same_class(metric, most):
    # The speed of z: pi at most on the circle, |v - w| on the line; squared, for 16 pixels. Two
    # classes would be 100 apart on a step of 1e-4.
    found = measure(Classes(), metric, frequencies=Frequencies("data", (1, 1, 1)))
    assert 0 < found.estimate.value < most
