"""The published recipes of R3GAN."""

import ast
import pathlib

import pytest

from dualcontrast.configs import r3gan
from dualcontrast.trainer import burn_in
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

# The authors' presets: side, classes, batch; gamma, half-life and probability at the end; images of
# the burn-in.
PRESETS = {
    "32": (32, 10, 512, 0.005, 5_000_000, 0.55, 20_000_000),
    "64": (64, 0, 256, 0.2, 500_000, 0.3, 20_000_000),
    "256": (256, 0, 256, 15.0, 500_000, 0.3, 20_000_000),
    "imagenet32": (32, 1000, 4096, 0.05, 50_000_000, 0.5, 200_000_000),
    "imagenet64": (64, 1000, 4096, 0.1, 50_000_000, 0.4, 200_000_000),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_is_the_preset(name):
    side, classes, batch, gamma, half_life, probability, images = PRESETS[name]
    config = schema.resolve(config_flags.load(f"r3gan:{name}"), side, 3, classes)
    assert config.images.classes == classes
    assert (config.loss.family, config.data.mirror) == ("relativistic", True)
    assert (config.training.batch_size, config.schedule.burn_in.images) == (batch, images)
    penalties = config.penalties
    assert penalties.r1_gamma == penalties.r2_gamma == gamma
    assert penalties.r1_every is penalties.r2_every is None
    assert config.schedule.average.half_life_images == half_life
    assert config.schedule.order == "discriminator_first"
    shown = config.augmentation
    assert (shown.chosen, shown.probability, shown.color) == (
        ("blit", "geom", "color", "cutout"),
        probability,
        0.5,
    )
    assert config.generator.fake_labels == "reals" and config.generator.latent_size == 64


# Step size, beta 2, gamma of CIFAR-10: from 2e-4, 0.9, 0.05 to 5e-5, 0.99, 0.005; half of the way.
@pytest.mark.parametrize(
    "images_seen, expected",
    [(0, (2e-4, 0.9, 0.05)), (10_000_000, (1.25e-4, 0.945, 0.0275)), (10**9, (5e-5, 0.99, 0.005))],
)
def test_a_recipe_burns_in_as_the_preset_does(images_seen, expected):
    config = config_flags.load("r3gan:32")
    schedule, adam = config.schedule, config.schedule.generator
    assert adam == schedule.discriminator and (adam.adam_beta_1, adam.adam_epsilon) == (0, 1e-8)
    factors = burn_in.BurnIn(schedule.burn_in)
    ends = schedule.burn_in.adam_beta_2, adam.adam_beta_2
    found = (
        adam.learning_rate * factors.factor_at("learning_rate", images_seen),
        burn_in.value_at(*ends, images_seen, schedule.burn_in.images),
        config.penalties.r1_gamma * factors.factor_at("penalties", images_seen),
    )
    assert found == pytest.approx(expected)
    grown = [factors.factor_at(name, images_seen) for name in ("half_life", "augmentation")]
    assert grown == pytest.approx([1 - (found[1] - 0.99) / (0.9 - 0.99)] * 2)


def test_the_docstring_names_every_recipe():
    text = ast.get_docstring(ast.parse(pathlib.Path(r3gan.__file__).read_text("utf-8")))
    assert [name for name in PRESETS if f"r3gan:{name} " not in text] == []


def test_other_recipes_are_refused_with_those_that_there_are():
    named = "no recipe r3gan:128, expected one of 32, 64, 256, imagenet32, imagenet64"
    with pytest.raises(UserError, match=named):
        config_flags.load("r3gan:128")
