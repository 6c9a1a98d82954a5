"""The config.json of runs that began before networks, penalties and schedule had own sections."""

import json

import pytest

from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.config.loss_sections import DualContrastive, Wasserstein
from dualcontrast.trainer.errors import UserError

# What such a run wrote, without the fields that are where they were.
OLD = {
    "generator": {
        "latent_size": 256,
        "learning_rate": 0.001,
        "regularize_every": 8,
        "ema_half_life_images": 5000,
        "path_length_weight": 0.0,
    },
    "discriminator": {
        "learning_rate": 0.003,
        "regularize_every": 12,
        "r1_gamma": 0.4,
        "gradient_penalty_weight": 10.0,
        "fmap_max": 64,
    },
    "loss": {
        "adversarial": "wasserstein",
        "generator_objective": "minimax",
        "contrast_scope": "global",
        "warmup_images": 1400,
        "wasserstein_drift": 0.01,
    },
    "data": {"resolution": 64, "channels": 3},
    "training": {"adam_beta_1": 0.5, "adam_beta_2": 0.9, "adam_epsilon": 1e-7, "seed": 4},
}


def test_fields_are_found_where_they_are_now():
    config = serialisation.from_json(json.dumps(OLD))
    assert config.loss == Wasserstein(drift=0.01)
    g, d = config.schedule.generator, config.schedule.discriminator
    assert (g.learning_rate, d.learning_rate) == (0.001, 0.003)
    assert (g.adam_beta_1, g.adam_beta_2, g.adam_epsilon) == (0.5, 0.9, 1e-7)
    assert (d.adam_beta_1, d.adam_beta_2, d.adam_epsilon) == (0.5, 0.9, 1e-7)
    assert config.generator.path_length_every == 8
    penalties = config.penalties
    assert (penalties.r1_every, penalties.gradient_penalty_every) == (12, 12)
    assert (penalties.r1_gamma, penalties.gradient_penalty_weight) == (0.4, 10.0)
    assert config.schedule.average.half_life_images == 5000
    assert (config.generator.latent_size, config.discriminator.fmap_max) == (256, 64)
    assert (config.training.seed, config.images) == (4, (64, 3, 0))


def test_the_loss_keeps_its_fields_where_it_has_them():
    old = OLD | {"loss": OLD["loss"] | {"adversarial": "dual_contrastive"}}
    config = serialisation.from_json(json.dumps(old))
    assert config.loss == DualContrastive("minimax", "global", 1400)


def test_an_older_run_continues_with_the_same_command():
    config = serialisation.from_json(json.dumps(OLD))
    again = serialisation.from_json(serialisation.to_json(config))
    assert schema.blocking_differences(config, again) == []


@pytest.mark.parametrize("section", ["generator", "loss", "training"])
def test_a_field_that_no_run_ever_had_is_refused(section):
    old = OLD | {section: OLD[section] | {"flavour": 1}}
    with pytest.raises(UserError, match=f"unknown config field {section}.flavour"):
        serialisation.from_json(json.dumps(old))
