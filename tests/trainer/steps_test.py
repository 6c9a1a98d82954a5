"""The four steps: one device equals two, every variable trains, the schedule is StyleGAN2's."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import dual_contrastive
from dualcontrast.trainer import accumulation, draws, state, steps
from dualcontrast.trainer.config import schema

LOGIT_BIAS = {"discriminator/logit.bias"} | {
    f"discriminator_optimizer/discriminator_logit_bias_{slot}" for slot in ("momentum", "velocity")
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 8, 8, 8, 3]).astype(np.uint8)


SHARED = {}


@pytest.fixture(scope="module", autouse=True)
def _strategies(strategy_of):
    SHARED["strategy_of"] = strategy_of


def strategy_of(replicas):
    """The process's strategy of so many devices; also for what is computed once for all tests."""
    return SHARED["strategy_of"](replicas)


def build(config, replicas=1):
    strategy = strategy_of(replicas)
    with strategy.scope():
        built = state.State(config)
    for name, variable in built.named_variables().items():
        if name.startswith("generator/") and name.endswith("strength"):
            variable.assign(0.5)  # so that the noise counts
    return built, steps.Steps(config, built, strategy)


def reals(images, replicas=1):
    return draws.shares(tf.constant(images), strategy_of(replicas))


@functools.cache
def iterate(config, replicas=1, iterations=1):
    """The state and the metrics after some iterations; read-only, because tests share it."""
    built, trainer = build(config, replicas)
    metrics = [
        trainer.iterate([(reals(IMAGES[i], replicas), None)], i * 8) for i in range(iterations)
    ]
    return built, metrics


def assert_same_variables(one, two):
    expected, found = one.named_variables(), two.named_variables()
    assert expected.keys() == found.keys()
    for name, variable in expected.items():
        wanted, got = variable.numpy(), found[name].numpy()
        if name in LOGIT_BIAS:  # its true gradient is zero: what there is, is rounding
            continue
        scale = np.abs(wanted).max() + 1e-8
        np.testing.assert_allclose(got / scale, wanted / scale, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("adversarial", ["non_saturating", "dual_contrastive"])
def test_two_devices_make_the_slots_of_one_with_the_same_global_batch(tiny_config, adversarial):
    contrast = {"loss.warmup_images": 0} if adversarial == "dual_contrastive" else {}
    config = schema.replace(tiny_config, {"loss": adversarial} | contrast)
    one, _ = iterate(config, 1, 1)
    two, _ = iterate(config, 2, 1)
    # Adam hides a wrong scale of the gradients from the weights; its second moments do not.
    slots = [name for name in one.named_variables() if name.endswith("velocity")]
    assert len(slots) == len(one.generator.trainable_variables) + len(
        one.discriminator.trainable_variables
    )
    values = one.named_variables()
    assert [name for name in slots if name not in LOGIT_BIAS and not np.any(values[name])] == []
    assert_same_variables(one, two)


def test_parts_on_two_devices_contrast_with_the_whole_batch(tiny_config):
    changes = {"loss.warmup_images": 0, "discriminator.minibatch_stddev_group": 2}
    # The regularisers' steps in parts are tested on one device.
    changes |= {"generator.path_length_weight": 0.0, "penalties.r1_gamma": 0.0}
    config = schema.replace(tiny_config, changes)
    one, _ = iterate(config, 1, 1)
    two, _ = iterate(schema.replace(config, {"training.accumulation": 2}), 2, 1)
    expected, found = one.named_variables(), two.named_variables()
    # Not the weights: a unit that is on the same side of its kink for all samples only shifts the
    # logits, so its bias has a gradient of rounding, which Adam makes as large as any other.
    for name in [name for name in expected if name.endswith("velocity")]:
        if name not in LOGIT_BIAS:
            wanted, got = expected[name].numpy(), found[name].numpy()
            assert np.any(wanted), name
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(got / scale, wanted / scale, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_gathered_contrast_has_the_gradient_of_one_device_to_six_digits(parts):
    x, y = (tf.random.stateless_normal([8, 5], [0, seed]) for seed in (1, 2))

    def gradient(replicas, parts):
        strategy = strategy_of(replicas)
        with strategy.scope():
            weight = tf.Variable(tf.random.stateless_normal([5], [0, 3]))

        def replica():
            context = tf.distribute.get_replica_context()
            number = context.replica_id_in_sync_group

            def logits(part):
                share = number + replicas * part
                return [
                    tf.math.softplus(
                        tf.linalg.matvec(draws.share(z, share, replicas * parts), weight)
                    )
                    for z in (x, y)
                ]

            def loss(*found):
                if replicas > 1:
                    found = [context.all_gather(z, axis=0) for z in found]
                return dual_contrastive.discriminator_loss(*found), {}

            (found,), _, _ = accumulation.gradients(
                logits,
                loss,
                [weight],
                numbers=2,
                parts=parts,
                couples=True,
                named=(),
                replicas=replicas,
            )
            return found

        found = tf.function(lambda: strategy.run(replica), autograph=False)()
        return strategy.reduce("SUM", found, axis=None).numpy()

    expected = gradient(1, 1)
    scale = np.abs(expected).max()
    assert scale > 0.1
    np.testing.assert_allclose(gradient(2, parts) / scale, expected / scale, atol=1e-6)


def test_references_on_two_devices_are_those_of_one(tiny_config):
    changes = {
        "loss.warmup_images": 0,
        "discriminator.attention.pairing": "reference",
        "discriminator.attention.san.patch_size": 3,
        "generator.path_length_weight": 0.0,
    }
    config = schema.replace(tiny_config, changes)
    slots = []
    for replicas in (1, 2):
        built, trainer = build(config, replicas)
        trainer.iterate([(reals(IMAGES[0], replicas), reals(IMAGES[1], replicas))], 0)
        slots.append(built.named_variables())
    for name in [name for name in slots[0] if name.endswith("velocity")]:
        if name not in LOGIT_BIAS:
            wanted, got = (variables[name].numpy() for variables in slots)
            assert np.any(wanted), name
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(got / scale, wanted / scale, atol=1e-4, err_msg=name)


def test_contrast_within_a_replica_differs_from_contrast_over_all(tiny_config):
    changes = {"loss.warmup_images": 0, "loss.contrast_scope": "replica"}
    config = schema.replace(tiny_config, changes)
    _, (alone,) = iterate(config, 1, 1)
    _, (shared,) = iterate(config, 2, 1)
    # 8 reals against 8 fakes, or 4 against 4: at equal logits 2 ln 9 against 2 ln 5.
    assert float(alone["loss/D"]) - float(shared["loss/D"]) > 0.8


def test_every_variable_trains(tiny_config):
    config = schema.replace(tiny_config, {"loss": "non_saturating"})
    before, _ = build(config)
    before = {name: value.numpy() for name, value in before.named_variables().items()}
    after, _ = iterate(config)
    still = {
        name
        for name, value in after.named_variables().items()
        if np.array_equal(value.numpy(), before[name])
    }
    # Without beta_1 the momentum is the last gradient, and a regulariser has none for some biases.
    constant = ("noise", "learning_rate", "momentum")
    assert {name for name in still if not name.endswith(constant)} == set()


def test_the_lazy_steps_run_at_batch_zero_and_then_every_4_and_16_batches(tiny_config):
    built, trainer = build(tiny_config)
    rows = {i: trainer.iterate([(reals(IMAGES[0]), None)], 8 * i) for i in (0, 1, 4, 15, 16)}
    assert [i for i, row in rows.items() if "path_length" in row] == [0, 4, 16]
    assert [i for i, row in rows.items() if "r1" in row] == [0, 16]
    # A lazy step is an update of its own, with the optimizer of its network.
    assert int(built.generator_optimizer.iterations.numpy()) == 5 + 3
    assert int(built.discriminator_optimizer.iterations.numpy()) == 5 + 2


def test_adam_has_the_corrected_constants_of_config_e(tiny_config):
    built, _ = build(tiny_config)
    g, d = built.generator_optimizer, built.discriminator_optimizer
    assert float(g.learning_rate.numpy()) == pytest.approx(0.0016)
    assert g.beta_2 == pytest.approx(0.9919920, abs=1e-7)
    assert float(d.learning_rate.numpy()) == pytest.approx(0.00188235, abs=1e-8)
    assert d.beta_2 == pytest.approx(0.9905855, abs=1e-7)
    assert (g.epsilon, d.epsilon, g.beta_1, d.beta_1) == (1e-8, 1e-8, 0, 0)


def test_without_a_regulariser_adam_is_not_corrected(tiny_config):
    config = schema.replace(
        tiny_config, {"generator.path_length_weight": 0.0, "penalties.r1_gamma": 0.0}
    )
    built, metrics = iterate(config, 1, 1)
    assert float(built.generator_optimizer.learning_rate.numpy()) == pytest.approx(0.002)
    assert built.discriminator_optimizer.beta_2 == pytest.approx(0.99)
    assert not {"r1", "path_length"} & metrics[0].keys()


def test_the_average_forgets_half_in_its_half_life(tiny_config):
    half_life = schema.replace(tiny_config, {"schedule.average.half_life_images": 8})
    built, trainer = build(half_life)
    kernel, averaged = (
        network.synthesis.layers[0].convolution.kernel
        for network in (built.generator, built.average)
    )
    first = averaged.numpy()
    kernel.assign(first + 1.0)
    trainer.average(8)
    np.testing.assert_allclose(averaged.numpy(), first + 0.5, atol=1e-6)
    built.generator.w_mean.assign(built.generator.w_mean + 3.0)
    trainer.average(8)
    np.testing.assert_array_equal(built.average.w_mean.numpy(), built.generator.w_mean.numpy())


def test_the_path_length_mean_follows_the_batch(tiny_config):
    config = schema.replace(tiny_config, {"loss.warmup_images": 0})
    built, (metrics,) = iterate(config)
    assert built.named_variables()["path_length_mean"].numpy() == pytest.approx(
        0.01 * float(metrics["path_length"]), rel=1e-5
    )


def test_bfloat16_steps_stay_close_to_float32(tiny_config):
    wide = {"generator.fmap_max": 32, "generator.fmap_base": 256, "discriminator.fmap_max": 32}
    config = schema.replace(tiny_config, {**wide, "discriminator.fmap_base": 256})
    _, (exact,) = iterate(config, 1, 1)
    _, (rough,) = iterate(schema.replace(config, {"training.precision": "mixed_bfloat16"}), 1, 1)
    for name, value in exact.items():
        assert float(rough[name]) == pytest.approx(float(value), rel=0.1, abs=0.05), name


def test_warm_up_plays_the_non_saturating_game_and_then_the_dual_contrastive_one(tiny_config):
    config = schema.replace(tiny_config, {"loss.warmup_images": 16})
    _, metrics = iterate(config, 1, 3)
    # Near equal logits: 2 ln 2 while one fake is told from one real, 2 ln 9 from eight.
    warm, contrast = [float(row["loss/D"]) for row in metrics[:2]], float(metrics[2]["loss/D"])
    assert max(warm) < 2.2 and contrast > 3.0
    assert float(metrics[2]["loss/G"]) < 0 < float(metrics[1]["loss/G"])
