"""Every run of the tables is an experiment that trains, and states what was published."""

import ast
import csv
import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.configs.paper import datasets
from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

FOLDER = pathlib.Path(datasets.__file__).parent
with open(FOLDER / "experiment_matrix.csv", encoding="utf-8", newline="") as opened:
    CELLS = list(csv.DictReader(opened))

# Their recipe is not public, so their rows have no experiment.
BACKBONES_WITHOUT_NETWORKS = {
    "biggan D",
}
HERE = [cell for cell in CELLS if cell["backbone"] == "stylegan2_e"]
ADVAUG = [cell for cell in CELLS if cell["source"].startswith("AdvAug")]
STYLEGAN = [cell for cell in CELLS if cell["backbone"] == "stylegan1"]
BIGGAN = [cell for cell in CELLS if cell["backbone"] == "biggan"]
UNETGAN = [cell for cell in CELLS if cell["backbone"].startswith("unetgan")]
SNGAN = [cell for cell in CELLS if cell["backbone"] == "sngan" and cell not in ADVAUG]

CONTRAD_SYSTEMS = ("sndcgan", "snresnet18", "sg2small")

LOSSES = {
    "ns": "non_saturating",
    "sat": "saturating",
    "wgan": "wasserstein",
    "hinge": "hinge",
    "contr": "dual_contrastive",
}
GENERATOR_ATTENTION = {"-": "none", "san": "san", "sagan": "sagan", "dfn": "dfn", "vt": "vt"}
PAIRINGS = {
    ("-", "-"): "none",
    ("san(self)", "-"): "self",
    ("san(ref)", "eq8"): "reference",
    ("san(ref)", "eq1"): "supplement_1",
    ("san(ref)", "eq2"): "supplement_2",
}


def place(cell: dict[str, str]) -> tuple[str, str]:
    """The experiment of a cell and its argument, which is empty where nothing is trained on."""
    whole = cell["config"]
    if cell["dataset"] == "-":
        return whole.removesuffix(f"_complexity{cell['resolution']}"), ""
    name, _, size = whole.rpartition(f"_{cell['dataset']}")
    return name, cell["dataset"] + size


ROWS = sorted({place(cell)[0] for cell in HERE})
SNGAN_ROWS = sorted({place(cell)[0] for cell in SNGAN})
STYLEGAN_ROWS = sorted({place(cell)[0] for cell in STYLEGAN})
RUNS = {place(cell): cell for cell in HERE}


def experiment(name: str, argument: str = "") -> schema.Config:
    """What the command line's --config=NAME or --config=NAME:ARGUMENT means."""
    return config_flags.load(f"{name}:{argument}" if argument else name)


def test_the_matrix_is_whole():
    # Nothing is lost when the file is edited: cells, names, and names that have networks.
    names = [{cell["config"] for cell in cells} for cells in (CELLS, HERE)]
    assert (len(CELLS), len(HERE), *map(len, names)) == (423, 278, 251, 156)


def test_every_backbone_has_networks_or_is_known_to_have_none():
    assert {cell["backbone"] for cell in CELLS} == {
        "stylegan2_e",
        "sngan",
        "sngan projection",
        "stylegan1",
        "sagan",
        "biggan",
        "unetgan",
        "unetgan+stylegan2",
        "stylegan2_ada",
        "sg2afhq",
        *CONTRAD_SYSTEMS,
    } | BACKBONES_WITHOUT_NETWORKS


def test_every_row_is_an_experiment_and_the_reverse():
    assert ROWS == [name for name in config_flags.names() if name.startswith("sg2e_")]


def test_the_name_of_every_run_follows_its_columns():
    for (_, argument), cell in RUNS.items():
        if argument:
            size = "" if cell["subset"].startswith("full") else f"_{cell['subset']}"
            assert argument == cell["dataset"] + size, cell["config"]


@pytest.mark.parametrize("run", RUNS, ids=":".join)
def test_a_run_is_what_its_columns_say(run):
    cell, config = RUNS[run], experiment(*run)
    g, d = config.generator.attention, config.discriminator.attention
    assert config.loss.family == LOSSES[cell["loss"]]
    assert g.kind == GENERATOR_ATTENTION[cell["attn_g"]]
    assert d.pairing == PAIRINGS[cell["attn_d"], cell["ref_cfg"]]
    assert cell["attn_g_res"] in ("-", str(g.resolution))
    assert cell["attn_d_res"] in ("-", str(d.resolution))
    assert config.data.resolution == (int(cell["resolution"]) if run[1] else None)
    schema.resolve(config, int(cell["resolution"]), 3)


def test_the_runs_of_sngan_are_what_their_columns_say():
    losses = {"default adv": "hinge", "contr": "dual_contrastive"}
    assert SNGAN_ROWS == [name for name in config_flags.names() if name.startswith("sngan_")]
    for cell in SNGAN:
        config = experiment(*place(cell))
        assert config.generator.family == config.discriminator.family == "sngan"
        assert config.loss.family == losses[cell["loss"]]
        assert config.schedule.discriminator_steps == 5
        schema.resolve(config, int(cell["resolution"]), 3)


def test_the_runs_of_stylegan_are_what_their_columns_say():
    assert STYLEGAN_ROWS == [name for name in config_flags.names() if name.startswith("sg1_")]
    assert len(STYLEGAN) == 10
    for cell in STYLEGAN:
        config = experiment(*place(cell))
        assert config.generator.family == config.discriminator.family == "stylegan"
        assert config.loss.family == LOSSES[cell["loss"]]
        # Growing and the warm-up of 20 passes do not go together, so the rows do not grow.
        assert not (config.generator.growing or config.discriminator.growing)
        assert (config.penalties.r1_gamma, config.penalties.r1_every) == (10, None)
        assert config.schedule.order == "discriminator_first"
        rates = config.schedule.generator, config.schedule.discriminator
        assert {rate.learning_rate for rate in rates} == {0.002}
        assert (config.training.batch_size, config.training.total_images) == (32, 25_000_000)
        assert config.data.mirror == (cell["dataset"] == "ffhq256")
        schema.resolve(config, int(cell["resolution"]), 3)


def test_the_runs_on_imagenet_are_what_their_columns_say():
    cells = [cell for cell in CELLS if cell["backbone"] in ("sagan", "sngan projection")]
    families = {"sagan": "sagan", "sngan projection": "sngan"}
    assert {cell["config"] for cell in cells} == {"sagan_imagenet128", "snganproj_imagenet128"}
    for cell in cells:
        config = experiment(cell["config"])
        found = {config.generator.family, config.discriminator.family}
        assert found == {families[cell["backbone"]]}
        assert config.loss.family == cell["loss"] == "hinge"
        for section, side in (("generator", "attn_g_res"), ("discriminator", "attn_d_res")):
            attended = getattr(getattr(config, section), "attention_resolution", "-")
            assert str(attended) in cell[side].split(" or ")
        resolved = schema.resolve(config, int(cell["resolution"]), 3, 1_000)
        assert resolved.images.classes == 1_000
        assert config.generator.fake_labels == "uniform"


def test_the_run_of_biggan_is_what_its_columns_say():
    (cell,) = BIGGAN
    config = schema.resolve(experiment(*place(cell)), int(cell["resolution"]), 3)
    assert (config.generator.family, config.loss.family) == ("biggan", "hinge")
    # The settings of Schonfeld et al.'s program for FFHQ.
    assert config.training.batch_size == 20 and config.data.mirror
    rates = config.schedule.generator, config.schedule.discriminator
    assert [rate.learning_rate for rate in rates] == [1e-4, 5e-4]
    assert {(r.adam_beta_1, r.adam_beta_2, r.adam_epsilon) for r in rates} == {(0, 0.999, 1e-6)}
    average = config.schedule.average
    assert 0.5 ** (20 / average.half_life_images) == pytest.approx(0.9999, abs=1e-8)
    assert average.start_images == 21_000 * 20 and average.moments


def test_the_run_of_unet_gan_on_ffhq_is_what_its_columns_say():
    cells = [cell for cell in UNETGAN if cell["backbone"] == "unetgan"]
    assert {place(cell) for cell in cells} == {("unetgan_bce", "ffhq256")}
    config = schema.resolve(experiment("unetgan_bce", "ffhq256"), 256, 3)
    assert (config.generator.family, config.discriminator.family) == ("biggan", "unet")
    assert config.loss.family == "non_saturating"  # the cross entropy of logits
    assert config.training.batch_size == 20 and config.penalties.r1_gamma == 0
    mixed = config.cutmix
    assert (mixed.probability, mixed.weight, mixed.consistency_weight) == (0.5, 0, 1)
    assert mixed.warmup_images == 100 * 70_000  # 100 passes over FFHQ
    # All else is as with BigGAN's discriminator.
    biggan = experiment("biggan_hinge", "ffhq256")
    assert (config.schedule, config.generator) == (biggan.schedule, biggan.generator)


def test_the_runs_of_unet_gan_on_stylegan2_are_those_of_the_baseline_with_a_decoder():
    cells = [cell for cell in UNETGAN if cell["backbone"] == "unetgan+stylegan2"]
    runs = {place(cell) for cell in cells}
    assert {name for name, _ in runs} == {"unetgan_stylegan2"} and len(runs) == 4
    for name, argument in runs:
        config = schema.resolve(experiment(name, argument), 256, 3)
        baseline = schema.resolve(experiment("sg2e_ns", argument), 256, 3)
        judge, judge_of_baseline = config.discriminator, baseline.discriminator
        assert (config.generator.family, judge.family) == ("stylegan2", "unet_stylegan2")
        for field in dataclasses.fields(judge):
            assert getattr(judge, field.name) == getattr(judge_of_baseline, field.name), field.name
        first = experiment("unetgan_bce", argument)
        assert (config.loss, config.cutmix) == (first.loss, first.cutmix)
        changed = {"discriminator": judge_of_baseline, "cutmix": baseline.cutmix}
        assert dataclasses.replace(config, **changed) == baseline


def contrad_place(cell: dict[str, str]) -> tuple[str, str]:
    """The system of a cell of ContraD's tables, and its argument, ROW_DATASET."""
    system, _, argument = cell["config"].removesuffix("_lineval").partition("_")
    return system, argument


CONTRAD = [cell for cell in CELLS if cell["backbone"] in CONTRAD_SYSTEMS]


def test_the_runs_of_contrad_are_what_their_columns_say():
    assert (
        len({cell["config"] for cell in CONTRAD}) == 3 * 5 * 2 + 2 * 2 * 2
    )  # T3 names contrad again
    augmentations = {"ns": "none", "ns+diffaug": "diffaugment", "ns+cr": "none", "ns+bcr": "none"}
    weights = {"ns+cr": (10, 0), "ns+bcr": (10, 10)}  # of reals and of fakes
    for cell in CONTRAD:
        config = experiment(*contrad_place(cell))
        plain = cell["loss"] in augmentations
        assert config.loss.family == ("non_saturating" if plain else "contrad")
        found = (config.consistency.real_weight, config.consistency.fake_weight)
        assert found == weights.get(cell["loss"], (0, 0))
        assert config.augmentation.family == augmentations.get(cell["loss"], "simclr")
        assert config.discriminator.head == "mlp"
        if cell["loss"] == "simclr":
            assert config.loss.lambda_con == config.loss.lambda_dis == 0
        views = config.loss.family == "contrad"
        batches = (32, 64) if cell["backbone"] == "sg2small" else (64, 512)
        assert config.training.batch_size == batches[views]
        warmup = 3000 * config.training.batch_size if views else 0
        assert config.schedule.generator.warmup_images == warmup
        assert config.schedule.discriminator.warmup_images == warmup
        schema.resolve(config, int(cell["resolution"]), 3)


def test_contrad_on_celeba_hq_has_the_program_s_settings():
    for row, weights in (("base", (0, 0)), ("cr", (10, 0)), ("bcr", (10, 10)), ("contrad", (0, 0))):
        config = schema.resolve(experiment("sndcgan", f"{row}_celebahq128"), 128, 3)
        assert config.training.batch_size == 64
        assert config.training.total_images == 64 * 100_000
        assert (config.consistency.real_weight, config.consistency.fake_weight) == weights
        assert config.schedule.generator.warmup_images == (192_000 if row == "contrad" else 0)
        rate = config.schedule.discriminator
        assert (rate.learning_rate, rate.adam_beta_1, rate.adam_beta_2) == (2e-4, 0.5, 0.999)
        assert config.schedule.average.half_life_images == 0 and not config.data.mirror
    views = config.augmentation  # of the last row
    assert (views.least_area, views.jitter, views.hue) == (0.2, 0.4, 0.1)
    assert (views.blur, views.cutout) == (True, False)


@pytest.mark.parametrize(
    "animal, cutout", [("dog", False), ("cat", True), ("wild", True)], ids=["dog", "cat", "wild"]
)
def test_contrad_on_afhq_has_the_program_s_settings(animal, cutout):
    config = schema.resolve(experiment("sg2afhq", f"contrad_afhq{animal}512"), 512, 3)
    views = config.augmentation
    assert (views.least_area, views.jitter, views.hue) == (0.08, 0.8, 0.2)
    assert (views.blur, views.cutout) == (True, cutout)
    assert (config.loss.family, config.loss.d_batching) == ("contrad", "separate")
    base = schema.resolve(experiment("sg2afhq", f"base_afhq{animal}512"), 512, 3)
    assert (base.loss.family, base.augmentation.family) == ("non_saturating", "none")
    for one, warmup in ((config, 192_000), (base, 0)):
        assert (one.training.batch_size, one.training.total_images) == (64, 64 * 400_000)
        assert (one.penalties.r1_gamma, one.penalties.r1_every) == (0.5, 16)
        average = one.schedule.average
        assert (average.half_life_images, average.start_images) == (20_000, 20_000)
        assert one.generator.path_length_weight == 0 and one.data.mirror
        assert one.schedule.order == "generator_first"
        for rate in (one.schedule.generator, one.schedule.discriminator):
            assert (rate.learning_rate, rate.adam_beta_1, rate.adam_beta_2) == (0.0025, 0.0, 0.99)
            assert rate.warmup_images == warmup


@pytest.mark.parametrize(
    "name, argument, side, size",
    [
        ("sndcgan", "contrad_cifar10", 32, 3_828_739),
        ("sg2small", "contrad_cifar10", 32, 13_506_963),
        ("sg2afhq", "contrad_afhqcat512", 512, 24_860_935),
    ],
)
def test_the_generators_of_contrad_have_the_published_sizes(name, argument, side, size):
    config = schema.resolve(experiment(name, argument), side, 3)
    found = state.make_generator(config).trainable_variables
    assert sum(int(np.prod(variable.shape)) for variable in found) == size


@pytest.mark.parametrize(
    "name, argument",
    [
        ("sndcgan", "contrd_cifar10"),
        ("sndcgan", "contrad_cifar11"),
        ("sndcgan", "base_ffhq256"),
        ("sndcgan", "diffaug_celebahq128"),
        ("snresnet18", "contrad_celebahq128"),
        ("sg2afhq", "cr_afhqdog512"),
    ],
)
def test_an_unknown_row_of_contrad_is_told_the_known_ones(name, argument):
    with pytest.raises(UserError) as caught:
        experiment(name, argument)
    assert argument in str(caught.value) and len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("run", RUNS, ids=":".join)
def test_a_run_trains_longer_than_it_warms_up(run):
    config = experiment(*run)
    warmup = getattr(config.loss, "warmup_images", 1)  # the other losses have none
    assert 0 < warmup < config.training.total_images / 10


# Narrow networks. They start at the resolution that their attention needs.
NARROW = {
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.mapping_layers": 1,
    "generator.fmap_max": 8,
    "generator.attention.dfn.hidden": 8,
    "generator.attention.vt.tokens": 2,
    "generator.attention.vt.token_size": 8,
    "discriminator.fmap_max": 8,
    "training.batch_size": 4,
    "data.mirror": False,
}
METRICS = {"loss/G", "path_length", "path_length/penalty", "loss/D", "r1"}


def narrowed(config: schema.Config) -> schema.Config:
    """The same experiment for images as small as its attention allows."""
    g, d = config.generator.attention, config.discriminator.attention
    sides = [8]
    sides += [g.resolution] if g.kind != "none" else []
    sides += [d.resolution] if d.pairing != "none" else []
    small = NARROW | {"data.resolution": max(sides), "data.channels": 3}
    if config.loss.family == "dual_contrastive":
        small["loss.warmup_images"] = 0
    changed = schema.replace(config, small)
    schema.validate(changed)
    return changed


# Runs that differ in nothing but their images are one here.
STRUCTURES = {narrowed(experiment(*run)): run for run in RUNS}


@pytest.fixture(name="eagerly")
def _eagerly():
    """Compiling the steps would take several times as long as one iteration of narrow networks."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_the_runs_have_as_many_structures_as_there_are_rows():
    assert sorted({run[0] for run in STRUCTURES.values()}) == ROWS
    assert len(STRUCTURES) == len(ROWS)


@pytest.mark.parametrize("config", STRUCTURES, ids=lambda config: STRUCTURES[config][0])
@pytest.mark.usefixtures("eagerly")
def test_a_whole_iteration_of_every_structure_trains(config):
    side = config.data.resolution
    images = np.random.default_rng(0).integers(0, 256, [8, side, side, 3]).astype(np.uint8)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    references = images[4:] if config.discriminator.attention.reads_references else None
    metrics = trainer.iterate([(tf.constant(images[:4]), references)], 0)
    assert METRICS <= set(metrics)
    assert [name for name, value in metrics.items() if not np.isfinite(value)] == []
    assert int(built.images_seen) == 4


Published = set[tuple[str, str, str, float]]


def stated(name: str) -> Published:
    """The source, argument, metric and value of every number in an experiment's docstring.

    A table has the metrics above and the arguments at the left; a column METRIC@SIZE is about the
    argument with _SIZE.
    """
    source = (FOLDER.parent / f"{name}.py").read_text(encoding="utf-8")
    found, sources, header = set(), [], []
    for line in ast.get_docstring(ast.parse(source)).splitlines():
        if line.startswith("Published in "):
            sources = line.removeprefix("Published in ").removesuffix(":").split("; ")
            header = []
        elif not line.startswith("    "):
            sources = sources if not line else []
        elif sources and not header:
            header = [column.partition("@") for column in line.split()]
        elif sources:
            argument, *values = line.split()
            assert len(values) == len(header), line
            for (metric, _, size), value in zip(header, values):
                whole = f"{argument}_{size}" if size else argument
                found |= {(one, whole, metric, float(value)) for one in sources if value != "-"}
    return found


@pytest.mark.parametrize("name", CONTRAD_SYSTEMS)
def test_an_experiment_of_contrad_states_all_published_numbers_and_no_others(name):
    assert stated(name) == {
        (cell["source"], place, cell["metric"], float(cell["published"].partition("±")[0]))
        for cell in CONTRAD
        for system, place in [contrad_place(cell)]
        if system == name
    }


@pytest.mark.parametrize(
    "name",
    [*ROWS, *SNGAN_ROWS, *STYLEGAN_ROWS, "biggan_hinge", "unetgan_bce", "unetgan_stylegan2"],
)
def test_an_experiment_states_all_published_numbers_and_no_others(name):
    published = set()
    for cell in HERE + SNGAN + STYLEGAN + BIGGAN + UNETGAN:
        row, argument = place(cell)
        if row == name:
            argument = argument or "{0}x{0}".format(cell["resolution"])
            published.add((cell["source"], argument, cell["metric"], float(cell["published"])))
    assert stated(name) == published


def test_advaug_on_cifar_is_sngan_with_the_steps_of_its_program():
    gammas = {
        "base": (0, 0, 0),
        "adv_d": (0.1, 0.01, 0),
        "adv_g": (0, 0, 0.01),
        "adv_gd": (0.01, 0.01, 0.01),
    }
    for row, expected in gammas.items():
        config = schema.resolve(experiment("advaug_cifar10", row), 32, 3)
        moved = config.adversarial_features
        assert (moved.real_gamma, moved.fake_gamma, moved.generator_gamma) == expected
        assert (moved.sign, moved.steps) == ("code", 1)
        assert config.generator.family == config.discriminator.family == "sngan"
        assert (config.loss.family, config.schedule.discriminator_steps) == ("hinge", 5)
        steps_to_a_half = config.schedule.average.half_life_images / config.iteration_images
        assert 0.5 ** (1 / steps_to_a_half) == pytest.approx(0.999, abs=1e-6)
        assert experiment("advaug_cifar10", f"{row}_5k") == experiment("advaug_cifar10", row)
    assert experiment("advaug_cifar10") == experiment("advaug_cifar10", "adv_gd")
    with pytest.raises(UserError, match="no row 'adv_x': expected base, adv_d, adv_g, adv_gd"):
        experiment("advaug_cifar10", "adv_x")


@pytest.mark.parametrize("name", ["advaug_cifar10", "ada_cifar10", "sg2afhq"])
def test_an_experiment_of_others_states_all_published_numbers_and_no_others(name):
    assert stated(name) == {
        (cell["source"], argument, cell["metric"], float(cell["published"]))
        for cell in CELLS
        for _, mine, argument in [cell["config"].partition(f"{name}_")]
        if mine
    }
