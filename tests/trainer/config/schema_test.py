"""The schema: limits, contradictions, and the texts that configurations are written to."""

import dataclasses
import json
import math
import subprocess
import sys

import pytest
import yaml

from dualcontrast.trainer.config import contradictions, schema, serialisation
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import NonSaturating
from dualcontrast.trainer.config.schema import (
    Config,
    DataConfig,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)
from dualcontrast.trainer.errors import UserError

FIELDS = schema.fields(Config())
LIMITED = [(path, sign) for path, field in FIELDS.items() for sign in field.limits]


def test_the_defaults_are_valid():
    schema.validate(Config())


def test_the_defaults_are_config_e():
    generator, penalties, schedule = stylegan2.Generator(), PenaltiesConfig(), ScheduleConfig()
    assert (generator.fmap_base, generator.fmap_max, generator.latent_size) == (8192, 512, 512)
    assert (generator.path_length_every, penalties.r1_every) == (4, 16)
    assert schedule.generator == schedule.discriminator == OptimizerConfig(0.002, 0.0, 0.99, 1e-8)
    assert (schedule.order, schedule.discriminator_steps) == ("generator_first", 1)
    assert penalties.r1_gamma == 100


@pytest.mark.parametrize("path", FIELDS)
def test_every_field_says_what_it_means(path):
    assert len(FIELDS[path].help) > 10


@pytest.mark.parametrize("path", FIELDS)
def test_the_default_of_every_field_fits_it(path):
    assert FIELDS[path].fits(FIELDS[path].default)


@pytest.mark.parametrize("path, sign", LIMITED)
def test_a_value_just_beyond_a_limit_is_refused(path, sign):
    field, limit = FIELDS[path], FIELDS[path].limits[sign]
    step = 1 if field.value_type is int else 1e-9
    beyond = {">=": limit - step, "<=": limit + step, ">": limit, "<": limit}[sign]
    changed = schema.replace(Config(), {path: field.value_type(beyond)})
    with pytest.raises(UserError, match=f"config field {path}: got .*, expected"):
        schema.validate(changed)


@pytest.mark.parametrize("path, sign", LIMITED)
def test_a_value_at_a_limit_that_is_included_fits(path, sign):
    field = FIELDS[path]
    assert field.fits(field.value_type(field.limits[sign])) == (sign in (">=", "<="))


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("value", [[], "nonsense", True, math.nan, math.inf, -(10**400), None])
def test_a_value_of_another_kind_is_refused(path, value):
    field = FIELDS[path]
    welcome = (field.type is bool and value is True) or (value is None and field.optional)
    welcome = welcome or (field.value_type is str and not field.choices and value == "nonsense")
    assert field.fits(value) == welcome


def test_a_float_field_takes_a_whole_number():
    schema.validate(Config(penalties=PenaltiesConfig(r1_gamma=10)))


def test_a_whole_number_field_takes_no_float():
    assert not FIELDS["training.batch_size"].fits(8.0)


def test_a_section_of_another_kind_is_refused():
    with pytest.raises(UserError, match="section loss: got str, expected LossSection"):
        schema.validate(Config(loss="dual_contrastive"))
    with pytest.raises(UserError, match="section loss"):
        schema.replace(Config(loss="dual_contrastive"), {"loss.warmup_images": 1})


def test_a_warmup_longer_than_the_run_is_refused():
    config = Config(training=TrainingConfig(total_images=1_000_000))
    with pytest.raises(UserError) as caught:
        schema.validate(config)
    text = str(caught.value)
    assert "loss.warmup_images=1_400_000" in text
    assert "training.total_images=1_000_000" in text
    assert "--config.loss.warmup_images=50_000" in text


def test_a_warmup_as_long_as_the_run_is_allowed():
    schema.validate(Config(training=TrainingConfig(total_images=1_400_000)))


def test_the_baseline_has_no_warmup_to_refuse():
    schema.validate(Config(loss=NonSaturating(), training=TrainingConfig(total_images=1000)))


@pytest.mark.parametrize("resolution", [8, 16, 1024])
def test_a_power_of_two_is_a_resolution(resolution):
    schema.validate(Config(data=DataConfig(resolution=resolution)))


@pytest.mark.parametrize("resolution", [9, 48, 1000])
def test_other_resolutions_are_refused(resolution):
    with pytest.raises(UserError, match=f"got {resolution}, expected a power of two >= 8"):
        schema.validate(Config(data=DataConfig(resolution=resolution)))


@pytest.mark.parametrize("section", ["generator", "discriminator"])
def test_widths_that_vanish_at_the_top_are_refused(section):
    config = schema.replace(Config(), {f"{section}.fmap_base": 31})
    assert schema.resolve(config, 32, 3)
    with pytest.raises(UserError, match=f"{section}.fmap_base: 31 leaves no .* at least 32"):
        schema.resolve(config, 64, 3)


@pytest.mark.parametrize("replicas", [1, 2, 8, 16])
def test_devices_that_divide_the_batch_are_allowed(replicas):
    contradictions.check_replicas(Config(), replicas)


def test_devices_that_do_not_divide_the_batch_are_refused():
    with pytest.raises(UserError, match="32 cannot be shared by 3 devices.*batch_size=33"):
        contradictions.check_replicas(Config(), 3)


def test_resolving_takes_the_shape_of_the_dataset():
    resolved = schema.resolve(Config(), resolution=64, channels=4)
    assert resolved.data == DataConfig(resolution=64, channels=4)
    assert resolved.generator == Config().generator


def test_resolving_refuses_a_contradiction():
    config = Config(data=DataConfig(resolution=128))
    assert schema.resolve(config, 128, 3).data.channels == 3
    with pytest.raises(UserError, match="data.resolution=128 contradicts the dataset.* has 64"):
        schema.resolve(config, 64, 3)


def test_replacing_changes_one_field_and_no_other():
    changed = schema.replace(Config(), {"training.seed": 7})
    assert schema.get(changed, "training.seed") == 7
    assert schema.differences(Config(), changed) == ["training.seed: 0 -> 7"]


def test_equal_configurations_have_no_differences():
    assert schema.differences(Config(), Config()) == []


def test_a_run_may_continue_longer_but_not_with_another_batch():
    longer = schema.replace(Config(), {"training.total_images": 30_000_000})
    assert schema.blocking_differences(Config(), longer) == []
    other = schema.replace(longer, {"training.batch_size": 16})
    assert schema.blocking_differences(Config(), other) == ["training.batch_size: 32 -> 16"]


@pytest.mark.parametrize(
    "asked, suggested",
    [
        ("training.batchsize", "training.batch_size"),
        ("trainning.seed", "training.seed"),
        (
            "learning_rate",
            "schedule.generator.learning_rate or schedule.discriminator.learning_rate or"
            " schedule.burn_in.learning_rate",
        ),
    ],
)
def test_the_field_that_was_meant_is_suggested(asked, suggested):
    with pytest.raises(UserError) as caught:
        schema.find_field(asked, Config())
    assert str(caught.value) == f"unknown config field {asked}: did you mean {suggested}?"


def test_an_unknown_field_of_a_family_names_the_family():
    expected = "generator.mapping_layer in stylegan2: did you mean generator.mapping_layers?"
    with pytest.raises(UserError, match=expected):
        schema.find_field("generator.mapping_layer", Config())


def test_a_field_unlike_any_other_gets_no_suggestion():
    with pytest.raises(UserError, match="unknown config field x.y: the sections are generator,"):
        schema.find_field("x.y", Config())


def test_json_is_read_back_unchanged():
    config = schema.replace(
        Config(),
        {"data.resolution": 64, "data.mirror": True, "schedule.generator.adam_epsilon": 1e-7},
    )
    assert serialisation.from_json(serialisation.to_json(config)) == config


def test_fields_that_json_lacks_take_their_defaults():
    config = serialisation.from_json('{"training": {"seed": 3}}')
    assert config == Config(training=TrainingConfig(seed=3))


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"training": {"batchsize": 8}}', "did you mean training.batch_size?"),
        ('{"trainning": {}}', "unknown config field trainning"),
        ('{"training": {"seed": {"x": 1}}}', "training.seed.x: did you mean training.seed?"),
        ('{"training": {"batch_size": "8"}}', "training.batch_size: got '8'"),
        ('{"training": {"batch_size": 8.0}}', "training.batch_size: got 8.0"),
        ('{"training": 8}', "unknown config field training"),
        ('{"training": {', "not a configuration in JSON"),
        ("[1]", "not a configuration in JSON"),
        ("", "not a configuration in JSON"),
    ],
)
def test_json_that_is_no_configuration_is_refused(text, expected):
    with pytest.raises(UserError) as caught:
        serialisation.from_json(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_and_yaml_hold_every_field():
    expected = dataclasses.asdict(Config())
    for name, family in (
        *(("generator", "stylegan2"), ("discriminator", "stylegan2")),
        *(("loss", "dual_contrastive"), ("augmentation", "none")),
    ):
        expected[name]["family"] = family
    assert json.loads(serialisation.to_json(Config())) == expected
    assert yaml.safe_load(serialisation.as_yaml(Config())) == expected


def test_a_configuration_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.seed = 1


def test_the_schema_is_read_without_tensorflow():
    code = (
        "import sys; import dualcontrast.trainer.config.config_flags, dualcontrast.configs.demo;"
        " sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
