"""The burn-in: what changes at the start of a run, as a function of the images seen alone."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import burn_in, draws, state, steps
from dualcontrast.trainer.augmentations import of as augmentation_of
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.config.augmentation_sections import ADA
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
# In a run of 256 images of which the first 160 burn in: 40 are a quarter of them.
BURN_IN = {
    "loss": "relativistic",
    "generator.path_length_weight": 0.0,
    "penalties.r1_gamma": 0.5,
    "penalties.r1_every": None,
    "schedule.average.half_life_images": 100,
    "schedule.generator.learning_rate": 0.001,
    "schedule.burn_in.images": 160,
    "schedule.burn_in.learning_rate": 4.0,
    "schedule.burn_in.adam_beta_2": 0.9,
    "schedule.burn_in.penalties": 10.0,
    "schedule.burn_in.half_life": 0.0,
}


@pytest.fixture(name="config")
def _config(tiny_config):
    config = schema.replace(tiny_config, BURN_IN)
    schema.validate(config)
    return config


@pytest.mark.parametrize(
    "images_seen, expected",
    # 0.5 (1 + cos(pi t)) is 1, 0.8535534, 0.5, 0.1464466, 0 at quarters.
    [(0, 2e-4), (5, 1.780330e-4), (10, 1.25e-4), (15, 0.7196699e-4), (20, 5e-5), (900, 5e-5)],
)
def test_a_number_follows_half_a_cosine_and_stays(images_seen, expected):
    assert burn_in.value_at(2e-4, 5e-5, images_seen, 20) == pytest.approx(expected, rel=1e-6)


def test_without_a_length_everything_is_what_it_comes_to():
    assert burn_in.value_at(2e-4, 5e-5, 0, 0) == 5e-5


def test_step_sizes_and_beta_2_follow_it(config):
    built = state.State(config)
    share = 0.8535533906
    built.set_rates(40)
    for name, rate in (("generator", 0.001), ("discriminator", 0.002)):
        optimizer = getattr(built, f"{name}_optimizer")
        np.testing.assert_allclose(optimizer.learning_rate, rate * (1 + 3 * share), rtol=1e-6)
        np.testing.assert_allclose(optimizer.beta_2, 0.99 - 0.09 * share, rtol=1e-6)
    built.set_rates(160)
    np.testing.assert_allclose(built.generator_optimizer.learning_rate, 0.001, rtol=1e-6)
    np.testing.assert_allclose(built.generator_optimizer.beta_2, 0.99, rtol=1e-6)


def test_adam_takes_the_decay_of_its_step(config):
    built = state.State(config)
    variables = built.generator.trainable_variables
    gradients = [tf.ones(variable.shape) for variable in variables]
    apply = tf.function(lambda: built.generator_optimizer.apply(gradients, variables))
    expected = 0.0
    for images_seen in (0, 80, 200):  # beta 2 of 0.9, 0.945 and 0.99
        built.set_rates(images_seen)
        apply()
        beta = burn_in.value_at(0.9, 0.99, images_seen, 160)
        expected = beta * expected + 1 - beta
        (found,) = {float(np.unique(v.numpy())[0]) for v in built.generator_optimizer._velocities}
        assert found == pytest.approx(expected, rel=1e-5)


def test_penalties_weigh_what_their_factor_says(config):
    built = state.State(config)
    (r1,) = built.active("discriminator")
    for images_seen, weight in ((0, 2.5), (80, 0.25 * 5.5), (160, 0.25)):
        built.set_rates(images_seen)
        value, metrics = r1.loss([tf.constant([1.0, 3.0])], lambda x: x)
        assert float(value) == pytest.approx(2 * weight, rel=1e-6)
        assert float(metrics["r1"]) == 2.0  # reported without a weight


def test_the_half_life_grows_from_a_copy(config):
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    new, old = (net.synthesis.constant for net in (built.generator, built.average))
    first = new.numpy()
    new.assign(first + 1)
    trainer.average(0)
    np.testing.assert_array_equal(old, first + 1)
    new.assign(first + 3)
    trainer.average(80)  # a half-life of 50 images, of which a batch is 8
    np.testing.assert_allclose(old, first + 3 - 2 * 0.5 ** (8 / 50), atol=1e-5)
    traced = trainer._average.experimental_get_tracing_count()
    trainer.average(88)
    assert trainer._average.experimental_get_tracing_count() == traced == 1


def test_a_fixed_probability_grows(config):
    changes = {
        "augmentation": "ada",
        "augmentation.groups": "cutout",
        "augmentation.probability": 1.0,
        "schedule.burn_in.augmentation": 0.0,
    }
    config = schema.replace(config, changes)
    schema.validate(config)
    built = state.State(config)
    images = tf.ones([64, 8, 8, 3])

    def cut():
        found = built.augmentation(images, draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 64))
        return float(tf.reduce_mean(tf.cast(tf.reduce_min(found, [1, 2, 3]) == 0, tf.float32)))

    shares = []
    for images_seen in (0, 80, 160):
        built.set_rates(images_seen)
        shares.append(cut())
    assert shares[0] == 0 and shares[2] == 1 and 0.3 < shares[1] < 0.7


def test_colours_may_change_less_often_than_the_rest():
    images = tf.random.stateless_uniform([8, 8, 8, 3], [0, 1], -1, 1)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 8)

    def shown(color, groups):
        return augmentation_of(ADA(groups=groups, probability=1.0, color=color), 8)(images, drawn)

    np.testing.assert_array_equal(shown(0.0, "color"), images)
    assert not np.allclose(shown(0.5, "color"), shown(1.0, "color"))
    np.testing.assert_array_equal(shown(0.0, "bgc"), shown(0.5, "bg"))
    assert ADA(groups="bgc+cutout").chosen == ("blit", "geom", "color", "cutout")


def test_nothing_of_it_is_saved(config, tiny_config):
    plain = schema.replace(tiny_config, BURN_IN | {"schedule.burn_in.images": 0})
    names = [state.State(one).named_variables().keys() for one in (config, plain)]
    assert names[0] == names[1]


def test_a_run_that_is_resumed_within_it_goes_on_with_the_same_bits(config, tmp_path, eagerly):
    def go(built, begin):
        trainer = steps.Steps(config, built, tf.distribute.get_strategy())
        for images_seen in range(begin, 32, 8):
            if images_seen == 16:
                built.checkpoint().write(str(tmp_path / "at16"))
            trainer.iterate([steps.Shown(tf.constant(IMAGES))], images_seen)
        return {name: value.numpy() for name, value in built.named_variables().items()}

    whole = go(state.State(config), 0)
    again = state.State(config)
    again.checkpoint().restore(str(tmp_path / "at16"))
    for name, value in go(again, 16).items():
        np.testing.assert_array_equal(value, whole[name], err_msg=name)


def test_older_runs_have_none(config):
    text = serialisation.to_json(config).replace('"burn_in"', '"left_out"')
    content = serialisation.json.loads(text)
    del content["schedule"]["left_out"]
    again = serialisation.from_json(serialisation.json.dumps(content))
    assert again.schedule.burn_in == schema.ScheduleConfig().burn_in


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"schedule.burn_in.images": 0}, "changes nothing in 0 images: try .*images=25$"),
        ({"schedule.burn_in.augmentation": 0.5}, "there is none: try --config.augmentation=ada"),
        (
            {"augmentation": "ada", "schedule.burn_in.augmentation": 0.5},
            "there is none: .*--config.augmentation.probability=0.3",
        ),
        ({"schedule.burn_in.learning_rate": 0.0}, "burn_in.learning_rate: got 0.0, expected"),
    ],
)
def test_what_cannot_be_meant_is_refused(config, changes, named):
    with pytest.raises(UserError, match=named):
        schema.validate(schema.replace(config, changes))
