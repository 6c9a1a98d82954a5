"""Steps compiled with XLA: the numbers of the others, on one device and on two."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.losses import dual_contrastive
from dualcontrast.trainer import devices, draws, state, steps
from dualcontrast.trainer.config import config_flags, contradictions, schema
from dualcontrast.trainer.errors import UserError

SMALLEST = {
    "loss": "non_saturating",
    "generator.mapping_layers": 1,
    "generator.fmap_base": 16,
    "generator.fmap_max": 4,
    "discriminator.fmap_base": 16,
    "discriminator.fmap_max": 4,
    "training.batch_size": 4,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 8, 8, 3]).astype(np.uint8)
# Its gradient is a difference of equal numbers.
LOGIT_BIAS = "discriminator_logit_bias"


@pytest.fixture(autouse=True)
def _of_tensorflow():
    with implementation.using("ref"):
        yield


def first_iteration(config, strategy):
    """Returns the variables and metrics after one step of each of the four kinds."""
    with strategy.scope():
        built = state.State(config)
    for name, variable in built.named_variables().items():
        if name.startswith("generator/") and name.endswith("strength"):
            variable.assign(0.5)  # so that the noise counts
    trainer = steps.Steps(config, built, strategy)
    metrics = trainer.iterate([steps.Shown(tf.constant(IMAGES))], 0)
    variables = {name: variable.numpy() for name, variable in built.named_variables().items()}
    return variables, {name: float(value) for name, value in metrics.items()}


@pytest.mark.slow
def test_a_step_of_each_kind_has_the_losses_and_the_gradients_of_the_uncompiled_one(
    tiny_config, strategy_of
):
    config = schema.replace(tiny_config, SMALLEST)
    tf.config.run_functions_eagerly(True)  # faster than to trace these too
    try:
        expected, losses = first_iteration(config, tf.distribute.get_strategy())
    finally:
        tf.config.run_functions_eagerly(False)
    compiled = schema.replace(config, {"training.jit_compile": True})
    found, metrics = first_iteration(compiled, strategy_of(1))
    assert {"loss/G", "loss/D", "r1", "path_length/penalty"} <= metrics.keys()
    assert metrics == pytest.approx(losses, rel=1e-5)
    slots = [name for name in expected if name.endswith(("momentum", "velocity"))]
    assert len(slots) > 60
    for name in slots:
        wanted, got = expected[name], found[name]
        if LOGIT_BIAS in name:
            continue
        scale = np.abs(wanted).max()
        # With beta 1 at zero the first moment is the last gradient: the lazy step's.
        assert scale > 0 or name.endswith("momentum"), name
        scale = scale or 1.0
        np.testing.assert_allclose(got / scale, wanted / scale, atol=1e-5, err_msg=name)


def test_the_function_that_xla_compiles_is_called(tiny_config, strategy_of):
    config = schema.replace(tiny_config, {"training.jit_compile": True})
    trainer = steps.Steps(config, None, strategy_of(1))
    assert trainer._in_xla(tf.square)(tf.constant(3.0)).numpy() == 9
    # XLA has no kernel that makes a text.
    with pytest.raises(tf.errors.InvalidArgumentError, match="compil|XLA"):
        trainer._in_xla(tf.strings.as_string)(tf.constant(3.0))


def test_two_devices_contrast_with_all_samples(tiny_config, strategy_of):
    """The loss gathers, which XLA cannot: the samples' numbers are compiled without it."""
    x, y = (tf.random.stateless_normal([8, 5], [0, seed]) for seed in (1, 2))
    config = schema.replace(tiny_config, {"training.jit_compile": True})

    class Contrast:
        numbers, couples, metrics = 2, True, ()

    def gradient(replicas):
        strategy = strategy_of(replicas)
        with strategy.scope():
            weight = tf.Variable(tf.random.stateless_normal([5], [0, 3]))
            weight.value = weight  # as of Keras's variables
        trainer = steps.Steps(config, None, strategy)

        def replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            mine = [draws.share(z, index, replicas) for z in (x, y)]

            def outputs(_):
                return [tf.math.softplus(tf.linalg.matvec(z, weight)) for z in mine]

            def loss(*found):
                return dual_contrastive.discriminator_loss(*map(trainer._gather, found)), {}

            return trainer._gradients([weight], outputs, loss, [Contrast], 1)[0][0]

        found = tf.function(lambda: strategy.run(replica), autograph=False)()
        return strategy.reduce("SUM", found, axis=None).numpy()

    expected = gradient(1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(gradient(2), expected, rtol=1e-5, atol=1e-6)


def test_moments_over_all_devices_are_not_compiled():
    config = schema.replace(config_flags.load("sngan_adv"), {"training.jit_compile": True})
    contradictions.check_replicas(config, 1)
    with pytest.raises(UserError, match="jit_compile=true compiles sngan for one device, .* 2: "):
        contradictions.check_replicas(config, 2)
    contradictions.check_replicas(schema.replace(config, {"training.jit_compile": False}), 2)


@pytest.mark.parametrize("impl", ["cpu", "cuda"])
@pytest.mark.parametrize("by", ["--custom_ops", "DUALCONTRAST_OPS"])
def test_operations_that_xla_cannot_compile_are_refused(impl, by, monkeypatch):
    monkeypatch.delenv("DUALCONTRAST_OPS", raising=False)
    if by == "DUALCONTRAST_OPS":
        monkeypatch.setenv(by, impl)
    with pytest.raises(UserError, match=f"^{by}={impl}: training.jit_compile=true .*{by}=ref"):
        devices.select_compilable_operations(impl if by == "--custom_ops" else None)


@pytest.mark.parametrize("flag", [None, "auto", "ref"])
def test_xla_gets_the_operations_of_tensorflow(flag, monkeypatch):
    monkeypatch.setenv("DUALCONTRAST_OPS", "cpu" if flag else "auto")
    with implementation.using("auto"):
        devices.select_compilable_operations(flag)
        assert implementation.report() == "operations: ref, as asked"


def test_what_is_compiled_and_rounded_is_said_at_the_start():
    plain, asked = schema.TrainingConfig(), schema.TrainingConfig(jit_compile=True)
    assert devices.notes(plain, tf32=False) == []
    said = devices.notes(asked, tf32=True)
    assert [line.split(":")[0] for line in said] == ["TF32", "XLA"]
