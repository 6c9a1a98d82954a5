"""StyleGAN in the trainer: how it grows, what it forgets, devices, parts, going on in a fade."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import dry_run, growth, loop, state, steps
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation
from dualcontrast.trainer.errors import UserError

# From 4x4 to 8x8: 16 images at 4x4 in batches of 4, 16 in which 8x8 fades in, in batches of 8.
TINY = {
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.mapping_layers": 2,
    **{f"{network}.fmap_base": 32 for network in ("generator", "discriminator")},
    **{f"{network}.fmap_max": 8 for network in ("generator", "discriminator")},
    "schedule.growth.start_resolution": 4,
    "schedule.growth.stable_images": 16,
    "schedule.growth.fade_images": 16,
    "schedule.growth.batch_sizes": "4:4",
    "schedule.growth.learning_rates": "4:0.001",
    "schedule.generator.learning_rate": 0.002,
    "schedule.discriminator.learning_rate": 0.002,
    "data.resolution": 8,
    "training.batch_size": 8,
    "training.total_images": 64,
    "training.log_every_images": 8,
    "training.checkpoint_every_images": 8,
    "training.grid_every_images": 64,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
FIXED = {
    "generator.growing": False,
    "discriminator.growing": False,
    "schedule.growth.start_resolution": 8,
    "schedule.growth.stable_images": 600_000,
    "schedule.growth.fade_images": 600_000,
    "schedule.growth.batch_sizes": "",
    "schedule.growth.learning_rates": "",
}


def tiny(changes=None):
    config = schema.replace(config_flags.load("stylegan:32"), TINY | (changes or {}))
    return schema.resolve(config, config.data.resolution, 3)


def build(config):
    built = state.State(config)
    return built, steps.Steps(config, built, tf.distribute.get_strategy())


def changed(built, before):
    after = built.named_variables()
    return {name for name, old in before.items() if not np.array_equal(old, after[name].numpy())}


def values(built):
    return {name: value.numpy() for name, value in built.named_variables().items()}


@pytest.mark.parametrize(
    "images_seen, lod",
    # From 8x8 to 32x32: two doublings, each after 100 images and over 40.
    [
        (0, 2),
        (100, 2),
        (110, 1.75),
        (130, 1.25),
        (140, 1),
        (240, 1),
        (260, 0.5),
        (280, 0),
        (999, 0),
    ],
)
def test_levels_are_left_out_as_the_schedule_says(images_seen, lod):
    changes = {
        "data.resolution": 32,
        "schedule.growth.start_resolution": 8,
        "schedule.growth.stable_images": 100,
        "schedule.growth.fade_images": 40,
    }
    assert growth.lod_at(tiny(changes), images_seen) == lod
    assert growth.lod_at(tiny(changes | {"schedule.growth.fade_images": 0}), 200) == 0


def test_batch_and_step_sizes_are_those_of_the_larger_side():
    for images_seen, batch, rate in ((0, 4, 0.001), (16, 4, 0.001), (17, 8, 0.002), (64, 8, 0.002)):
        now = growth.at(tiny(), images_seen)
        assert (now.training.batch_size, now.schedule.generator.learning_rate) == (batch, rate)
    assert growth.at(tiny(FIXED), 0) == tiny(FIXED)


@pytest.mark.usefixtures("eagerly")
def test_only_the_sides_that_take_part_are_trained_and_moments_are_forgotten_between():
    built, trainer = build(tiny())
    networks = built.generator, built.discriminator, built.average

    def iterate(images_seen, batch):
        before = values(built)
        metrics = trainer.iterate([steps.Shown(tf.constant(IMAGES[:batch]))], images_seen)
        assert set(metrics) == {"loss/G", "loss/D", "logits/real", "logits/fake", "r1"}
        names = {name for name in changed(built, before) if name.startswith(("gen", "disc"))}
        return {name for name in names if "optimizer" not in name}, metrics

    assert {float(network.lod) for network in networks} == {1.0}
    found, _ = iterate(0, 4)
    assert found and not [name for name in found if "8x8" in name]
    assert int(built.generator_optimizer.iterations) == 1
    iterate(12, 4)  # ends at 16, where 8x8 is about to fade in, but does not yet
    assert int(built.generator_optimizer.iterations) == 2
    iterate(16, 4)  # ends in the fade: everything is forgotten
    optimizers = built.generator_optimizer, built.discriminator_optimizer
    for optimizer in optimizers:
        assert not any(v.numpy().any() for v in optimizer.variables[2:])
        assert int(optimizer.iterations) == 0 and float(optimizer.learning_rate) > 0
    found, _ = iterate(20, 8)
    assert {float(network.lod) for network in networks} == {0.75}
    missing = set(values(built)) - found
    trained = [v for v in missing if v.startswith(("generator/", "discriminator/"))]
    assert sorted(name for name in trained if "noise" not in name) == []
    assert int(optimizers[0].iterations) == 1
    assert float(optimizers[0].learning_rate) == pytest.approx(0.002)
    iterate(28, 8)  # ends at 36: 8x8 is whole
    assert not any(v.numpy().any() for v in optimizers[1].variables[2:])
    assert built.generator.stage == built.discriminator.stage == 0 and built.average.stage is None


@pytest.mark.usefixtures("eagerly")
def test_one_of_fixed_structure_trains_everything():
    built, trainer = build(tiny(FIXED))
    before = values(built)
    trainer.iterate([steps.Shown(tf.constant(IMAGES))], 0)
    found = changed(built, before)
    same = {
        name for name in before if name.startswith(("generator/", "disc")) and name not in found
    }
    assert {name for name in same if "noise" not in name and "learning_rate" not in name} == set()
    assert built.generator.lod is None and built.generator.stage is None


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("network", [steps.GENERATOR, steps.DISCRIMINATOR])
def test_two_parts_on_each_of_two_devices_make_the_step_of_one_in_a_fade(
    network, first_step, assert_same_step, monkeypatch
):
    monkeypatch.setattr(growth, "lod_at", lambda *_: 0.5)
    changes = {"discriminator.minibatch_stddev_group": 2}
    step = steps.Step(network, "train")
    whole = first_step(tiny(changes), step, 1, IMAGES)
    parts = first_step(tiny(changes | {"training.accumulation": 2}), step, 2, IMAGES)
    # Its true gradient is zero: normalisation takes away what is added to whole maps.
    removed = [name for name in whole if "4x4_input_bias" in name]
    for name in removed:
        del whole[name]
    assert network == steps.DISCRIMINATOR or removed
    assert_same_step(whole, parts)


def final(workdir):
    reader = tf.train.load_checkpoint(str(workdir / checkpoint.FOLDER))
    names = [n for n in reader.get_variable_to_shape_map() if not n.startswith(("_C", "save_c"))]
    return {name: reader.get_tensor(name) for name in names}


@pytest.mark.usefixtures("eagerly")
def test_a_run_that_stops_in_the_middle_of_a_fade_ends_with_the_bits_of_one_that_does_not(
    dataset, tmp_path, strategy_of
):
    # Iterations begin at 0 and 4, of 4 images each, at 8 in the fade, and at 16, to its end at 24.
    length = {"schedule.growth.stable_images": 7, "schedule.growth.fade_images": 16}
    whole, halves = tmp_path / "whole", tmp_path / "halves"

    def train(workdir, images):
        config = tiny(length | {"training.total_images": images})
        assert loop.train(config, dataset, workdir, strategy_of(1)) == 0

    train(whole, 24)
    train(halves, 16)
    (lod,) = [v for name, v in final(halves).items() if name.startswith("average/synthesis..lod")]
    assert lod == 1 - 1 / 16  # of the iteration from 8 on
    train(halves, 24)
    one, two = final(whole), final(halves)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.mark.parametrize("changes", [{}, FIXED])
def test_the_table_of_a_dry_run_counts_every_number(changes):
    config = tiny(changes)
    made, judge = state.make_generator(config), state.make_discriminator(config)
    for network, rows in (
        (made, dry_run.generator_rows(made)),
        (judge, dry_run.discriminator_rows(judge)),
    ):
        size = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
        assert sum(row.parameters for row in rows) == size


def test_a_configuration_comes_back_from_its_text():
    assert serialisation.from_json(serialisation.to_json(tiny())) == tiny()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"generator.growing": False}, "the discriminator grows and the generator does not"),
        ({"discriminator.growing": False}, "--config.discriminator.growing=true"),
        (
            {"generator.growing": False, "discriminator.growing": False},
            "schedule.growth changes networks that grow, and these do not",
        ),
        ({"schedule.growth.start_resolution": 6}, "start_resolution=6: expected a power of two"),
        ({"schedule.growth.start_resolution": 16}, "up to the images' 8"),
        ({"schedule.growth.batch_sizes": "4:x"}, "growth.batch_sizes: got '4:x', expected sides"),
        ({"schedule.growth.batch_sizes": "4:0"}, "values above 0, such as 8:256,16:128"),
        ({"schedule.growth.learning_rates": "0.001"}, "growth.learning_rates: got '0.001'"),
        ({"training.accumulation": 3}, "training.accumulation=3 does not divide the 8 images"),
        (
            {
                "schedule.growth.batch_sizes": "4:6",
                "training.accumulation": 4,
                "discriminator.minibatch_stddev_group": 1,
            },
            "training.accumulation=4 does not divide the 6 images",
        ),
        ({"schedule.generator_batch_size": 8}, "generator_batch_size=8 is one size for all sides"),
        ({"augmentation": "ada"}, "augmentation=ada adapts at the pace of one batch size"),
        ({"training.freeze_discriminator_layers": 1}, "that family has none to freeze"),
    ],
)
def test_a_contradiction_is_said(changes, said):
    with pytest.raises(UserError) as caught:
        tiny(changes)
    assert said in str(caught.value) and len(str(caught.value).splitlines()) <= 2


def test_devices_must_share_the_batches_of_all_sides():
    with pytest.raises(UserError, match="try --config.schedule.growth.batch_sizes=4:8$"):
        schema.contradictions.check_replicas(tiny(), 8)
    two = tiny({"schedule.growth.batch_sizes": "4:6,8:16"})
    with pytest.raises(UserError, match="batch_sizes=4:6 cannot .*=4:8,8:16$"):
        schema.contradictions.check_replicas(two, 8)


def test_where_the_last_iteration_began_is_known_behind_a_change_of_batch_size():
    config = tiny({"schedule.growth.batch_sizes": "4:16,8:4", "schedule.growth.stable_images": 24})
    begun, starts = 0, []
    while begun < 64:
        starts.append(begun)
        begun += growth.at(config, begun).iteration_images
    ends = [*starts[1:], begun]
    # Images of 4x4 in batches of 16 up to 32, though from 24 on 8x8 fades in with batches of 4.
    assert starts[:4] == [0, 16, 32, 36]
    found = [growth.last_start(config, end) for end in ends]
    assert found[:2] == starts[:2] and found[-1] == starts[-1]
    for before, start, end in zip(found, starts, ends):
        # Behind the change either size may have ended there: then it is the larger.
        assert before in (start, end - 16)
        assert before + growth.at(config, before).iteration_images == end
