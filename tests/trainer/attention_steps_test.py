"""Whole iterations with attention in both networks, and with every loss."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import r1
from dualcontrast.trainer import dry_run, objective, state, steps
from dualcontrast.trainer.config import attention_fields, schema
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
SMALL = {
    "generator.attention.resolution": 8,
    "generator.attention.san.patch_size": 3,
    "discriminator.attention.san.patch_size": 3,
}
BOTH = SMALL | {"generator.attention.kind": "san", "discriminator.attention.pairing": "reference"}


def _iterate(config, compared=None):
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    return built, trainer.iterate([(tf.constant(IMAGES), compared)], 0)


def test_rolled_references_are_independent_ones_that_are_the_next_reals(tiny_config):
    config = schema.replace(tiny_config, BOTH | {"loss.warmup_images": 0})
    rolled = schema.replace(config, {"discriminator.attention.references": "rolled"})
    schema.validate(rolled)
    one, wanted = _iterate(config, tf.constant(np.roll(IMAGES, -1, axis=0)))
    two, found = _iterate(rolled)
    for name, value in wanted.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-4), name
    expected, got = one.named_variables(), two.named_variables()
    for name, variable in expected.items():
        if name.endswith("velocity") and "logit_bias" not in name:
            assert np.any(variable.numpy()), f"{name} did not train"
            scale = np.abs(variable.numpy()).max()
            np.testing.assert_allclose(
                got[name].numpy() / scale, variable.numpy() / scale, atol=1e-3, err_msg=name
            )


def test_a_step_of_the_generator_teaches_the_discriminator_nothing_through_its_references(
    tiny_config,
):
    config = schema.replace(tiny_config, BOTH | {"loss.warmup_images": 0})
    built = state.State(config)
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    step = trainer.compiled(steps.Step(steps.GENERATOR, "contrast"))
    step(tf.constant(IMAGES), tf.constant(0, tf.int64), tf.constant(IMAGES[::-1]))
    after = built.named_variables()
    changed = {name for name in after if not np.array_equal(after[name], before[name])}
    assert changed and all(name.startswith("generator") for name in changed)


def test_r1_takes_rolled_references_for_constants(tiny_config):
    # A penalty whose references moved with the images would be the slope of another function.
    config = schema.replace(tiny_config, BOTH | {"discriminator.attention.references": "rolled"})
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    found = trainer.compiled(steps.Step(steps.DISCRIMINATOR, None, config.penalties.r1_every))(
        tf.constant(IMAGES), tf.constant(0, tf.int64)
    )
    fresh = state.State(config).discriminator
    reals = tf.cast(IMAGES, tf.float32) / 127.5 - 1
    rolled = tf.roll(reals, -1, axis=0)
    apart = r1.r1_penalty(lambda images: fresh(images, rolled), reals)
    tied = r1.r1_penalty(lambda images: fresh(images, tf.roll(images, -1, axis=0)), reals)
    assert float(found["r1"]) == pytest.approx(float(tf.reduce_mean(apart)), rel=1e-4)
    assert not np.allclose(apart, tied, rtol=1e-3)


@pytest.mark.parametrize("adversarial", ["saturating", "wasserstein", "hinge"])
def test_an_objective_has_the_losses_of_its_name(adversarial, tiny_config):
    changes = {"loss": adversarial} | ({"loss.drift": 0.1} if adversarial == "wasserstein" else {})
    loss = schema.replace(tiny_config, changes).loss
    assert objective.phase_at(loss, 0) == "train"
    game = objective.of_phase(loss, "train")
    assert not (game.couples or game.generator_sees_reals)
    found = game.discriminator_loss([2.0], [1.0]), game.generator_loss(None, [1.0])
    soft = np.log1p(np.exp([1.0, -2.0]))
    wanted = {
        "saturating": (soft.sum(), -soft[0]),
        "wasserstein": (1 - 2 + 0.1 * 4, -1),
        "hinge": (2, -1),
    }
    np.testing.assert_allclose(found, wanted[adversarial], rtol=1e-6)


@pytest.mark.parametrize("own", ["non_saturating", "hinge"])
def test_the_warmup_is_by_the_loss_that_is_named(own, tiny_config):
    loss = schema.replace(tiny_config, {"loss.warmup_loss": own}).loss
    game = objective.of_phase(loss, objective.phase_at(loss, 0))
    found = game.discriminator_loss([2.0], [1.0]), game.generator_loss(None, [1.0])
    soft = np.log1p(np.exp([1.0, -2.0, -1.0]))
    wanted = {"non_saturating": (soft[0] + soft[1], soft[2]), "hinge": (2, -1)}
    np.testing.assert_allclose(found, wanted[own], rtol=1e-6)


@pytest.mark.parametrize("kind", ["san", "sagan", "dfn", "vt"])
def test_the_plan_counts_every_trained_parameter(kind, tiny_config):
    config = schema.replace(tiny_config, BOTH | {"generator.attention.kind": kind})
    networks = state.make_generator(config), state.make_discriminator(config)
    for network, rows in zip(networks, (dry_run.generator_rows, dry_run.discriminator_rows)):
        found = sum(row.parameters for row in rows(network))
        assert found == sum(v.numpy().size for v in network.trainable_variables)
        attended = [row for row in rows(network) if row.name in ("8x8", "8x8/attend")]
        assert len(attended) == 1 and attended[0].multiply_adds > 64 * 8 * 8


def test_both_variants_of_sagan_can_be_asked_for():
    for variant, pool, reduction in (("code", True, 2), ("paper", False, 8)):
        sagan = attention_fields.SaganConfig(variant)
        layer = attention_fields.generator_layer(
            attention_fields.GeneratorAttentionConfig("sagan", sagan=sagan)
        )
        assert (layer.pool, layer.value_reduction) == (pool, reduction)


@pytest.mark.parametrize(
    "pairing, independent, rolled",
    [("none", False, False), ("self", False, False), ("supplement_2", True, False)],
)
def test_only_pairs_of_images_read_references(pairing, independent, rolled):
    make = attention_fields.DiscriminatorAttentionConfig
    assert make(pairing).reads_references == independent
    assert make(pairing, references="rolled").reads_references == rolled


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"generator.attention.resolution": 32}, "larger than the images"),
        ({"generator.attention.san.patch_size": 4}, "san.patch_size: got 4, expected an odd"),
        ({"generator.attention.san.patch_size": 17}, "patch_size=17 is too large to reflect"),
        ({"generator.attention.san.sharing": 3}, "sharing=3 does not divide the 8 channels"),
        ({"discriminator.attention.san.sharing": 3}, "sharing=3 does not divide the 8 channels"),
        (
            {"generator.attention.convolutions": "both", "generator.fmap_base": 16},
            "convolutions=both.* makes 4 channels of 8",
        ),
        (
            {"generator.attention.kind": "vt", "generator.attention.vt.token_size": 3},
            "token_size: got 3, expected an even",
        ),
    ],
)
def test_attention_that_does_not_fit_is_named(changes, named, tiny_config):
    schema.validate(schema.replace(tiny_config, BOTH))
    with pytest.raises(UserError, match=named):
        schema.validate(schema.replace(tiny_config, BOTH | changes))
