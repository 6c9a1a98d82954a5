"""Langevin dynamics against NumPy, and the sampler as seed_pictures calls it."""

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver

from dualcontrast.layers import networks
from dualcontrast.tools import generate
from dualcontrast.tools.sampling import self_conditional
from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated, linear_head
from dualcontrast.trainer.evaluation.linear_head import LinearHead

DRAWN = np.random.default_rng(0)
MIX = DRAWN.normal(size=[2, 4]).astype(np.float32)  # from z to four pixels
LOGIT, CLASS = DRAWN.normal(size=[2, 4]).astype(np.float32)  # upon the squares of the pixels


class Generator(networks.Generator):
    resolution, channels, latent_size = 2, 1, 2

    def __init__(self, latent="normal"):
        super().__init__()
        self.latent = latent

    def call(self, z):
        return tf.reshape(z @ MIX, [-1, 2, 2, 1])


class Discriminator(networks.Discriminator):
    def features(self, images):
        return tf.reshape(images, [-1, 4]) ** 2

    def logits_of(self, features, labels=None):
        return tf.linalg.matvec(features, LOGIT)


def stepped(z, eta, noise_of_z, noise_of_eta, latent="normal"):
    """A step in NumPy: E = -sum((a + w) x^2) - b + |z|^2 / 2 + |eta|^2 / 2, x = z M + 0.02 eta.

    Without |z|^2 / 2 where z is uniform, which is clipped.
    """
    x = z @ MIX + 0.02 * eta
    slope = -2 * (LOGIT + CLASS) * x
    prior = z if latent == "normal" else 0
    z = z - 0.005 * (slope @ MIX.T + prior) + 0.01 * noise_of_z
    eta = eta - 0.005 * (0.02 * slope + eta) + 0.01 * noise_of_eta
    return (z if latent == "normal" else np.clip(z, -1, 1)), eta


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_a_step_is_that_of_numpy(latent):
    z, noise_of_z = DRAWN.normal(size=[2, 3, 2]).astype(np.float32)
    eta, noise_of_eta = DRAWN.normal(size=[2, 3, 4]).astype(np.float32)

    def judge(images):
        features = Discriminator().features(images)
        return tf.linalg.matvec(features, LOGIT + CLASS) + 0.7

    as_images = [tf.reshape(x, [3, 2, 2, 1]) for x in (eta, noise_of_eta)]
    drawn = tf.constant(noise_of_z), as_images[1]
    found = self_conditional.step(Generator(), judge, tf.constant(z), as_images[0], drawn, latent)
    expected = stepped(z, eta, noise_of_z, noise_of_eta, latent)
    assert (np.abs(expected[0]).max() <= 1) == (latent == "uniform")
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tf.reshape(found[1], [3, 4]), expected[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps, latent", [(1, "normal"), (4, "normal"), (4, "uniform")])
def test_the_sampler_takes_its_steps_from_the_seeds_latents(steps, latent):
    head = LinearHead(
        np.stack([np.zeros(4, np.float32), CLASS], axis=1),
        np.float32([0, 0.7]),
        "trunk",
        {"classes": ["none", "some"]},
    )
    sampler = self_conditional.SelfConditionalSampler(
        Generator(latent), Discriminator(), head, label=1, steps=steps
    )
    seeds = [3, 8]
    random = [np.random.default_rng([seed, 1]) for seed in seeds]

    def normal(*shape):
        return np.stack([one.standard_normal(shape, np.float32) for one in random])

    z, eta = sampler.latents(seeds), normal(2, 2, 1).reshape(2, 4)
    for _ in range(steps):
        z, eta = stepped(z, eta, normal(2), normal(2, 2, 1).reshape(2, 4), latent)
    expected = np.clip(np.round((z @ MIX + 0.02 * eta + 1) * 127.5), 0, 255)
    found = np.stack(list(sampler.from_seeds(seeds)))
    np.testing.assert_allclose(found.reshape(2, 4), expected, atol=1)
    assert list(sampler.labels(seeds)) == [1, 1]


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory):
    """A run of narrow networks, and a classifier of two classes upon its discriminator."""
    folder = tmp_path_factory.mktemp("runs")
    config = schema.Config(
        generator=sngan.Generator(architecture="dcgan", width=1, latent_size=4),
        discriminator=sngan.Discriminator(architecture="dcgan", width=1, head="mlp", head_width=4),
    )
    config = schema.replace(config, {"data.resolution": 8, "data.channels": 3})
    trained = state.State(config)
    trained.images_seen.assign(8)
    checkpoint.Checkpoints(folder / "run", trained, keep=1).save()
    files.write(folder / "run" / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    digest = generated.weights_digest(checkpoint.load_discriminator(str(folder / "run")))
    weights = np.random.default_rng(1).normal(size=[8, 2]).astype(np.float32)
    about = {"classes": ["cat", "dog"], "checkpoint": "this one"}
    head = LinearHead(weights, np.zeros(2, np.float32), digest, about)
    linear_head.save(folder / "head.npz", head)
    linear_head.save(folder / "other.npz", LinearHead(weights, head.bias, "another", about))
    return folder


def call(run, output, **more: str) -> None:
    flags.FLAGS.mark_as_parsed()
    shown = {"run": str(run / "run"), "output": str(output), "linear_head": str(run / "head.npz")}
    with flagsaver.as_parsed(**(shown | {"seeds": "4,7", "langevin_steps": "2"} | more)):
        generate.main(["generate"])


def test_the_command_writes_images_of_a_class(run, tmp_path, capsys):
    call(run, tmp_path, self_conditional="dog")
    assert {path.name for path in tmp_path.iterdir()} == {
        "class0001-seed0004.png",
        "class0001-seed0007.png",
    }
    assert "2 images in" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, expected",
    [
        ({"self_conditional": "dag"}, "--self_conditional=dag"),
        ({}, "need each other"),
        ({"self_conditional": "dog", "class": "dog"}, "--class has no place"),
        ({"self_conditional": "dog", "linear_head": "other.npz"}, "not upon this discriminator"),
    ],
)
def test_what_cannot_be_drawn_is_refused(run, tmp_path, more, expected):
    if "linear_head" in more:
        more = more | {"linear_head": str(run / more["linear_head"])}
    with pytest.raises(UserError) as caught:
        call(run, tmp_path, **more)
    assert expected in str(caught.value) and len(str(caught.value).splitlines()) <= 2
