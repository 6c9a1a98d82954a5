"""Where z is uniform from -1 to 1, everything that draws it does so."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.evaluation import saved_generator
from dualcontrast.tools.sampling import distances, model_card, model_folder
from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer import draws, grids, pictures, projection, seeds, state
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated, separability
from dualcontrast.trainer.metrics import perceptual_path_length

SIZE = 4


@pytest.fixture(name="config", scope="module")
def _config() -> schema.Config:
    fields = {"architecture": "dcgan", "width": 1}
    return schema.resolve(
        schema.Config(
            generator=sngan.Generator(**fields, latent_size=SIZE, latent="uniform"),
            discriminator=sngan.Discriminator(**fields),
        ),
        8,
        3,
    )


@pytest.fixture(name="generator", scope="module")
def _generator(config) -> networks.Generator:
    keras.utils.set_random_seed(0)
    made = state.make_generator(config)
    for number, variable in enumerate(made.trainable_variables):
        variable.assign(np.random.default_rng(number).normal(size=variable.shape))
    return made


def is_uniform(z) -> bool:
    """Whether numbers fill the interval from -1 to 1, and nothing else, evenly."""
    ends = np.histogram(z, bins=4, range=(-1, 1))[0] / np.size(z)
    return np.abs(z).max() <= 1 and np.abs(ends - 0.25).max() < 0.03


def test_training_draws_it_so_for_every_number_of_replicas(generator):
    draw = draws.Draws(3, 64, draws.Purpose.GENERATOR, 512)
    z = generator.draw(draw)["z"].numpy()
    assert is_uniform(z)
    shares = [generator.draw(draw.share(index, 2))["z"].numpy() for index in (0, 1)]
    np.testing.assert_array_equal(z, np.stack(shares, axis=1).reshape(z.shape))
    normal = draw.latents(SIZE).numpy()
    assert not is_uniform(normal) and normal.std() == pytest.approx(1, abs=0.05)


def test_a_seed_is_the_same_image_for_every_tool(generator, config, tmp_path):
    numbers = list(range(300))
    z = samplers.Sampler(generator, 1.0, False).latents(numbers)
    assert is_uniform(z)
    np.testing.assert_array_equal(z[:2], seeds.latents(tf.constant([0, 1]), SIZE, "uniform"))
    expected = pictures.to_uint8(generator(z[:5])).numpy()
    source = generated.of_generator(generator, "here", 0)
    model = str(tmp_path / "model")
    model_folder.write(generator, config, 0, tmp_path / "model", 16, [])
    exported = saved_generator.open_model(model, seed=0, truncation_psi=1)
    for images in (source.images(5), exported.images(5)):
        found = np.concatenate(list(images.read()))
        assert np.abs(found.astype(int) - expected).max() <= 1
    spaces = dict(separability._latents(source, generator, source.images(5)))
    np.testing.assert_array_equal(spaces["z"], z[:5])
    loaded = tf.saved_model.load(model)
    assert loaded.latent.numpy() == b"uniform"
    png = tf.io.decode_png(loaded.seeds(1, 1)["png_bytes"][0]).numpy()
    assert np.abs(png.astype(int) - expected[1]).max() <= 1
    loaded.latent.assign("round")
    tf.saved_model.save(loaded, str(tmp_path / "odd"), signatures=loaded.signatures)
    with pytest.raises(UserError, match="draws z in a way that is not known here: b'round'"):
        saved_generator.open_model(str(tmp_path / "odd"), seed=0, truncation_psi=1)


def test_the_card_of_an_export_says_it(generator, config):
    card = model_card.model_card(generator, config, 0, 16)
    assert f"`z` float32 [batch, {SIZE}], uniform from -1 to 1 |" in card
    assert f"z = tf.random.uniform([16, {SIZE}], -1, 1)\n" in card and "normal(" not in card


def test_the_grid_of_a_run_has_it(generator, config, monkeypatch):
    seen = []
    sampler = grids._Sampler(config, generator)
    monkeypatch.setattr(sampler, "_generate", lambda batch: seen.append(batch["z"]) or batch["z"])
    sampler.images()
    assert is_uniform(np.concatenate(seen))


def test_the_way_between_two_seeds_is_straight(generator):
    sampler = samplers.Sampler(generator, 1.0, False)
    start, end = sampler.latents([3, 8])
    frames = list(sampler.interpolated([3, 8], 4))
    expected = [start, 0.75 * start + 0.25 * end, (start + end) / 2]
    images = pictures.to_uint8(generator(np.stack(expected))).numpy()
    assert np.abs(np.stack(frames[:3]).astype(int) - images).max() <= 1
    images = pictures.to_uint8(generator(end[None])).numpy()
    assert np.abs(frames[4].astype(int) - images[0]).max() <= 1


def test_a_path_length_is_of_straight_lines_between_uniform_ends():
    ends = []

    def generate(z, batch):
        ends.append(z)
        return z.reshape(-1, 1, 1, SIZE)

    def distance(a, b):
        return ((a - b) ** 2).sum(axis=(1, 2, 3))

    found = perceptual_path_length.estimate(
        generate, distance, latent_size=SIZE, latent="uniform", sampling="end", pairs=800
    )
    assert is_uniform(np.concatenate(ends[::2]))
    # Of independent numbers from -1 to 1 the mean squared difference is 2/3, a number.
    assert found.value == pytest.approx(2 / 3 * SIZE, rel=0.08)


class Steep(networks.Generator):
    """Images of the sum of z, which only a z beyond the interval could make bright enough."""

    resolution, channels, latent_size, latent = 8, 1, 2, "uniform"

    def call(self, z):
        return tf.ones([z.shape[0], 8, 8, 1]) * tf.reduce_sum(z, axis=1)[:, None, None, None] / 4


def test_a_projection_stays_where_z_is_drawn():
    _, deviation = projection.statistics(Steep(), 0)
    drawn = seeds.latents(tf.range(2000, dtype=tf.int64), 2, "uniform").numpy()
    length = np.sqrt(np.square(drawn).sum(axis=1).mean())
    assert deviation == pytest.approx(length, rel=0.02) == pytest.approx((2 / 3) ** 0.5, rel=0.02)
    found = projection.project(
        Steep(), np.ones([1, 8, 8, 1]), distances.pixels().between, space="z", steps=30
    )
    np.testing.assert_array_equal(found.latents, [[1, 1]])


def test_contrad_s_rows_have_it_and_others_do_not():
    for name, expected in (
        ("sndcgan", "uniform"),
        ("snresnet18", "uniform"),
        ("sngan_adv", "normal"),
        ("advaug_cifar10", "normal"),
    ):
        config = config_flags.load(name)
        made = config.generator.make(config.images._replace(resolution=32, channels=3))
        assert made.latent == expected


def test_another_distribution_is_refused():
    with pytest.raises(UserError, match="generator.latent: got 'unifrom', .*did you mean uniform"):
        schema.validate(schema.Config(generator=sngan.Generator(latent="unifrom")))
    with pytest.raises(ValueError, match="latent must be normal or uniform, got 'round'"):
        sngan.Generator(latent="round").make(schema.section.Images(32, 3))
