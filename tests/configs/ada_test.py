"""The published recipes of adaptive augmentation."""

import pytest

from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError


def test_cifar_10_s_recipe_is_the_published_one():
    config = config_flags.load("ada_cifar10")
    resolved = schema.resolve(config, 32, 3)
    assert (resolved.augmentation.family, resolved.augmentation.chosen) == (
        "ada",
        ("blit", "geom", "color"),
    )
    generator, discriminator = config.generator, config.discriminator
    assert (generator.mapping_layers, discriminator.minibatch_stddev_group) == (2, 32)
    assert generator.path_length_weight == generator.style_mixing_probability == 0
    assert (config.penalties.r1_gamma, config.training.batch_size) == (0.01, 64)
    labelled = schema.replace(config, {"data.labels": True})
    assert schema.resolve(labelled, 32, 3, 10).images.classes == 10


# By hand: batch min(4096 / R, 32), gamma 0.0002 R² / batch, half-life 10,000 batch / 32.
@pytest.mark.parametrize(
    "side, batch, group, base, rate, gamma, half_life",
    [
        (32, 32, 4, 8192, 0.0025, 0.0064, 10_000),
        (256, 16, 4, 8192, 0.0025, 0.8192, 5_000),
        (1024, 4, 4, 16_384, 0.002, 52.4288, 1_250),
    ],
)
def test_the_general_recipe_follows_the_published_rules(
    side, batch, group, base, rate, gamma, half_life
):
    config = schema.resolve(config_flags.load(f"ada:{side}"), side, 3)
    assert config.training.batch_size == batch
    assert config.discriminator.minibatch_stddev_group == group
    assert config.generator.fmap_base == config.discriminator.fmap_base == base
    assert config.schedule.generator == config.schedule.discriminator
    assert config.schedule.generator.learning_rate == rate
    assert config.penalties.r1_gamma == pytest.approx(gamma)
    assert config.schedule.average.half_life_images == half_life


@pytest.mark.parametrize("side", ["100", "large"])
def test_a_side_without_a_recipe_is_refused_with_those_that_have_one(side):
    with pytest.raises(UserError, match=f"no recipe for side '{side}', expected one of 8, 16, 32"):
        config_flags.load(f"ada:{side}")
