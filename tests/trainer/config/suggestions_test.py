"""What is suggested in place of a name that there is not: what is near, or what there is."""

import pytest

from dualcontrast.trainer.config import config_flags, suggestions

FIELDS = [*config_flags.known_fields()]
SECTIONS = "the sections are loss, augmentation, generator, discriminator, penalties, consistency,"


@pytest.mark.parametrize(
    "asked, meant",
    [
        ("training.batchsize", "training.batch_size"),
        ("training.total-images", "training.total_images"),
        ("generater.fmap_max", "generator.fmap_max"),
        ("eval.images", "evaluation.images"),
        ("generator.attention.kid", "generator.attention.kind"),
        ("average.half_life_images", "schedule.average.half_life_images"),
        ("discriminator.san.sharing", "discriminator.attention.san.sharing"),
        ("r1_gamma", "penalties.r1_gamma"),
        ("batch_size", "training.batch_size"),
        ("loss.warmup_imgs", "loss.warmup_images"),
        ("training.seed.x", "training.seed"),
    ],
)
def test_a_field_that_is_near_in_section_and_name_is_suggested(asked, meant):
    assert suggestions.for_field(asked, FIELDS) == f"did you mean {meant}?"


@pytest.mark.parametrize(
    "asked",
    ["regulariser.kind", "optimizer.seed", "labels.resolution", "wandb.images", "sngan.w_size"],
)
def test_a_name_in_a_section_that_there_is_not_lists_the_sections(asked):
    assert suggestions.for_field(asked, FIELDS).startswith(SECTIONS)


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("data.seed", "data has resolution, channels, mirror"),
        ("evaluation.kind", "evaluation has every_images, images, extractor, weights"),
        ("loss.kind", "loss has generator_objective, contrast_scope, warmup_images,"),
        ("discriminator.latent_size", "discriminator has "),
        ("schedule.generator.batch_size", "schedule.generator has learning_rate, adam_beta_1,"),
        ("discriminator", "discriminator has "),
    ],
)
def test_a_name_of_another_section_lists_what_its_own_has(asked, expected):
    assert suggestions.for_field(asked, FIELDS).startswith(expected)


@pytest.mark.parametrize(
    "asked, now",
    [
        ("discriminator.r1_gamma", "penalties.r1_gamma"),
        ("generator.ema_half_life_images", "schedule.average.half_life_images"),
        (
            "training.adam_beta_2",
            "schedule.generator.adam_beta_2 and schedule.discriminator.adam_beta_2",
        ),
    ],
)
def test_where_a_field_has_moved_is_said(asked, now):
    assert suggestions.for_field(asked, FIELDS) == f"it is {now} now"


FLAGS = ["run", "output", "truncation_psi", "config", "data", "workdir"]


@pytest.mark.parametrize(
    "asked, hint",
    [
        ("truncation-psi", "did you mean --truncation_psi?"),
        ("outptu", "did you mean --output?"),
        ("work_dir", "did you mean --workdir?"),
        ("training.batchsize", "did you mean --config.training.batch_size?"),
        ("batch_size", "did you mean --config.training.batch_size?"),
        ("gpus", ""),
        ("regulariser.kind", ""),
    ],
)
def test_a_flag_that_is_near_or_a_field_without_its_prefix_is_suggested(asked, hint):
    assert suggestions.for_flag(asked, FLAGS, FIELDS) == hint
