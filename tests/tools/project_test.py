"""dualcontrast-project as a user runs it."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.tools.sampling import model_folder
from dualcontrast.trainer import files, pictures
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation

SMALL = {
    "data.resolution": 8,
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
LABELLED = schema.resolve(schema.replace(CONFIG, {"data.labels": True}), 8, 3, classes=2)
TINY = {"generator.latent_size": 8, "generator.width": 2, "generator.architecture": "dcgan"}
TINY |= {"discriminator.architecture": "dcgan", "data.resolution": 8, "data.channels": 3}
NO_MAPPING = schema.replace(config_flags.load("sngan_adv"), TINY)


@pytest.fixture(name="run", scope="module")
def _run(save_run, tmp_path_factory) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp("runs") / "run"
    save_run(workdir, CONFIG)
    return workdir


@pytest.fixture(name="average", scope="module")
def _average(run):
    return checkpoint.load_average(str(run))[0]


@pytest.fixture(name="others", scope="module")
def _others(save_run, tmp_path_factory) -> dict:
    """Runs of generators with other abilities, and the generators by the runs' names."""
    folder = tmp_path_factory.mktemp("others")
    labelled = save_run(folder / "labelled", LABELLED, ["cat", "dog"])
    plain = save_run(folder / "plain", NO_MAPPING)
    return {"folder": folder, "labelled": labelled, "plain": plain}


@pytest.fixture(name="done", scope="module")
def _done(run, average, others, bench, tmp_path_factory) -> dict:
    """Every call of this file: its results by name, and the folder of the files."""
    folder = tmp_path_factory.mktemp("projections")
    (folder / "model").mkdir()
    files.write(folder / "model" / checkpoint.CONFIG_NAME, serialisation.to_json(CONFIG))
    average.save_weights(folder / "model" / model_folder.WEIGHTS_NAME)
    for name in ("export", "cut"):
        (folder / name).mkdir()
        files.write(folder / name / checkpoint.CONFIG_NAME, serialisation.to_json(LABELLED))
        others["labelled"].save_weights(folder / name / model_folder.WEIGHTS_NAME)
    # As they are in the variables of an export.
    names = tf.train.Checkpoint(classes=tf.Variable(["cat", "dog"]))
    names.write(str(folder / "export" / "variables" / "variables"))
    random = np.random.default_rng(2)
    noise = random.integers(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(noise[:8, :8]).save(folder / "fits.png")
    Image.fromarray(noise).save(folder / "wide.png")
    Image.fromarray(noise[:8, :8, 0]).save(folder / "grey.png")
    (folder / "text.png").write_text("no picture")
    fits = ["--steps=12", f"--image={folder / 'fits.png'}"]
    wide = [f"--image={folder / 'wide.png'}"]
    of_run = [f"--run={run}", *fits]
    labelled, plain = (f"--run={others['folder'] / name}" for name in ("labelled", "plain"))
    calls = {
        "labelled": [labelled, *fits, "--class=dog", "--space=w+"],
        "labelled export": [f"--model={folder / 'export'}", *fits, "--class=1"],
        "z": [plain, *fits],
        "no class": [labelled, *fits],
        "two classes": [labelled, *fits, "--class=cat,dog"],
        "unknown class": [f"--model={folder / 'export'}", *fits, "--class=DOGS"],
        "no labels": [*of_run, "--class=cat"],
        "no names": [f"--model={folder / 'cut'}", *fits, "--class=cat"],
        "no mapping": [plain, *fits, "--space=w"],
        "w": [*of_run, "--space=w"],
        "w+": [*of_run, "--space=w+", "--distance=pixels", "--seed=3"],
        "exported": [f"--model={folder / 'model'}", *wide, "--crop=center", "--steps=12"],
        "size": [f"--run={run}", *wide],
        "kind": [f"--run={run}", f"--image={folder / 'grey.png'}"],
        "text": [f"--run={run}", f"--image={folder / 'text.png'}"],
        "missing image": [f"--run={run}", f"--image={folder / 'none.png'}"],
        "missing run": [f"--run={folder / 'none'}", *fits],
        "no run": [f"--run={folder}", *fits],
        "no model": [f"--model={run}", *fits],
        "both": [*of_run, f"--model={folder / 'model'}"],
        "half of lpips": [*of_run, "--vgg16=vgg16.npz"],
        "too small": [*of_run, "--vgg16=vgg16.npz", "--lpips=lpips.npz"],
        "no steps": [*of_run, "--steps=0"],
        "unknown space": [*of_run, "--space=z"],
    }
    commands = [[*words, f"--output={folder / name}"] for name, words in calls.items()]
    results = bench.calls("project", *commands)
    return {"folder": folder, **dict(zip(calls, results))}


def pixels(path: pathlib.Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("name, space", [("w", "w"), ("w+", "w+"), ("exported", "w")])
def test_the_files_reproduce_the_picture(done, average, name, space):
    code, out, err = done[name]
    assert code == 0, err
    folder = done["folder"] / name
    steps = {f"step{step:04d}.png" for step in (2, 4, 7, 9, 12)}
    expected = {"target.png", "projection.png", "projected.npz", "project.json"} | steps
    assert {path.name for path in folder.iterdir()} == expected
    with np.load(folder / "projected.npz", allow_pickle=False) as file:
        noise = [file[f"noise{layer}"] for layer in range(3)]
        image = average.synthesis(file["w"], noise=noise)
        assert file["w"].shape == (1, 4, 12)
        assert file["losses"].shape == file["distances"].shape == (12,)
        assert (file["losses"] > file["distances"]).all()
    again = pictures.to_uint8(image)[0].numpy()
    np.testing.assert_array_equal(pixels(folder / "projection.png"), again)
    np.testing.assert_array_equal(pixels(folder / "step0012.png"), again)
    described = json.loads((folder / "project.json").read_text())
    assert (described["space"], described["steps"]) == (space, 12)
    assert described["last_distance"] < described["first_distance"]
    assert f"{described['last_distance']:.4g} at last" in out


def test_the_description_names_the_generator_wherever_it_came_from(done, run):
    of_run, of_model = [
        json.loads((done["folder"] / name / "project.json").read_text())["generator"]
        for name in ("w", "exported")
    ]
    assert of_run["checkpoint"] == str(run / "checkpoints" / "images-4000")
    assert of_run["images_seen"] == 4000
    assert of_run["weights_sha256"] == of_model["weights_sha256"]


@pytest.mark.parametrize("name", ["labelled", "labelled export"])
def test_of_a_class_the_files_reproduce_the_picture(done, others, name):
    code, _, err = done[name]
    assert code == 0, err
    folder, generator = done["folder"] / name, others["labelled"]
    with np.load(folder / "projected.npz", allow_pickle=False) as file:
        noise = [file[f"noise{layer}"] for layer in range(3)]
        again = pictures.to_uint8(generator.synthesis(file["w"], noise=noise))[0].numpy()
    np.testing.assert_array_equal(pixels(folder / "projection.png"), again)
    described = json.loads((folder / "project.json").read_text())
    assert described["generator"]["class"] == {"label": 1, "name": "dog"}
    assert described["last_distance"] < described["first_distance"]


def test_where_there_is_no_mapping_z_is_found(done, others):
    code, _, err = done["z"]
    assert code == 0, err
    folder = done["folder"] / "z"
    with np.load(folder / "projected.npz", allow_pickle=False) as file:
        assert sorted(file) == ["distances", "losses", "z"] and file["z"].shape == (1, 8)
        again = pictures.to_uint8(others["plain"](file["z"]))[0].numpy()
        np.testing.assert_array_equal(file["losses"], file["distances"])
    np.testing.assert_array_equal(pixels(folder / "projection.png"), again)
    described = json.loads((folder / "project.json").read_text())
    assert described["space"] == "z" and "class" not in described["generator"]
    assert described["last_distance"] < described["first_distance"]


def test_a_picture_that_fits_is_taken_as_it_is(done):
    expected = pixels(done["folder"] / "fits.png")
    np.testing.assert_array_equal(pixels(done["folder"] / "w" / "target.png"), expected)


def test_a_picture_of_another_shape_is_cropped_when_asked(done):
    # The middle square of 30x40, resized: bright and dark noise averages out.
    picture = pixels(done["folder"] / "exported" / "target.png")
    assert picture.shape == (8, 8, 3)
    assert picture.std() < 0.8 * pixels(done["folder"] / "wide.png").std()


@pytest.mark.parametrize(
    "name, words",
    [
        ("size", ["wide.png", "30x40 RGB", "8x8 rgb", "--crop=center"]),
        ("kind", ["grey.png", "8x8 L", "8x8 rgb"]),
        ("text", ["text.png", "image"]),
        ("missing image", ["none.png", "no such file"]),
        ("missing run", ["there is no run", "none"]),
        ("no run", ["is no run"]),
        ("no model", ["is no export", "generator.weights.h5"]),
        ("both", ["either --run=RUN or --model=MODEL"]),
        ("half of lpips", ["needs both --vgg16=WEIGHTS and --lpips=WEIGHTS"]),
        ("too small", ["from 16x16 on", "--distance=pixels"]),
        ("no steps", ["--steps"]),
        ("unknown space", ["--space=z"]),
        ("no class", ["labelled has 2 classes", "--class=NAME"]),
        ("two classes", ["--class=cat,dog", "expected one class"]),
        ("unknown class", ["--class=DOGS", "export has no class 'DOGS'", "did you mean 'dog'?"]),
        ("no labels", ["--class=cat", "was trained without labels", "drop the flag"]),
        ("no names", ["cut is damaged", "dualcontrast-export"]),
        ("no mapping", ["--space=w", "has no mapping", "drop the flag"]),
    ],
)
def test_a_mistake_is_answered_in_two_lines_at_most(done, name, words):
    code, out, err = done[name]
    assert (code, out) == (2, ""), err
    assert len(err.strip().splitlines()) <= 2, err
    assert [word for word in words if word not in err] == [], err
    assert not (done["folder"] / name).exists()
