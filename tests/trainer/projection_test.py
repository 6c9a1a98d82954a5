"""The schedule of a projection by its known values, and an image that is found again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.sampling import distances
from dualcontrast.trainer import projection
from dualcontrast.trainer.errors import UserError


@pytest.fixture(name="generator", scope="module")
def _generator():
    """Draws 8x8 images to which every variable contributes, the same in every process."""
    keras.utils.set_random_seed(1)
    network = generators.Generator(
        8, 3, latent_size=8, w_size=12, mapping_layers=2, fmap_base=64, fmap_max=16
    )
    network.build()
    random = np.random.default_rng(1)
    for variable in network.variables:
        change = 0.1 * random.standard_normal(variable.shape)
        variable.assign(variable.numpy() + change.astype(np.float32))
    return network


@pytest.fixture(name="target", scope="module")
def _target(generator):
    return generator(tf.random.stateless_normal([1, 8], [3, 4])).numpy()


def test_the_learning_rate_ramps_up_and_down():
    # Karras et al. 2020, appendix D: up over 5 %, down along a cosine over the last 25 %.
    rates = [projection.learning_rate(step / 1000) for step in (0, 25, 50, 500, 750, 875, 1000)]
    np.testing.assert_allclose(rates, [0, 0.05, 0.1, 0.1, 0.1, 0.05, 0], atol=1e-9)


def test_the_noise_on_w_fades_until_three_quarters():
    shares = [projection.latent_noise(t) for t in (0, 0.375, 0.75, 1)]
    np.testing.assert_allclose(shares, [0.05, 0.0125, 0, 0], atol=1e-9)


def test_the_penalty_sees_what_repeats_at_every_scale():
    # A constant map of 2 is 4 with itself moved, in two directions, at 16x16 and at 8x8.
    constant = tf.fill([1, 16, 16, 1], 2.0)
    assert float(projection.noise_penalty([constant])) == pytest.approx(2 * 2 * 4.0**2)
    # A checkerboard is -1 with itself moved at 8x8, the one scale that it has.
    board = tf.reshape(tf.cast(tf.range(8)[:, None] + tf.range(8), tf.float32) % 2, [1, 8, 8, 1])
    assert float(projection.noise_penalty([2 * board - 1])) == pytest.approx(2.0)
    # Of independent numbers it is about 2 / 64^2 at 64x64, and as much at each halving, relatively.
    noise = tf.random.stateless_normal([1, 64, 64, 1], [0, 0])
    assert float(projection.noise_penalty([noise])) < 1e-3


def test_the_statistics_are_those_of_the_mapping(generator):
    mean, deviation = projection.statistics(generator, 5)
    w = generator.mapping(tf.random.stateless_normal([20_000, 8], [9, 9])).numpy()
    np.testing.assert_allclose(mean, w.mean(axis=0), atol=0.05)
    assert deviation == pytest.approx(np.sqrt(w.var(axis=0).sum()), rel=0.03)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_an_image_of_the_generator_is_found(generator, target, space):
    before = [variable.numpy() for variable in generator.variables]
    seen = []
    found = projection.project(
        generator,
        target,
        distances.pixels().between,
        space=space,
        steps=150,
        on_step=lambda step, image: seen.append(step if step < 150 else image()),
    )
    assert found.distance < found.distances[0] / 10
    assert seen[:-1] == list(range(1, 150))
    np.testing.assert_array_equal(seen[-1], found.image)
    # All that reproduces the picture is there.
    again = generator.synthesis(found.latents, noise=found.noise)
    np.testing.assert_array_equal(again, found.image)
    assert found.latents.shape == (1, 4, 12)
    assert (found.latents == found.latents[:, :1]).all() == (space == "w")
    for noise, side in zip(found.noise, generator.synthesis.noise_sides, strict=True):
        assert noise.shape == (1, side, side, 1)
        assert abs(noise.mean()) < 1e-5 and noise.std() == pytest.approx(1, abs=1e-4)
    for old, variable in zip(before, generator.variables):
        np.testing.assert_array_equal(old, variable.numpy())


def test_a_seed_is_the_same_search_again_and_another_is_not(generator, target):
    def search(seed: int) -> projection.Projection:
        return projection.project(
            generator, target, distances.pixels().between, space="w", steps=5, seed=seed
        )

    first, again, other = search(1), search(1), search(2)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert abs(first.image - other.image).max() > 1e-3


def test_a_loss_that_is_not_finite_ends_the_search(generator, target):
    with pytest.raises(UserError, match="diverged at step 0 of 3: the loss is nan"):
        projection.project(
            generator, target, lambda a, b: a[:, 0, 0, 0] * np.nan, space="w", steps=3
        )


class Plain(networks.Generator):
    """A generator without mapping and noise: a product of z, another one for each class."""

    resolution, channels, latent_size, classes = 8, 1, 4, 2

    def call(self, z, labels=None):
        """Returns images, [batch, 8, 8, 1]."""
        kernel = tf.gather(tf.random.stateless_normal([2, 4, 64], [1, 2]), labels)
        return tf.reshape(tf.tanh(0.2 * tf.einsum("bi,bij->bj", z, kernel)), [-1, 8, 8, 1])


def test_z_itself_is_found_where_there_is_no_mapping():
    generator, z = Plain(), tf.constant([[1.5, -0.5, 0.3, -1.0]])
    assert projection.spaces(generator) == ("z",)
    target, between = generator(z, tf.constant([1])), distances.pixels().between
    found, other = (
        projection.project(generator, target, between, space="z", label=label, steps=200)
        for label in (1, 0)
    )
    np.testing.assert_allclose(found.latents, z, atol=0.05)
    np.testing.assert_array_equal(found.image, generator(found.latents, tf.constant([1])))
    assert found.noise == [] and found.distance < 1e-4 < 0.01 < other.distance


def test_the_search_begins_at_the_mean_of_the_class(generator):
    classes = generators.Generator(
        8, 3, classes=2, latent_size=8, w_size=12, mapping_layers=2, fmap_base=64, fmap_max=16
    )
    classes.build()
    first, second = (projection.statistics(classes, 5, label)[0] for label in (0, 1))
    z = tf.random.stateless_normal([10_000, 8], [9, 9])
    w = classes.mapping(z, tf.ones([10_000], tf.int64)).numpy()
    np.testing.assert_allclose(second, w.mean(axis=0), atol=0.05)
    assert abs(first - second).numpy().max() > 0.2


@pytest.mark.parametrize("channels", [1, 3])
def test_the_embedded_distance_can_be_followed_from_anywhere(channels):
    between = distances.from_embedded().between
    a = tf.random.stateless_uniform([2, 64, 64, channels], [1, 2], -1.0, 1.0)
    b = tf.random.stateless_uniform([2, 64, 64, channels], [3, 4], -1.0, 1.0)
    assert between(a, a).numpy() == pytest.approx([0, 0])
    assert between(a, b).numpy().min() > 0.1
    for start in (a, b):  # At the goal too, where the derivative of a length would be NaN.
        with tf.GradientTape() as tape:
            tape.watch(start)
            distance = between(start, b)
        assert np.isfinite(tape.gradient(distance, start)).all()


def test_images_that_a_network_cannot_see_are_compared_by_their_pixels():
    with pytest.raises(UserError, match="--distance=pixels"):
        distances.choose("embedded", 8, 4, None, None)
    with pytest.raises(UserError, match="from 16x16 on"):
        distances.choose("lpips", 8, 3, "vgg16.npz", "lpips.npz")
    with pytest.raises(UserError, match="--vgg16=none.npz cannot be read"):
        distances.choose("lpips", 16, 3, "none.npz", "lpips.npz")
    a, b = tf.zeros([1, 8, 8, 4]), tf.ones([1, 8, 8, 4])
    assert distances.choose("pixels", 8, 4, None, None).between(a, b).numpy() == pytest.approx([1])
