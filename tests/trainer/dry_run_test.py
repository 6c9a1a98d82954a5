"""The dry run's tables and estimates, against the networks, a checkpoint, and measured memory."""

import math
import os

import pytest
import yaml

from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import sngan, stylegan2
from dualcontrast.trainer.config.section import Images

SMALL = {
    "data.resolution": 16,
    "data.channels": 1,
    "generator.latent_size": 5,
    "generator.w_size": 6,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 32,
    "generator.fmap_max": 8,
    "discriminator.fmap_base": 64,
    "discriminator.fmap_max": 8,
    "training.batch_size": 8,
    "training.total_images": 1000,
    "training.checkpoint_every_images": 100,
    "training.grid_every_images": 300,
    "loss.warmup_images": 0,
}
CONFIG = schema.replace(schema.Config(), SMALL)


@pytest.fixture(name="networks", scope="module")
def _networks():
    return state.make_generator(CONFIG), state.make_discriminator(CONFIG)


def count(variables) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def test_every_trained_parameter_is_in_one_row(networks):
    for network, rows in zip(networks, (dry_run.generator_rows, dry_run.discriminator_rows)):
        assert sum(row.parameters for row in rows(network)) == count(network.trainable_variables)


@pytest.mark.parametrize("family", ["stylegan2", "sngan"])
def test_every_parameter_of_heads_is_in_one_row(family):
    heads = {"head": "mlp", "head_width": 3, "projection_size": 5}
    if family == "sngan":
        section = sngan.Discriminator(architecture="resnet18", width=1, **heads)
    else:
        section = stylegan2.Discriminator(fmap_base=32, fmap_max=4, **heads)
    network = section.make(Images(8, 3))
    network.build()
    rows = list(dry_run.discriminator_rows(network))
    assert sum(row.parameters for row in rows) == count(network.trainable_variables)
    assert {row.name: row.shape for row in rows}["projection_of_fakes/second"] == (5,)


def test_the_generators_rows_are_worked_out_by_hand(networks):
    rows = {row.name: row for row in dry_run.generator_rows(networks[0])}
    assert list(rows)[:4] == ["mapping/dense0", "mapping/dense1", "constant", "4x4"]
    assert list(rows)[4:] == [
        "4x4_rgb",
        "8x8_up",
        "8x8",
        "8x8_rgb",
        "16x16_up",
        "16x16",
        "16x16_rgb",
    ]
    assert rows["mapping/dense0"] == dry_run.Row("mapping/dense0", (6,), 5 * 6 + 6, 5 * 6)
    # 8 maps at 4x4 and 8x8, 4 at 16x16. Kernel, style (6 x 8 and 8), strength, bias.
    assert rows["16x16_up"].shape == (16, 16, 4)
    assert rows["16x16_up"].parameters == 9 * 8 * 4 + 6 * 8 + 8 + 1 + 4
    # Transposed: the kernel meets each of the 8 x 8 pixels of the input once.
    assert rows["16x16_up"].multiply_adds == 9 * 8 * 4 * 64 + 6 * 8
    assert rows["16x16"].multiply_adds == 9 * 4 * 4 * 256 + 6 * 4
    assert rows["16x16_rgb"] == dry_run.Row(
        "16x16_rgb", (16, 16, 1), 4 + 6 * 4 + 4 + 1, 4 * 256 + 6 * 4
    )


def test_the_discriminators_rows_are_worked_out_by_hand(networks):
    rows = {row.name: row for row in dry_run.discriminator_rows(networks[1])}
    assert rows["from_rgb"] == dry_run.Row("from_rgb", (16, 16, 8), 8 + 8, 8 * 256)
    assert rows["16x16/same"] == dry_run.Row("16x16/same", (16, 16, 8), 9 * 64 + 8, 9 * 64 * 256)
    assert rows["16x16/down"] == dry_run.Row("16x16/down", (8, 8, 8), 9 * 64 + 8, 9 * 64 * 64)
    assert rows["16x16/skip"] == dry_run.Row("16x16/skip", (8, 8, 8), 64, 64 * 64)
    assert rows["minibatch_stddev"] == dry_run.Row("minibatch_stddev", (4, 4, 9), 0, 0)
    assert rows["4x4_conv"].multiply_adds == 9 * 9 * 8 * 16
    assert rows["4x4_dense"] == dry_run.Row("4x4_dense", (8,), 128 * 8 + 8, 128 * 8)
    assert rows["logit"] == dry_run.Row("logit", (1,), 9, 8)


def test_the_table_is_aligned_and_has_totals(networks):
    lines = dry_run.layer_table(*networks).splitlines()
    assert len({len(line) for line in lines if line}) == 1
    totals = [line.split() for line in lines if line.startswith("total")]
    found = [int(words[1].replace(",", "")) for words in totals]
    assert found == [count(network.trainable_variables) for network in networks]


# Peak resident memory (VmHWM) of one process on two cores that ran every kind of step.
REFERENCE = {"discriminator.attention.pairing": "reference"}
MEASURED = [
    (64, {}, 2.74e9),
    (128, {}, 3.87e9),
    (64, {"generator.attention.kind": "san"}, 3.04e9),
    (64, REFERENCE, 2.84e9),
    (64, REFERENCE | {"discriminator.attention.resolution": 32}, 3.50e9),
]


@pytest.mark.parametrize("resolution, changes, measured", MEASURED)
def test_memory_is_within_a_third_of_what_was_measured(resolution, changes, measured):
    sized = {"data.resolution": resolution, "data.channels": 3, "training.batch_size": 8}
    config = schema.replace(schema.Config(), sized | changes)
    networks = state.make_generator(config), state.make_discriminator(config)
    found = sum(dry_run.memory_estimate(config, *networks, replicas=1))
    assert 3 / 4 < found / measured < 4 / 3


@pytest.mark.parametrize(
    "changes",
    [
        REFERENCE,
        {"discriminator.attention.pairing": "self"},
        *({"generator.attention.kind": kind} for kind in ("san", "sagan", "dfn", "vt")),
    ],
    ids=str,
)
def test_attention_takes_memory(networks, changes):
    small = {"generator.attention.resolution": 8, "discriminator.attention.san.patch_size": 3}
    config = schema.replace(CONFIG, small | changes)
    attending = state.make_generator(config), state.make_discriminator(config)
    plain, found = dry_run.memory_estimate(CONFIG, *networks, 1), dry_run.memory_estimate(
        config, *attending, 1
    )
    assert found.activations > plain.activations


def test_references_of_their_own_take_more_than_rolled_ones(networks):
    independent = schema.replace(CONFIG, REFERENCE | {"discriminator.attention.san.patch_size": 3})
    rolled = schema.replace(independent, {"discriminator.attention.references": "rolled"})
    attending = state.make_generator(rolled), state.make_discriminator(rolled)
    more, less = (
        dry_run.memory_estimate(c, *attending, 1).activations for c in (independent, rolled)
    )
    assert more > less


def test_parts_share_the_memory_of_the_activations(networks):
    parts = schema.replace(CONFIG, {"training.accumulation": 4})
    whole, part = (dry_run.memory_estimate(config, *networks, 1) for config in (CONFIG, parts))
    assert whole.weights == part.weights and whole.activations == 4 * part.activations


def test_devices_share_the_activations_but_not_the_weights(networks):
    one, two = (dry_run.memory_estimate(CONFIG, *networks, replicas) for replicas in (1, 2))
    assert one.weights == two.weights and one.activations == 2 * two.activations


def test_bfloat16_halves_the_activations(networks):
    mixed = schema.replace(CONFIG, {"training.precision": "mixed_bfloat16"})
    whole, half = (dry_run.memory_estimate(config, *networks, 1) for config in (CONFIG, mixed))
    assert whole.weights == half.weights and whole.activations == 2 * half.activations


def test_checkpoints_are_as_large_as_the_estimate_says(tmp_path):
    widths = {f"{network}.fmap_max": 32 for network in ("generator", "discriminator")}
    bases = {f"{network}.fmap_base": 512 for network in ("generator", "discriminator")}
    config = schema.replace(CONFIG, widths | bases)
    made = state.State(config)
    checkpoint.Checkpoints(tmp_path, made, keep=1).save()
    size = os.path.getsize(tmp_path / "checkpoints" / "images-0.data-00000-of-00001")
    # Three are kept, and a fourth is written before the oldest goes.
    estimate = dry_run.disk_estimate(config, made.generator, made.discriminator).checkpoints / 4
    assert estimate <= size < 1.1 * estimate


def test_a_short_run_writes_fewer_checkpoints(networks):
    short = schema.replace(CONFIG, {"training.total_images": 150})
    long = dry_run.disk_estimate(CONFIG, *networks)
    assert dry_run.disk_estimate(short, *networks).checkpoints == long.checkpoints / 2


def test_grids_are_counted_with_the_first_and_the_reals(networks):
    # After 300, 600, 900 and 1000 images, before the first, and the reals: 6 grids of 8 x 8 images
    # of 16 x 16 pixels, at 0.6 bytes a pixel, each twice.
    assert dry_run.disk_estimate(CONFIG, *networks).grids == pytest.approx(6 * 64 * 256 * 0.6 * 2)


def test_the_description_begins_with_the_configuration_and_ends_with_the_estimates():
    text = dry_run.describe(CONFIG, replicas=2)
    head, _, rest = text.partition("\ngenerator  ")
    assert yaml.safe_load(head)["training"]["batch_size"] == 8
    assert "discriminator" in rest and "on each of 2 devices" in rest
    memory, disk = rest.strip().splitlines()[-2:]
    assert memory.startswith("memory, estimated within a third: ") and " GB" in memory
    assert disk.startswith("disk, estimated: ") and disk.count("GB") == 4
