"""Pictures from seeds: which files there are, what is in them, and what a mistake gets."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from dualcontrast.tools import generate
from dualcontrast.tools.sampling import class_names, ranges, sampler
from dualcontrast.trainer import files, pictures, seeds, standing_moments, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation
from dualcontrast.trainer.errors import UserError

SMALL = {
    "data.resolution": 16,
    "data.channels": 3,
    "generator.latent_size": 8,
    "generator.w_size": 12,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 64,
    "generator.fmap_max": 8,
    "discriminator.fmap_base": 64,
    "discriminator.fmap_max": 8,
}
CONFIG = schema.replace(schema.Config(), SMALL)


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory) -> pathlib.Path:
    """A run with one checkpoint, whose average is not the generator that it averages."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    trained = state.State(CONFIG)
    random = np.random.default_rng(1)
    # Every variable counts: at first the noise's strength and the mean of w are zero.
    for variable in trained.average.variables:
        change = 0.3 * random.standard_normal(variable.shape)
        variable.assign(variable.numpy() + change.astype(np.float32))
    trained.images_seen.assign(4000)
    checkpoint.Checkpoints(workdir, trained, keep=1).save()
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(CONFIG))
    return workdir


@pytest.fixture(name="average", scope="module")
def _average(run):
    return checkpoint.load_average(str(run))[0]


def call(run: pathlib.Path, output: pathlib.Path, **more: str) -> None:
    flags.FLAGS.mark_as_parsed()
    with flagsaver.as_parsed(run=str(run), output=str(output), **more):
        generate.main(["generate"])


def pixels(path: pathlib.Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def expected(average, numbers: list[int], psi: float = 1.0, noise=None) -> np.ndarray:
    z = seeds.latents(tf.constant(numbers), 8, "normal")
    return pictures.to_uint8(average(z, noise=noise, truncation_psi=psi)).numpy().astype(int)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether pictures are equal, but for values next to a tie, which may round either way."""
    return a.shape == b.shape and abs(a - b).max() <= 1 and (a != b).mean() < 0.001


def test_every_seed_is_a_file_with_the_averaged_generators_image(run, average, tmp_path, capsys):
    call(run, tmp_path / "a" / "b", seeds="0-8,12345")
    names = [f"seed{seed:04d}.png" for seed in [*range(9), 12345]]
    assert sorted(os.listdir(tmp_path / "a" / "b")) == sorted(names)
    found = np.stack([pixels(tmp_path / "a" / "b" / name) for name in names])
    assert same(found, expected(average, [*range(9), 12345]))
    assert "10 images" in capsys.readouterr().out


def test_a_seed_is_the_same_alone_and_in_company_and_twice(run, tmp_path):
    for name, text in (("alone", "7"), ("company", "3-11"), ("twice", "7,7")):
        call(run, tmp_path / name, seeds=text, noise="random")
    images = [pixels(tmp_path / name / "seed0007.png") for name in ("alone", "company", "twice")]
    assert same(images[0], images[1]) and same(images[0], images[2])
    assert not same(images[0], pixels(tmp_path / "company" / "seed0008.png"))


def test_latents_and_noise_do_not_depend_on_the_other_seeds():
    z = seeds.latents(tf.constant([3, 5, 2**40], tf.int64), 8, "normal")
    maps = seeds.noise(tf.constant([3, 5], tf.int64), [4, 8, 8])
    assert (seeds.latents(tf.constant([5]), 8, "normal")[0] == z[1]).numpy().all()
    assert (z[2] == tf.random.stateless_normal([8], [2**40, 0])).numpy().all()
    assert [tuple(part.shape) for part in maps] == [(2, 4, 4, 1), (2, 8, 8, 1), (2, 8, 8, 1)]
    assert (seeds.noise(tf.constant([5]), [4])[0][0] == maps[0][1]).numpy().all()
    assert abs(maps[1] - maps[2]).numpy().max() > 0.1


def test_an_existing_image_is_replaced_and_others_are_left(run, tmp_path):
    (tmp_path / "seed0000.png").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    call(run, tmp_path, seeds="0")
    assert pixels(tmp_path / "seed0000.png").shape == (16, 16, 3)
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "seed0000.png"]


def test_a_checkpoint_can_be_named(run, tmp_path):
    call(run, tmp_path / "newest", seeds="4")
    call(run / "checkpoints" / "images-4000", tmp_path / "named", seeds="4")
    files = [tmp_path / name / "seed0004.png" for name in ("newest", "named")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("psi", [0.0, 0.5, -1.0])
def test_truncation_is_the_generators(run, average, tmp_path, psi):
    call(run, tmp_path, seeds="0-1", truncation_psi=str(psi))
    found = np.stack([pixels(tmp_path / f"seed000{seed}.png") for seed in range(2)])
    assert same(found, expected(average, [0, 1], psi))
    assert same(found[0], found[1]) == (psi == 0)


def test_random_noise_is_drawn_from_the_seed(run, average, tmp_path):
    call(run, tmp_path, seeds="0,1", noise="random", truncation_psi="0")
    noise = seeds.noise(tf.constant([0, 1]), average.synthesis.noise_sides)
    found = np.stack([pixels(tmp_path / f"seed000{seed}.png") for seed in range(2)])
    assert same(found, expected(average, [0, 1], 0.0, noise))
    assert not same(found[0], found[1])


@pytest.mark.parametrize("count, columns", [(1, 1), (4, 2), (5, 3), (9, 3)])
def test_a_grid_is_nearly_square(run, average, tmp_path, count, columns):
    call(run, tmp_path, seeds=f"0-{count - 1}", grid="true")
    assert os.listdir(tmp_path) == ["grid.png"]
    wanted = pictures.grid(expected(average, list(range(count))), columns)
    assert same(pixels(tmp_path / "grid.png"), wanted)


def test_a_table_of_styles_has_its_sources_above_and_to_the_left(run, average, tmp_path):
    call(run, tmp_path, rows="1,2", columns="3,4,5", style_layers="0-1,4", truncation_psi="0.7")
    table = pixels(tmp_path / "style_mixing.png")
    assert table.shape == (3 * 16, 4 * 16, 3)
    cells = table.reshape(3, 16, 4, 16, 3).swapaxes(1, 2)
    assert not cells[0, 0].any()
    assert same(cells[0, 1:], expected(average, [3, 4, 5], 0.7))
    assert same(cells[1:, 0], expected(average, [1, 2], 0.7))
    # Row 2, column 5: the column's styles in the layers 0, 1 and 4 of 6.
    z = seeds.latents(tf.constant([2, 5]), 8, "normal")
    w = average.truncate(average.broadcast(average.mapping(z)), 0.7).numpy()
    mixed = np.stack([w[k][layer] for layer, k in enumerate([1, 1, 0, 0, 1, 0])])[None]
    wanted = pictures.to_uint8(average.synthesis(mixed))[0].numpy().astype(int)
    assert same(cells[2, 3], wanted)
    assert same(pixels(tmp_path / "row0002-column0005.png"), wanted)
    assert len(os.listdir(tmp_path)) == 2 * 3 + 1


def test_an_animation_passes_through_every_seed(run, average, tmp_path):
    call(run, tmp_path, seeds="0-2", interpolate="0.2", truncation_psi="0.8")
    animation = Image.open(tmp_path / "interpolation.webp")
    assert animation.n_frames == 3 * 5 and animation.info["loop"] == 0
    sampled = sampler.Sampler(average, 0.8, random_noise=False)
    frames = np.stack(list(sampled.interpolated([0, 1, 2], 5))).astype(int)
    assert same(frames[::5], expected(average, [0, 1, 2], 0.8))
    steps = abs(np.diff(np.concatenate([frames, frames[:1]]), axis=0)).mean(axis=(1, 2, 3))
    apart = abs(frames[0] - frames[5]).mean()
    assert 0 < steps.min() and steps.max() < apart


def test_animations_side_by_side_pass_through_seeds_of_their_own(run, average, tmp_path):
    call(run, tmp_path, seeds="0-11", interpolate="0.08", side_by_side="3x2")
    of_seeds = expected(average, [*range(12)])
    with Image.open(tmp_path / "interpolation.webp") as animation:
        assert (animation.n_frames, animation.size) == (2 * 2, (3 * 16, 2 * 16))
        for turn in range(2):  # Each has two seeds, and two frames from one to the next.
            animation.seek(2 * turn)
            shown = np.asarray(animation.convert("RGB")).astype(int)
            cells = shown.reshape(2, 16, 3, 16, 3).swapaxes(1, 2).reshape(6, 16, 16, 3)
            # WebP is lossy: a cell shows the seed that it is nearest to.
            apart = abs(cells[:, None] - of_seeds).mean(axis=(2, 3, 4))
            assert apart.argmin(axis=1).tolist() == [*range(turn, 12, 2)]


def test_the_way_between_latents_is_a_great_circle():
    a, b = np.array([2, 0, 0, 0], np.float32), np.array([0, 3, 0, 0], np.float32)
    np.testing.assert_allclose(sampler.slerp(a, b, 0), [2, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(sampler.slerp(a, b, 1), [0, 2, 0, 0], atol=1e-6)
    # A third of the way is 30 degrees, at the root mean square 1: 2 cos 30, 2 sin 30.
    np.testing.assert_allclose(sampler.slerp(a, b, 1 / 3), [3**0.5, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(sampler.slerp(a, a, 0.3), [2, 0, 0, 0], atol=1e-6)


NAMES = ["cat", "dog", "0"]


@pytest.fixture(name="labelled", scope="module")
def _labelled(save_run, tmp_path_factory):
    """A run with classes, one of which has a number for a name, and its averaged generator."""
    config = schema.replace(CONFIG, {"data.resolution": 8, "data.labels": True})
    workdir = tmp_path_factory.mktemp("labelled") / "run"
    return workdir, save_run(workdir, schema.replace(config, {"data.classes": 3}), NAMES)


def of_class(average, numbers: list[int], label: int | list[int]) -> np.ndarray:
    labels = tf.constant(np.broadcast_to(label, len(numbers)), tf.int64)
    z = seeds.latents(tf.constant(numbers), 8, "normal")
    return pictures.to_uint8(average(z, labels)).numpy().astype(int)


def test_a_seeds_own_class_is_drawn_from_the_seed_alone():
    labels = seeds.labels(tf.constant([3, 5, 2**40], tf.int64), 10)
    assert labels.dtype == tf.int64
    for seed, label in zip((3, 5, 2**40), labels):
        assert label == tf.random.stateless_uniform([], [seed, -1], 0, 10, tf.int64)
    counts = np.bincount(tf.function(seeds.labels)(tf.range(1000), 4).numpy(), minlength=4)
    # 250 each, with a deviation of 14.
    assert len(counts) == 4 and abs(counts - 250).max() < 60


def test_without_a_class_every_seed_has_its_own(labelled, tmp_path):
    run, average = labelled
    call(run, tmp_path, seeds="0-8")
    own = seeds.labels(tf.range(9), 3).numpy().tolist()
    names = [f"class{label:04d}-seed{seed:04d}.png" for seed, label in enumerate(own)]
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    found = np.stack([pixels(tmp_path / name) for name in names])
    assert same(found, of_class(average, list(range(9)), own))


def test_a_class_is_named_or_numbered_and_a_name_comes_first(labelled, tmp_path, capsys):
    run, average = labelled
    call(run, tmp_path, seeds="5", **{"class": "dog,0"})
    assert sorted(os.listdir(tmp_path)) == ["class0001-seed0005.png", "class0002-seed0005.png"]
    assert "2 images" in (printed := capsys.readouterr().out) and "'dog', '0'" in printed
    for label in (1, 2):
        found = pixels(tmp_path / f"class000{label}-seed0005.png")
        assert same(found, of_class(average, [5], label)[0])
    names = ["a,b", "a", "b", "10"]
    for text, wanted in (("a,b", [0]), ("b, a", [2, 1]), ("3,10", [3, 3]), ("0", [0])):
        assert class_names.find(text, names, "the run") == wanted


@pytest.mark.parametrize(
    "given, rows, columns",
    [
        ({}, [0, 1, 2], list(range(8))),
        ({"seeds": "7,3", "class": "1,cat"}, [1, 0], [7, 3]),
    ],
)
def test_a_grid_has_a_class_a_row_and_the_same_seeds_in_all(
    labelled, tmp_path, given, rows, columns
):
    run, average = labelled
    call(run, tmp_path, grid="true", **given)
    assert os.listdir(tmp_path) == ["grid.png"]
    wanted = np.concatenate([of_class(average, columns, label) for label in rows])
    assert same(pixels(tmp_path / "grid.png"), pictures.grid(wanted, len(columns)))


def test_a_grid_has_sixteen_rows_unless_classes_are_named():
    names = [f"n{number}" for number in range(40)]
    flags.FLAGS.mark_as_parsed()
    with flagsaver.as_parsed(grid="true"):
        assert generate.find_classes(names, "the run") == list(range(16))
        with flagsaver.as_parsed(**{"class": ",".join(names[:20])}):
            assert generate.find_classes(names, "the run") == list(range(20))


def test_mixed_styles_and_an_animation_are_of_one_class(labelled, tmp_path):
    run, average = labelled
    call(run, tmp_path / "mixed", rows="1", columns="3", style_layers="0-1", **{"class": "dog"})
    z, label = seeds.latents(tf.constant([1, 3]), 8, "normal"), tf.constant([1, 1])
    row, column = average.broadcast(average.mapping(z, label)).numpy()
    mixed = average.synthesis(np.stack([*column[:2], *row[2:]])[None])
    wanted = pictures.to_uint8(mixed)[0].numpy().astype(int)
    assert same(pixels(tmp_path / "mixed" / "row0001-column0003.png"), wanted)
    table = pixels(tmp_path / "mixed" / "style_mixing.png")
    assert same(table[:8, 8:], of_class(average, [3], 1)[0])
    call(run, tmp_path, seeds="0,2", interpolate="0.08", **{"class": "2"})
    with Image.open(tmp_path / "interpolation.webp") as animation:
        assert animation.n_frames == 4
    frames = sampler.Sampler(average, 1.0, False).interpolated([0, 2], 2, 2)
    assert same(np.stack(list(frames)[::2]).astype(int), of_class(average, [0, 2], 2))


@pytest.mark.parametrize(
    "given, text",
    [
        ({"class": "Dogs"}, "did you mean 'dog'?"),
        ({"class": "dog,3"}, "has no class '3'"),
        (
            {"class": "3"},
            "it has 'cat', 'dog', '0'\nA class is given by its name or its number, 0 to 2",
        ),
        ({"class": ""}, "has no class ''"),
        ({"class": "-1"}, "has no class '-1'"),
        ({"rows": "1", "columns": "2"}, "has 3 classes: give one, that of the whole picture"),
        ({"rows": "1", "columns": "2", "class": "cat,dog"}, "expected one class"),
        ({"interpolate": "1"}, "has 3 classes: give one, that of the whole picture"),
    ],
)
def test_a_mistaken_class_is_named_and_nothing_is_written(labelled, tmp_path, given, text):
    with pytest.raises(UserError) as error:
        call(labelled[0], tmp_path / "output", **given)
    assert text in str(error.value) and str(error.value).count("\n") <= 1
    assert os.listdir(tmp_path) == []


def test_what_a_generator_cannot_do_is_refused(run, save_run, tmp_path):
    styles = run
    tiny = {"generator.latent_size": 4, "generator.width": 2, "generator.architecture": "dcgan"}
    tiny |= {"discriminator.architecture": "dcgan", "data.resolution": 8, "data.channels": 3}
    save_run(tmp_path / "run", schema.replace(config_flags.load("sngan_adv"), tiny))
    for given, text in (
        ({"truncation_psi": "0.5"}, "has no mapping"),
        ({"noise": "random"}, "--noise=random: this generator has no noise"),
        ({"rows": "1", "columns": "2"}, "no styles to mix"),
    ):
        with pytest.raises(UserError, match=text):
            call(tmp_path / "run", tmp_path / "output", **given)
    assert os.listdir(tmp_path) == ["run"]
    with pytest.raises(UserError, match="this generator truncates w, not z"):
        call(styles, tmp_path / "output", truncation_threshold="0.5")
    with pytest.raises(UserError, match="family stylegan2 keep no moments: drop the flag"):
        call(styles, tmp_path / "output", standing_batches="2")


def test_z_is_truncated_and_moments_are_of_drawn_images_where_that_is_asked(save_run, tmp_path):
    tiny = {"generator.latent_size": 8, "generator.width": 2, "discriminator.width": 2}
    tiny |= {"data.resolution": 32, "data.channels": 3, "training.batch_size": 4}
    run = tmp_path / "run"
    save_run(run, schema.replace(config_flags.load("biggan_hinge"), tiny))
    call(run, tmp_path / "output", seeds="2,5", truncation_threshold="0.5", standing_batches="3")
    generator, config, _ = checkpoint.load_average(str(run))
    z = seeds.truncated(seeds.latents(tf.constant([2, 5]), 8, "normal"), 0.5)
    plain = pictures.to_uint8(generator(z)).numpy().astype(int)
    standing_moments.take(generator, config, 3)
    wanted = pictures.to_uint8(generator(z)).numpy().astype(int)
    found = np.stack([pixels(tmp_path / "output" / f"seed000{seed}.png") for seed in (2, 5)])
    assert same(found, wanted) and not same(found, plain)


@pytest.mark.parametrize("text, wanted", [("5", [5]), ("0-2,9", [0, 1, 2, 9]), ("3-3, 1", [3, 1])])
def test_numbers_and_ranges_are_read(text, wanted):
    assert ranges.numbers("seeds", text) == wanted


MISTAKES = [
    ({"seeds": ""}, "--seeds="),
    ({"seeds": "1,,2"}, "'' is no number"),
    ({"seeds": "5-3"}, "'5-3' is no number"),
    ({"seeds": "-1"}, "'-1'"),
    ({"seeds": "1.5"}, "'1.5'"),
    ({"seeds": "a-b"}, "'a-b'"),
    ({"seeds": "0-999999999"}, "more than 1,000,000"),
    ({"seeds": "99999999999999999999"}, "is no number"),
    ({"truncation_psi": "nan"}, "--truncation_psi=nan: expected a number"),
    ({"truncation_psi": "inf"}, "--truncation_psi=inf"),
    ({"rows": "1"}, "both --rows"),
    ({"columns": "1"}, "both --rows"),
    ({"rows": "x", "columns": "1"}, "--rows=x"),
    ({"rows": "1", "columns": "x"}, "--columns=x"),
    ({"rows": "1", "columns": "2", "seeds": "3"}, "--seeds has no place"),
    ({"rows": "1", "columns": "2", "style_layers": "4-6"}, "has the layers 0 to 5"),
    ({"rows": "1", "columns": "2", "style_layers": "low"}, "--style_layers=low"),
    ({"rows": "1", "columns": "2", "grid": "true"}, "one at a time"),
    ({"interpolate": "1", "grid": "true"}, "one at a time"),
    ({"interpolate": "1", "seeds": "3"}, "two seeds or more"),
    ({"interpolate": "0", "seeds": "3,4"}, "--interpolate=0.0"),
    ({"interpolate": "nan", "seeds": "3,4"}, "--interpolate=nan"),
    ({"interpolate": "1", "noise": "random"}, "drop --noise=random"),
    ({"interpolate": "1", "seeds": "0-6", "side_by_side": "3x1"}, "to 3 animations"),
    ({"interpolate": "1", "seeds": "0-3", "side_by_side": "2x2"}, "try --seeds=0-11"),
    ({"interpolate": "1", "side_by_side": "6"}, "--side_by_side=6: expected columns and rows"),
    ({"interpolate": "1", "side_by_side": "0x3"}, "--side_by_side=0x3: expected"),
    ({"side_by_side": "2x2"}, "add --interpolate=2"),
    ({"run": "no-such-run"}, "no-such-run"),
    ({"class": "cat"}, "was trained without labels: drop the flag"),
]


@pytest.mark.parametrize("given, text", MISTAKES, ids=lambda value: str(value))
def test_a_mistake_is_named_in_two_lines_and_nothing_is_written(run, tmp_path, given, text):
    given = {"run": str(run), **given}
    with pytest.raises(UserError) as error:
        call(given.pop("run"), tmp_path / "output", **given)
    assert text in str(error.value) and str(error.value).count("\n") <= 1
    assert os.listdir(tmp_path) == []


def test_an_output_that_is_a_file_is_left_alone(run, tmp_path):
    (tmp_path / "output").write_text("mine")
    with pytest.raises(UserError, match="is a file, expected a folder"):
        call(run, tmp_path / "output")
    assert (tmp_path / "output").read_text() == "mine"


def test_an_output_that_cannot_be_made_is_named(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        call(run, tmp_path / "file" / "output", seeds="0")


def test_a_run_whose_checkpoint_is_of_another_network_is_refused(run, tmp_path):
    other = schema.replace(CONFIG, {"generator.fmap_max": 4})
    (tmp_path / "checkpoints").symlink_to(run / "checkpoints")
    (tmp_path / "config.json").write_text(serialisation.to_json(other))
    with pytest.raises(UserError, match="damaged or of another network"):
        call(tmp_path, tmp_path / "output", seeds="0")
    assert not (tmp_path / "output").exists()


def test_the_command_ends_with_2_and_no_traceback(run, tmp_path):
    command = [sys.executable, "-m", "dualcontrast.tools.generate", f"--run={run}"]
    command += [f"--output={tmp_path / 'output'}", "--truncation_psi=much"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert "truncation_psi=much" in result.stderr.splitlines()[-1]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "asked, words", [("gpu", "must be one of auto, cuda, cpu, ref"), ("cuda", "cannot run here")]
)
def test_operations_that_cannot_run_are_refused_in_a_line(bench, tmp_path, asked, words):
    if asked == "cuda" and tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    output = f"--output={tmp_path / 'samples'}"
    (tmp_path / "config.json").touch()
    done = bench.run("generate", f"--run={tmp_path}", output, DUALCONTRAST_OPS=asked)
    bench.assert_refused(done, f"DUALCONTRAST_OPS={asked}", words, "DUALCONTRAST_OPS=auto runs")
