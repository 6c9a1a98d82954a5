"""BigGAN's recipes on ImageNet."""

import pytest

from dualcontrast.trainer.config import config_flags, contradictions, schema
from dualcontrast.trainer.errors import UserError


def recipe(side, changes=None):
    config = schema.replace(config_flags.load(f"biggan_imagenet:{side}"), changes or {})
    return schema.resolve(config, side, 3, 1000)


@pytest.mark.parametrize(
    "side, attention, latent_size", [(64, 32, 120), (128, 64, 120), (256, 64, 140)]
)
def test_a_recipe_is_the_program_s_script(side, attention, latent_size):
    config = recipe(side)
    for network in (config.generator, config.discriminator):
        assert network.family == "biggan"
        assert (network.attention_resolution, network.width) == (
            attention,
            64 if side == 64 else 96,
        )
    assert (config.generator.latent_size, config.generator.orthogonal_weight) == (latent_size, 0)
    assert (config.loss.family, config.images.classes, config.data.mirror) == ("hinge", 1000, False)
    schedule, training = config.schedule, config.training
    assert (schedule.order, schedule.discriminator_steps) == ("discriminator_first", 1)
    assert (training.batch_size, training.accumulation, training.ghost_batches) == (2048, 8, 8)
    rates = schedule.generator, schedule.discriminator
    assert [rate.learning_rate for rate in rates] == [1e-4, 4e-4]
    assert {(r.adam_beta_1, r.adam_beta_2, r.adam_epsilon) for r in rates} == {(0, 0.999, 1e-6)}
    assert schedule.average.start_images == 20_000 * 2048 and schedule.average.moments
    assert 0.5 ** (2048 / schedule.average.half_life_images) == pytest.approx(0.9999, abs=1e-8)


@pytest.mark.parametrize("devices, parts", [(1, 8), (2, 4), (4, 2), (8, 1)])
def test_the_eight_ghost_batches_are_shared_by_devices_and_parts(devices, parts):
    config = recipe(128, {"training.accumulation": parts})
    contradictions.check_replicas(config, devices)
    with pytest.raises(UserError, match="ghost_batches=8 is not"):
        contradictions.check_replicas(config, 2 * devices)


def test_the_changes_that_make_it_the_paper_s_are_valid():
    changes = {
        "training.accumulation": 1,
        "training.ghost_batches": 1,
        "schedule.discriminator_steps": 2,
        "generator.orthogonal_weight": 1e-4,
    }
    contradictions.check_replicas(recipe(128, changes), 128)


def test_other_recipes_are_refused_with_those_that_there_are():
    with pytest.raises(
        UserError, match="no recipe biggan_imagenet:512, expected one of 32, 64, 12"
    ):
        config_flags.load("biggan_imagenet:512")
