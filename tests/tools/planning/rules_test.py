"""What is chosen for which images and machine: golden rows, each number with its derivation."""

import pytest

from dualcontrast.tools.planning import length, planner, rules
from dualcontrast.tools.planning.choice import changes
from dualcontrast.tools.planning.mirror import Look
from dualcontrast.tools.planning.situation import GIB, Images, Machine
from dualcontrast.trainer.errors import UserError

CPU, GPU, GPUS = Machine(0, 2, 8 * GIB), Machine(1, 16, 80 * GIB), Machine(8, 64, 80 * GIB)
SURE, ASYMMETRIC, FEW = Look(2000, 0.5), Look(2000, 0.7), Look(50, 0.5)

ROWS = {
    # The demo's networks, batch, rate, objective and R1.
    "demo": (
        (Images(4_000, 32), CPU),
        {
            "loss": "dual_contrastive",
            "loss.generator_objective": "swapped",
            "training.batch_size": 16,
            "penalties.r1_gamma": 1.0,
            "schedule.generator.learning_rate": 0.003,
            "generator.fmap_base": 256,
            "discriminator.fmap_max": 32,
            "generator.path_length_weight": 0.0,
        },
    ),
    # Those of emoji64.
    "64 on a CPU": (
        (Images(10_000, 64), CPU),
        {
            "loss.generator_objective": "swapped",
            "generator.fmap_base": 512,
            "generator.w_size": 128,
            "training.batch_size": 16,
            "penalties.r1_gamma": 4.0,
        },
    ),
    "1024 on a CPU": (
        (Images(10_000, 1024), CPU),
        {"generator.fmap_base": 2048, "penalties.r1_gamma": 10.0, "training.batch_size": 8},
    ),
    # ada:256: 4096 / 256 = 16 images, gamma 0.0002 * 65536 / 16 = 0.8192.
    "few on a GPU": (
        (Images(9_999, 256), GPU),
        {
            "loss": "non_saturating",
            "training.batch_size": 16,
            "penalties.r1_gamma": 0.8192,
            "generator.mapping_layers": 2,
            "schedule.generator.learning_rate": 0.0025,
            "generator.fmap_base": 8192,
        },
    ),
    # 8 devices of 16 images would be 128, 64 are the most: 0.0002 * 65536 / 64 = 0.2048.
    "few on eight": (
        (Images(9_999, 256), GPUS),
        {"training.batch_size": 64, "penalties.r1_gamma": 0.2048},
    ),
    # 4096 / 1024 = 4 images, 8 at the least; config F from 512 on; the smaller rate.
    "few at 1024": (
        (Images(9_999, 1024), GPU),
        {
            "training.batch_size": 8,
            "penalties.r1_gamma": 26.2144,  # 0.0002 * 1048576 / 8
            "generator.fmap_base": 16_384,
            "schedule.discriminator.learning_rate": 0.002,
        },
    ),
    # The paper's 100 at 256; a quarter of the area at 128; 6.25 at 64, which is below 10.
    "256": ((Images(70_000, 256), GPU), {"penalties.r1_gamma": 100.0}),
    "128": ((Images(70_000, 128), GPU), {"penalties.r1_gamma": 25.0, "training.batch_size": 32}),
    "64": ((Images(70_000, 64), GPU), {"penalties.r1_gamma": 10.0, "loss": "dual_contrastive"}),
    "512": ((Images(70_000, 512), GPU), {"penalties.r1_gamma": 100.0}),
    # Of three devices 63 are shared alike, of 64.
    "three": ((Images(70_000, 64), Machine(3, 8, GIB)), {"training.batch_size": 63}),
    "classes": ((Images(4_000, 32, 3, 10), CPU), {"data.labels": True}),
}


@pytest.mark.parametrize("name", ROWS)
def test_images_and_a_machine_decide_the_fields(name):
    (images, machine), expected = ROWS[name]
    found = changes(rules.networks_and_losses(images, machine, SURE))
    assert {path: found[path] for path in expected} == expected


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_a_valid_configuration(name):
    images, machine = ROWS[name][0]
    choices = rules.networks_and_losses(images, machine, SURE)
    config = planner.configuration(choices, images)
    assert config.data.resolution == images.resolution
    assert config.training.batch_size == changes(choices)["training.batch_size"]


@pytest.mark.parametrize(
    "count, machine, total, expected",
    [
        (10_000, CPU, 10**6, "none"),
        (9_999, GPU, 25 * 10**6, "ada"),
        # 40 passes are those after which D had not begun to overfit.
        (1_000, CPU, 40_000, "none"),
        (1_000, CPU, 41_000, "diffaugment"),
    ],
)
def test_few_images_are_augmented_where_a_run_is_long_enough(count, machine, total, expected):
    found = rules.augmentation(Images(count, 32), machine, total)
    assert found.fields == {"augmentation": expected}
    assert expected == "ada" or f"{count:_} images" in found.why


def test_one_class_is_no_label():
    assert "data.labels" not in changes(
        rules.networks_and_losses(Images(4_000, 32, 3, 1), CPU, SURE)
    )


def test_images_are_mirrored_only_where_they_are_symmetric_beyond_doubt():
    found = [
        changes(rules.networks_and_losses(Images(4_000, 32), CPU, look))["data.mirror"]
        for look in (SURE, ASYMMETRIC, FEW)
    ]
    assert found == [True, False, False]
    # 0.5 / sqrt(50) = 0.0707, twice that beyond 0.5 is more than 0.6; and 0.5 is within a coin's.
    assert FEW.is_undecided and not SURE.is_undecided and not ASYMMETRIC.is_undecided


def lengths(images, machine, batch, rate, hours=None, is_contrastive=True):
    """The fields that count images."""
    return changes(length.length_and_intervals(images, machine, batch, rate, hours, is_contrastive))


def test_hours_times_the_rate_are_the_length_and_all_else_follows():
    # 2 hours at 100 a second are 720,000. A tenth is 72,000, 20 passes 80,000. 10,000 * 8 / 32 is
    # less than 5 %. A minute is 6,000, ten 60,000; forty grids are one every 18,000, five
    # evaluations one every 144,000; each rounded down to 1, 2 or 5.
    assert lengths(Images(4_000, 32), CPU, 8, 100.0, 2.0) == {
        "training.total_images": 720_000,
        "loss.warmup_images": 72_000,
        "schedule.average.half_life_images": 2_500,
        "training.log_every_images": 5_000,
        "training.checkpoint_every_images": 50_000,
        "training.grid_every_images": 10_000,
        "evaluation.every_images": 100_000,
        "evaluation.images": 2_000,
    }
    # 0.5 hours at 11.7 are 21,060 images, two digits 21,000: 5 % are less than 2,500.
    short = lengths(Images(100, 32), CPU, 8, 11.7, 0.5)
    assert short["training.total_images"] == 21_000
    assert short["loss.warmup_images"] == 2_000  # 20 passes over 100 images
    assert short["schedule.average.half_life_images"] == 1_050
    assert "loss.warmup_images" not in lengths(Images(100, 32), CPU, 8, 9, 1, is_contrastive=False)


@pytest.mark.parametrize("side, machine, total", [(32, CPU, 120_000), (64, CPU, 150_000)])
def test_without_hours_a_run_is_as_long_as_one_that_is_known(side, machine, total):
    assert lengths(Images(4_000, side), machine, 8, 10.0)["training.total_images"] == total
    assert lengths(Images(4_000, side), GPU, 32, 10.0)["training.total_images"] == 25_000_000


def test_too_few_hours_are_refused_and_those_that_are_offered_are_enough():
    # 10,000 images at 10 a second are 0.2778 hours.
    with pytest.raises(UserError, match="360 images.*try --hours=0.28"):
        lengths(Images(4_000, 32), CPU, 8, 10.0, 0.01)
    assert lengths(Images(4_000, 32), CPU, 8, 10.0, 0.28)["training.total_images"] == 10_000


def test_transparent_images_are_not_evaluated():
    found = lengths(Images(4_000, 32, 4), CPU, 8, 10.0)
    assert found["evaluation.every_images"] == 0


def test_intervals_are_round():
    assert [length.round_number(n) for n in (0.3, 1, 4.9, 5, 19, 20, 99, 1e6)] == [
        *(1, 1, 2, 5, 10, 20, 50, 1_000_000)
    ]
