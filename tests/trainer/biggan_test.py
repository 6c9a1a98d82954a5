"""BigGAN in the trainer: what moves when, on several devices, in parts, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import orthogonality_term, standing_moments, state, steps, terms
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

TINY = {
    "generator.latent_size": 8,
    "generator.width": 2,
    "generator.attention_resolution": 8,
    "discriminator.width": 2,
    "discriminator.attention_resolution": 8,
    "training.batch_size": 4,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 32, 32, 3]).astype(np.uint8)
LABELS = np.array([2, 0, 1, 2])
SEEN = tf.constant(0, tf.int64)


def tiny(changes=None, classes=3):
    config = schema.replace(config_flags.load("biggan_imagenet:32"), TINY | (changes or {}))
    config = schema.replace(config, {"data.labels": bool(classes)})
    return schema.resolve(config, 32, 3, classes)


@pytest.fixture(name="eagerly", autouse=True)
def _eagerly():
    """Compiling the steps would take several times as long."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def build(config):
    built = state.State(config)
    return built, steps.Steps(config, built, tf.distribute.get_strategy())


def after_passes(conv, passes):
    """The power method by itself."""
    kernel, u = conv.layer.kernel.numpy(), conv.u.numpy()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(passes):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return u


@pytest.mark.parametrize("classes", [3, 0])
def test_an_iteration_trains_every_variable_and_moves_u_once_a_step(classes):
    built, trainer = build(tiny({"generator.orthogonal_weight": 1e-4}, classes))
    for network in (built.generator, built.discriminator):
        for block in network.blocks:
            if block.attend is not None:  # else its kernels had no gradient yet
                block.attend.gamma.assign(0.5)
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    labels = tf.constant(LABELS) if classes else None
    judge, maker = (net.blocks[1].convs[0] for net in (built.discriminator, built.generator))
    for network in (steps.DISCRIMINATOR, steps.GENERATOR):
        expected = after_passes(judge, 1), after_passes(maker, 1)
        metrics = trainer.compiled(steps.Step(network, "train"))(
            tf.constant(IMAGES), SEEN, labels=labels
        )
        assert np.isfinite([float(value) for value in metrics.values()]).all()
        np.testing.assert_allclose(judge.u, expected[0], atol=1e-5)
        np.testing.assert_allclose(maker.u, expected[1], atol=1e-5)
    assert metrics["orthogonality"] > 0
    after = built.named_variables()
    same = {name for name, old in before.items() if np.array_equal(old, after[name].numpy())}
    same = {name for name in same if not name.startswith(("average", "images_seen"))}
    # A bias before a normalisation by the batch has no gradient. The only u of a kernel with one
    # output is 1.
    free = ("bias", "learning_rate", "logit.u")
    assert {name for name in same if not any(word in name for word in free)} == set()


def slopes(variables):
    """What has a gradient: no bias that a normalisation by the batch takes away again."""
    free = [f"{name}_layer_bias" for name in ("conv0", "conv1", "shortcut")]
    return {
        name: x
        for name, x in variables.items()
        if "discriminator" in name or not any(word in name for word in free)
    }


@pytest.mark.parametrize("network", [steps.GENERATOR, steps.DISCRIMINATOR])
def test_two_devices_make_the_step_of_one(network, first_step, assert_same_step):
    step = steps.Step(network, "train")
    one, two = (first_step(tiny(), step, replicas, IMAGES, LABELS) for replicas in (1, 2))
    assert_same_step(slopes(one), slopes(two))


def test_ghost_batches_are_the_same_on_any_number_of_devices(first_step, assert_same_step):
    step = steps.Step(steps.GENERATOR, "train")
    found = []
    for ghosts, parts, replicas in ((2, 2, 1), (2, 1, 2), (1, 1, 1)):
        config = tiny({"training.ghost_batches": ghosts})
        config = schema.replace(config, {"training.accumulation": parts})
        after = slopes(first_step(config, step, replicas, IMAGES, LABELS))
        found.append({name: x for name, x in after.items() if name.endswith("velocity")})
    in_parts, on_devices, whole = found
    assert_same_step(in_parts, on_devices)
    with pytest.raises(AssertionError):  # else nothing was shown
        assert_same_step(in_parts, whole)


def test_a_ghost_batch_is_normalised_by_itself():
    config = tiny({"training.ghost_batches": 2, "training.accumulation": 2})
    built, trainer = build(config)
    norm = built.generator.norm
    seen = []
    original = norm.moments

    def listen(x, training, track):
        found = original(x, training, track)
        seen.append((int(x.shape[0]), track))
        return found

    norm.moments = listen
    kept = norm.mean.numpy()
    trainer.compiled(steps.Step(steps.GENERATOR, "train"))(
        tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS)
    )
    assert seen == [(2, False), (2, False), (2, True), (2, True)]
    assert not np.array_equal(kept, norm.mean)


def test_the_gradient_of_the_regulariser_is_the_program_s():
    built, _ = build(tiny())
    batch = steps.networks.Batch(tf.zeros([3, 32, 32, 3]), None)
    part = terms.Part(built.generator, built.discriminator, batch, None, None)
    term = orthogonality_term.Orthogonality(0.5)
    conv = built.generator.blocks[0].convs[0].layer.kernel
    conv.assign(np.random.default_rng(0).standard_normal(conv.shape))
    table = built.generator.embedding.kernel
    with tf.GradientTape() as tape:
        loss, _ = term.loss(term.outputs(part), None)
    found, of_table = tape.gradient(loss, [conv.value, table.value])
    matrix = conv.numpy().reshape(-1, conv.shape[-1]).T  # outputs first, as there
    others = matrix @ matrix.T * (1 - np.eye(len(matrix)))
    expected = 0.5 * 2 * (others @ matrix)
    np.testing.assert_allclose(
        found.numpy().reshape(expected.T.shape), expected.T, rtol=1e-4, atol=1e-3
    )
    assert of_table is None


def test_the_slope_of_a_penalty_reaches_every_kernel():
    built, trainer = build(tiny({"penalties.r1_gamma": 1.0, "penalties.r1_every": 1}))
    for block in built.discriminator.blocks:
        if block.attend is not None:
            block.attend.gamma.assign(0.5)
    before = [v.numpy() for v in built.discriminator.trainable_variables]
    step = steps.Step(steps.DISCRIMINATOR, None, every=1)
    trainer.compiled(step)(tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS))
    after = built.discriminator.trainable_variables
    still = [v.path for v, old in zip(after, before) if np.array_equal(v.numpy(), old)]
    assert [path for path in still if "bias" not in path] == []


def test_the_average_has_its_own_moments_and_u():
    config = tiny({"schedule.average.half_life_images": 4})  # half of the way in an iteration
    built, trainer = build(config)
    places = [
        built.generator.norm.variance,
        built.generator.dense.u,
        built.generator.dense.layer.bias,
    ]
    others = [built.average.norm.variance, built.average.dense.u, built.average.dense.layer.bias]
    before = [variable.numpy() for variable in others]
    for variable in places:
        variable.assign(variable + 1)
    trainer.average(0)
    for variable, other, old in zip(places, others, before):
        np.testing.assert_allclose(other, (variable.numpy() + old) / 2, rtol=1e-6)


def test_standing_moments_are_the_plain_mean_of_batches_of_their_own():
    config = tiny()
    generator = state.make_generator(config)
    for norm in (generator.norm, generator.blocks[1].norms[0]):
        norm.mean.assign(norm.mean + 7)
    found = []
    original = generator.norm.moments

    def listen(x, training, track):
        mean, variance = original(x, training, track)
        found.append((mean.numpy(), variance.numpy()))
        return mean, variance

    generator.norm.moments = listen
    standing_moments.take(generator, config, 3)
    means, variances = zip(*found)
    assert len(found) == 3 and not np.allclose(means[0], means[1])
    np.testing.assert_allclose(generator.norm.mean, np.mean(means, axis=0), atol=1e-6)
    np.testing.assert_allclose(generator.norm.variance, np.mean(variances, axis=0), rtol=1e-5)
    assert np.abs(generator.blocks[1].norms[0].mean).max() < 3 and generator.norm.decay == 0.9
    again = generator.norm.mean.numpy()
    standing_moments.take(generator, config, 3)  # the same latents and classes
    np.testing.assert_allclose(generator.norm.mean, again, atol=1e-6)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"generator.latent_size": 7}, "latent_size=7 cannot be cut into 4 equal .*latent_size=8"),
        (
            {"discriminator.attention_resolution": 32},
            "discriminator.attention_resolution: got 32, expected one of 8, 16 or none",
        ),
        (
            {"training.accumulation": 2},
            "accumulation=2 would take .*--config.training.ghost_batches=2",
        ),
        (
            {"training.accumulation": 2, "training.ghost_batches": 3},
            "ghost_batches=3 is not 2 parts on each of 1 devices, 2 together",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, named):
    with pytest.raises(UserError, match=named) as caught:
        tiny(changes)
    assert len(str(caught.value).splitlines()) == 1


def test_other_sides_and_families_without_moments_are_refused():
    with pytest.raises(UserError, match="resolution: got 16, expected one of 32, 64, 128, 256"):
        schema.resolve(schema.replace(tiny(), {"data.resolution": 16}), 16, 3, 3)
    with pytest.raises(UserError, match="ghost_batches=2 are of batch norm.*stylegan2 has none"):
        schema.resolve(schema.replace(schema.Config(), {"training.ghost_batches": 2}), 32, 3)
    styles = schema.resolve(schema.Config(), 8, 3)
    with pytest.raises(UserError, match="standing_batches=4: .* stylegan2 keep no moments: drop"):
        standing_moments.take(tf.keras.Sequential([]), styles, 4)


def test_latents_have_their_length_from_the_recipe_where_none_is_given():
    for side, classes, expected in ((32, 3, 80), (64, 3, 100), (32, 0, 128)):
        changes = {"generator.latent_size": None, "data.resolution": side}
        config = schema.replace(config_flags.load("biggan_imagenet:32"), TINY | changes)
        config = schema.replace(config, {"data.labels": bool(classes)})
        config = schema.resolve(config, side, 3, classes)
        assert config.generator.make(config.images).latent_size == expected
