"""StyleGAN's rows of the tables, which do not grow, and the recipes that do."""

import pytest

from dualcontrast.trainer import growth
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

# Images seen, then side, batch and step size from there on, at 256x256.
SCHEDULE = [
    (0, 8, 256, 0.001),
    (600_001, 16, 128, 0.001),
    (1_800_001, 32, 64, 0.001),
    (3_000_001, 64, 32, 0.001),
    (4_200_001, 128, 32, 0.0015),
    (5_400_001, 256, 32, 0.002),
    (24_000_000, 256, 32, 0.002),
]


@pytest.mark.parametrize("images_seen, side, batch, rate", SCHEDULE)
def test_a_recipe_grows_as_the_program_does(images_seen, side, batch, rate):
    config = schema.resolve(config_flags.load("stylegan:256"), 256, 3)
    assert config.generator.growing and config.discriminator.growing
    now = growth.at(config, images_seen)
    assert 256 >> growth.phase_at(config, images_seen).finest == side
    assert now.training.batch_size == now.iteration_images == batch
    for optimizer in (now.schedule.generator, now.schedule.discriminator):
        assert (optimizer.learning_rate, optimizer.adam_beta_1, optimizer.adam_beta_2) == (
            *(rate, 0.0, 0.99),
        )


def test_a_recipe_is_whole_when_the_program_s_is():
    config = schema.resolve(config_flags.load("stylegan:256"), 256, 3)
    assert growth.lod_at(config, 5_999_000) > 0
    assert growth.lod_at(config, 6_000_000) == growth.lod_at(config, 25_000_000) == 0


@pytest.mark.parametrize("side, rate", [(32, 0.001), (128, 0.0015), (512, 0.003), (1024, 0.003)])
def test_a_recipe_ends_with_the_step_size_of_its_side(side, rate):
    config = schema.resolve(config_flags.load(f"stylegan:{side}"), side, 3)
    last = growth.at(config, 24_999_999)
    assert (
        last.schedule.generator.learning_rate == last.schedule.discriminator.learning_rate == rate
    )


def test_other_sides_are_refused_with_those_that_there_are():
    with pytest.raises(UserError, match="no recipe stylegan:48, expected one of 32, 64, 128, 256"):
        config_flags.load("stylegan:48")
