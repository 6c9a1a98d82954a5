"""A run that starts from another one: with its networks, or with all that it has."""

import json

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import loop, state
from dualcontrast.trainer.checkpoints import checkpoint, origin
from dualcontrast.trainer.config import contradictions, schema
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.errors import UserError

FIRST, SECOND = 16, 32  # images of the run that is begun from, and of one that goes on

SMALL = {
    "loss.warmup_images": 0,
    "training.total_images": FIRST,
    "training.log_every_images": 16,
    "training.checkpoint_every_images": 16,
}


@pytest.fixture(name="config", scope="module")
def _config(tiny_config):
    return schema.replace(tiny_config, SMALL)


@pytest.fixture(name="train", scope="module")
def _train(dataset, strategy_of):
    """Trains uncompiled, and returns the values of the last checkpoint: train(config, workdir)."""

    def train(config, workdir, request=None):
        tf.config.run_functions_eagerly(True)
        try:
            assert loop.train(config, dataset, workdir, strategy_of(1), request=request) == 0
        finally:
            tf.config.run_functions_eagerly(False)
        return values(workdir)

    return train


@pytest.fixture(name="source", scope="module")
def _source(config, train, tmp_path_factory):
    """A run of FIRST images."""
    workdir = tmp_path_factory.mktemp("source") / "run"
    train(config, workdir)
    return workdir


def values(workdir):
    """The newest checkpoint, by PART/PATH."""
    return origin._read(checkpoint.locate(workdir)[1])


def made(config, strategy_of):
    with strategy_of(1).scope():
        return state.State(config)


def test_a_branch_without_a_change_has_the_bits_of_the_run_that_goes_on(
    source, config, train, tmp_path
):
    longer = schema.replace(config, {"training.total_images": SECOND})
    unbroken = train(longer, tmp_path / "unbroken")
    branch = train(longer, tmp_path / "branch", origin.Request(source, full=True))
    assert branch.keys() == unbroken.keys() and int(branch["images_seen"]) == SECOND
    for name in branch.keys() - {"save_counter"}:
        np.testing.assert_array_equal(branch[name], unbroken[name], err_msg=name)
    # It shows what it learns from and what it begins with, as every new run does.
    grids = {path.name for path in (tmp_path / "branch" / "grids").iterdir()}
    assert {"reals.png", f"fakes-{FIRST:012}.png"} <= grids


def test_a_branch_takes_its_own_rates_and_records_what_changed(
    source, config, train, tmp_path, capsys
):
    changed = {
        "training.total_images": SECOND,
        "schedule.generator.learning_rate": 0.01,
        "loss": "non_saturating",
    }
    branch = train(schema.replace(config, changed), tmp_path / "a", origin.Request(source, True))
    # 4 of 5 updates of the generator are not lazy.
    assert branch["generator_optimizer/learning_rate"] == pytest.approx(0.01 * 4 / 5)
    said = ["loss: dual_contrastive -> non_saturating", "training.total_images: 16 -> 32"]
    said += ["schedule.generator.learning_rate: 0.002 -> 0.01"]
    record = origin.read(tmp_path / "a")
    assert set(said) <= set(record["changes"]) and record["images_seen"] == FIRST
    assert record["config"]["loss"]["family"] == "dual_contrastive"
    assert record["checkpoint"] == str(source / "checkpoints" / f"images-{FIRST}")
    assert all(f"changed: {line}" in capsys.readouterr().out for line in said[:1])


def test_networks_of_another_run_begin_a_new_one_at_no_images(
    source, config, strategy_of, tmp_path
):
    run = made(config, strategy_of)
    origin.begin(tmp_path, run, config, origin.Request(source))
    before, now = values(source), {n: v.numpy() for n, v in run.all_variables().items()}
    assert now["images_seen"] == 0
    moved = [n for n in now if n.startswith("generator/") and np.any(now[n] != before[n])]
    assert moved == []
    assert not np.any(now["generator_optimizer/iteration"])
    # The average is a copy of the generator, and not that of the other run.
    name = "synthesis.4x4.convolution.kernel"
    np.testing.assert_array_equal(now[f"average/{name}"], before[f"generator/{name}"])
    assert np.any(now[f"average/{name}"] != before[f"average/{name}"])


def test_the_average_is_taken_on_request(source, config, strategy_of, tmp_path):
    run = made(config, strategy_of)
    origin.begin(tmp_path, run, config, origin.Request(source, average=True))
    name = "average/synthesis.4x4.convolution.kernel"
    np.testing.assert_array_equal(run.all_variables()[name].numpy(), values(source)[name])


def test_what_does_not_fit_begins_at_random_and_is_named(
    source, config, strategy_of, tmp_path, capsys
):
    larger = schema.replace(config, {"data.resolution": 16})
    with pytest.raises(UserError, match="30% of the generator would begin.*\n.*_partial"):
        origin.begin(tmp_path, made(larger, strategy_of), larger, origin.Request(source))
    request = origin.Request(source, allow_partial=True)
    run = made(larger, strategy_of)
    origin.begin(tmp_path, run, larger, request)
    fresh = origin.read(tmp_path)["fresh"]
    assert fresh["generator/synthesis.16x16.bias"] == "not there"
    assert fresh["discriminator/from_rgb.kernel"] == "[1, 1, 3, 8] there, [1, 1, 3, 4] here"
    assert "generator/synthesis.8x8.bias" not in fresh
    assert "begins at random: generator/synthesis.16x16.bias (not there)" in capsys.readouterr().out
    name = "generator/synthesis.8x8.convolution.kernel"
    np.testing.assert_array_equal(run.all_variables()[name].numpy(), values(source)[name])


def test_the_share_that_begins_at_random_counts_parameters():
    variables = {
        "generator/a": tf.Variable(tf.zeros([3, 3])),
        "generator/b": tf.Variable(tf.zeros([1])),
        "discriminator/a": tf.Variable(tf.zeros([4])),
    }
    match = origin.compare(
        variables, {"generator/a": np.ones([3, 3]), "discriminator/a": np.ones(2)}
    )
    assert match.share == {"generator": 1 / 10, "discriminator": 1.0}
    assert match.fresh == {"generator/b": "not there", "discriminator/a": "[2] there, [4] here"}


def test_frozen_layers_stay_and_the_others_move(source, config, train, tmp_path):
    frozen = {"training.freeze_mapping": True, "training.freeze_discriminator_layers": 3}
    after = train(schema.replace(config, frozen), tmp_path / "run", origin.Request(source))
    before = values(source)
    still = {
        name
        for name in before.keys() & after.keys()
        if name.endswith((".kernel", ".bias")) and np.array_equal(before[name], after[name])
    }
    # A loss of differences moves this one by rounding, or not.
    still -= {"discriminator/logit.bias"}
    assert {n for n in still if n.startswith("discriminator/")} == {
        "discriminator/from_rgb.kernel",
        "discriminator/from_rgb.bias",
        "discriminator/8x8.same.kernel",
        "discriminator/8x8.same.bias",
        "discriminator/8x8.down.kernel",
        "discriminator/8x8.down.bias",
    }
    mapping = [n for n in before if n.startswith("generator/mapping.")]
    assert mapping and {n for n in still if n.startswith("generator/")} == set(mapping)
    # What nothing trains has no moments, and the average follows the rest.
    assert not [n for n in after if n.startswith("generator_optimizer/generator_mapping")]
    assert np.any(
        after["average/synthesis.8x8.convolution.kernel"]
        != before["generator/synthesis.8x8.convolution.kernel"]
    )


def test_a_family_says_how_many_layers_can_be_frozen(config):
    network = state.make_discriminator(config)
    known = config.discriminator.freezable(config.images)
    assert len(network.from_the_image) == known == 5
    with pytest.raises(UserError, match="expected at most 5: try --config.*_layers=5"):
        schema.validate(schema.replace(config, {"training.freeze_discriminator_layers": 6}))
    networks = {"generator": sngan.Generator(), "discriminator": sngan.Discriminator()}
    other = schema.resolve(schema.Config(**networks), 32, 3)
    for field, value in (("freeze_mapping", True), ("freeze_discriminator_layers", 1)):
        with pytest.raises(UserError, match=f"training.{field}=.* sngan"):
            contradictions.check(schema.replace(other, {f"training.{field}": value}))


def test_the_same_command_goes_on_and_another_start_is_refused(source, config, train, tmp_path):
    workdir, request = tmp_path / "run", origin.Request(source)
    train(config, workdir, request)
    train(schema.replace(config, {"training.total_images": SECOND}), workdir, request)
    other = tmp_path / "other"
    (other / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match=f"began from {source}/.*\nLeave the flag away"):
        origin.check_same(workdir, origin.Request(other))
    with pytest.raises(UserError, match="began at random, and goes on by itself"):
        origin.check_same(source, request)


def test_starts_that_make_no_sense_are_refused(source, config, strategy_of, tmp_path):
    run = made(config, strategy_of)
    with pytest.raises(UserError, match="is of --workdir itself, which goes on by itself"):
        origin.begin(source, run, config, origin.Request(source))
    with pytest.raises(UserError, match="at the 16 images .* try --config.*total_images=32"):
        origin.begin(tmp_path, run, config, origin.Request(source, full=True))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="has no checkpoint yet"):
        origin.begin(tmp_path, run, config, origin.Request(tmp_path / "empty"))
    assert origin.read(tmp_path) is None


def test_a_start_at_random_forgets_where_one_without_a_checkpoint_was_from(
    config, strategy_of, tmp_path
):
    (tmp_path / origin.FILE_NAME).write_text(json.dumps({"of": "another start"}))
    origin.begin(tmp_path, made(config, strategy_of), config, None)
    assert not (tmp_path / origin.FILE_NAME).exists()


def test_a_changed_run_is_told_of_the_branch(source, config, train):
    changed = schema.replace(config, {"penalties.r1_gamma": 7.0})
    with pytest.raises(UserError, match=f"or branch it: --init_from={source} --full"):
        train(changed, source)
