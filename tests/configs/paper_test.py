"""What the paper's experiments share: its datasets, and StyleGAN2's protocol."""

import pytest

from dualcontrast.configs.paper import datasets, protocol
from dualcontrast.tools.conversion import conversion
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.source import Entry
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError


@pytest.mark.parametrize(
    "argument, resolution, images, warmup",
    [
        ("ffhq256", 256, 70_000, 1_400_000),
        # 20 passes over three million images would be longer than the training.
        ("bedroom256", 256, 3_033_042, 1_400_000),
        ("celeba128_1k", 128, 1_000, 20_000),
        ("church128_30k", 128, 30_000, 600_000),
        ("animalface128_100k", 128, 100_000, 1_400_000),
    ],
)
def test_an_argument_names_the_images_and_their_warmup(argument, resolution, images, warmup):
    found = datasets.find(argument)
    config = config_flags.load(f"sg2e_contr:{argument}")
    assert found.images == images
    assert (config.data.resolution, config.data.channels) == (resolution, 3)
    assert config.loss.warmup_images == warmup


def test_no_subset_is_larger_than_its_dataset():
    assert len(datasets.TRAINING_SETS) == 5 + 4 * 6
    for chosen in datasets.TRAINING_SETS.values():
        assert chosen.images <= chosen.dataset.images


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_converter_takes_the_images_of_a_smaller_subset_first(shuffle):
    files = [Entry(f"{place:03}.png", place, 1) for place in range(200)]
    folder = Folder("faces")
    small, large = (conversion.order(files, folder, 0, shuffle, n) for n in (10, 100))
    assert small == large[:10]
    assert (small == files[:10]) != shuffle


def test_faces_of_ffhq_alone_are_mirrored():
    assert {x.name for x in datasets.DATASETS if x.mirror} == {"ffhq256"}
    assert config_flags.load("sg2e_ns:ffhq256").data.mirror
    assert not config_flags.load("sg2e_ns:church256").data.mirror


@pytest.mark.parametrize(
    "argument, expected",
    [
        ("celeba128_2k", "the paper has no dataset 'celeba128_2k': did you mean celeba128_"),
        ("celeba128", "did you mean celeba128_"),
        ("church258", "did you mean church256"),
        ("church", "with _1k, _5k, _10k, _30k, _50k, _100k"),
        ("cifar10", "has no dataset 'cifar10'.\nExpected one of ffhq256, bedroom256, church256"),
    ],
)
def test_an_unknown_dataset_is_told_the_known_ones(argument, expected):
    with pytest.raises(UserError) as caught:
        config_flags.load(f"sg2e_hinge:{argument}")
    assert str(caught.value).startswith("sg2e_hinge.py: the paper has no dataset")
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_without_a_dataset_an_experiment_takes_images_of_any_size():
    config = config_flags.load("sg2e_gsan32_dref8_contr")
    assert config.data == schema.DataConfig()
    assert schema.resolve(config, 64, 1).data.resolution == 64


def test_the_general_experiments_are_rows_without_a_dataset():
    assert config_flags.load("stylegan2_e") == config_flags.load("sg2e_contr") == schema.Config()
    assert config_flags.load("stylegan2_e_ns") == config_flags.load("sg2e_ns")


def test_the_schemas_defaults_are_the_protocol():
    # Not needed by the experiments, which say it all, but promised by the schema.
    changed = schema.replace(schema.Config(), protocol.PROTOCOL)
    assert schema.differences(schema.Config(), changed) == []


def test_a_row_is_compared_with_the_baseline_in_its_own_fields_alone():
    baseline = config_flags.load("sg2e_ns:celeba128_5k")
    row = config_flags.load("sg2e_gsan32_dref8:celeba128_5k")
    assert schema.differences(baseline, row) == [
        "generator.attention.kind: none -> san",
        "discriminator.attention.pairing: none -> reference",
    ]
