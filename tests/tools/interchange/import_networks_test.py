"""A file becomes a run that other commands take; what is no such file does not."""

import json

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.checkpoints import checkpoint, origin

SMALL = [
    *("--config=demo", "--config.training.batch_size=2", "--config.training.total_images=4"),
    *("--config.loss.warmup_images=2", "--config.training.log_every_images=2"),
    *("--config.training.checkpoint_every_images=2", "--config.evaluation.every_images=0"),
]


@pytest.fixture(name="files", scope="module")
def _files(nvidia, tmp_path_factory):
    """Files of networks, and folders with something in them."""
    root = tmp_path_factory.mktemp("files")
    (root / "plain.pkl").write_bytes(nvidia.pytorch(nvidia.networks()))
    (root / "classes.pkl").write_bytes(nvidia.pytorch(nvidia.networks(classes=3, clamp=2.0)))
    networks = nvidia.of_tensorflow(nvidia.networks())
    (root / "tensorflow.pkl").write_bytes(nvidia.tensorflow(networks))
    (root / "cut.pkl").write_bytes((root / "plain.pkl").read_bytes()[:5000])
    (root / "evil.pkl").write_bytes(b"cos\nsystem\n(S'touch sprung'\ntR.")
    (root / "text.pkl").write_text("no pickle at all")
    (root / "third.pkl").write_bytes(nvidia.stylegan3())
    (root / "run").mkdir()
    (root / "run" / "config.json").write_text("{}")
    (root / "folder").mkdir()
    (root / "folder" / "photo.png").touch()
    return root


@pytest.fixture(name="data", scope="module")
def _data(write_labelled, tmp_path_factory):
    """A dataset of 8x8 images of three classes."""
    pixels = np.random.default_rng(1).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    labels = np.array([0, 1, 2, 0, 1, 2])
    return write_labelled(tmp_path_factory.mktemp("data") / "d", pixels, labels, ["a", "b", "c"])


@pytest.fixture(name="runs", scope="module")
def _runs(bench, files, data):
    """What the command answered, with a run of each file in the folder of the files."""
    commands = [
        [f"--weights={files}/plain.pkl", f"--workdir={files}/of_plain", *SMALL],
        [f"--weights={files}/tensorflow.pkl", f"--workdir={files}/of_tensorflow", *SMALL],
        [
            *(f"--weights={files}/classes.pkl", f"--workdir={files}/of_classes"),
            *(f"--data={data.folder}", *SMALL),
        ],
    ]
    return bench.calls("import_networks", *commands)


def values(path) -> dict[str, np.ndarray]:
    """Every variable of a run's checkpoint."""
    reader = tf.train.load_checkpoint(str(path / "checkpoints" / "images-0"))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("_VALUE")]
    return {name: reader.get_tensor(name) for name in names}


def test_a_run_is_made_and_the_command_that_trains_it_is_said(runs, files):
    for (code, out, err), name in zip(runs, ("plain", "tensorflow", "classes"), strict=True):
        assert code == 0, err
        assert f"of_{name}: StyleGAN2, 8x8, 3 channels" in out
        assert f"--data=DATA --workdir={files}/of_{name}" in out
    assert "--config.generator.w_size=7" in runs[0][1]
    assert "--config.training.batch_size=2" in runs[0][1]
    record = origin.read(files / "of_plain")
    assert record["checkpoint"] == str(files / "plain.pkl") and not record["full"]
    assert not list(files.glob(".of_*"))


def test_both_programs_files_make_the_same_run(runs, files):
    one, other = values(files / "of_plain"), values(files / "of_tensorflow")
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-6, err_msg=name)
    assert any(np.any(value) for name, value in one.items() if name.startswith("average/"))


def test_generator_and_average_are_not_mixed_up(runs, nvidia, files):
    content = nvidia.networks()
    average = checkpoint.load_average(str(files / "of_plain"))[0]
    generator = checkpoint.load_generator(str(files / "of_plain"))
    for network, name in ((average, "G_ema"), (generator, "G")):
        stored = content[name].arrays()["mapping.w_avg"]
        np.testing.assert_array_equal(network.w_mean.numpy(), stored)


def test_an_export_is_imported_to_the_same_run(runs, bench, files, tmp_path):
    path, again = tmp_path / "n.safetensors", tmp_path / "again"
    flags = [f"--run={files}/of_classes", f"--output={path}", "--format=safetensors"]
    ((code, out, err),) = bench.calls("export", flags)
    assert code == 0 and "docs/import.md has the names" in out, err
    ((code, _, err),) = bench.calls(
        "import_networks", [f"--weights={path}", f"--workdir={again}", *SMALL]
    )
    assert code == 0, err
    one, other = values(files / "of_classes"), values(again)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-6, err_msg=name)
    names = json.loads((again / "data.json").read_text())["classes"]
    assert [category["name"] for category in names] == ["a", "b", "c"]
    first, second = (
        json.loads((p / "config.json").read_text()) for p in (files / "of_classes", again)
    )
    assert first == second and first["generator"]["conv_clamp"] == 2


def test_an_imported_run_trains_with_the_command_that_is_said(runs, files, data, strategy_of):
    """In this process, for TensorFlow takes seconds to import."""
    from dualcontrast.trainer import loop

    workdir = files / "of_classes"
    config = checkpoint.read_config(workdir)
    before = values(workdir)
    assert loop.train(config, data, workdir, strategy_of(1)) == 0
    assert (workdir / "grids" / "reals.png").exists()
    after = tf.train.load_checkpoint(str(workdir / "checkpoints" / "images-4"))
    name = "discriminator/4x4_dense..bias/.ATTRIBUTES/VARIABLE_VALUE"
    change = np.abs(after.get_tensor(name) - before[name])
    # Where it was, and a few steps on.
    assert 0 < change.max() < 0.1
    recorded = json.loads((workdir / "data.json").read_text())
    assert recorded["count"] == 6 and recorded["sha256"]


def test_an_imported_run_is_sampled_evaluated_and_reported_like_any(runs, bench, files, data):
    run, out = f"--run={files}/of_classes", files / "out"
    ((code, _, err),) = bench.calls("generate", [run, f"--output={out}/samples", "--seeds=0-2"])
    assert code == 0, err
    assert len(list((out / "samples").rglob("*.png"))) == 3
    measure = [f"--data={data.folder}", f"--cache={out}/cache", "--fake_count=8", "--metrics=kid"]
    ((code, _, err),) = bench.calls("evaluate", [run, *measure, f"--output={out}/rows.jsonl"])
    assert code == 0, err
    (row,) = map(json.loads, (out / "rows.jsonl").read_text().splitlines())
    # Another test goes on with this run, for 4 images.
    assert row["images_seen"] in (0, 4) and np.isfinite(row["kid"])
    ((code, _, err),) = bench.calls("report", [run, f"--output={out}/report.html"])
    assert code == 0, err
    assert "of_classes" in (out / "report.html").read_text()


def test_mistakes_are_named_and_nothing_is_written(bench, files, data):
    new = f"--workdir={files}/new"
    mistakes = {
        (f"--weights={files}/none.pkl", new): "none.pkl cannot be read",
        (f"--weights={files}/plain.pkl", f"--workdir={files}/run"): "holds a run",
        (f"--weights={files}/plain.pkl", f"--workdir={files}/folder"): "exists already",
        (f"--weights={files}/cut.pkl", new): "a part of one is missing",
        (f"--weights={files}/text.pkl", new): "it is no pickle",
        (f"--weights={files}/evil.pkl", new): "it asks for os.system",
        (f"--weights={files}/third.pkl", new): "third.pkl: it is a StyleGAN3",
        (f"--weights={files}/plain.pkl", new, "--config=sngan_contr"): "expected stylegan2",
        (f"--weights={files}/plain.pkl", new, "--config.generator.w_size=8"): "where it is 7",
        (f"--weights={files}/plain.pkl", new, f"--data={data.folder}"): "know none",
        (f"--weights={files}/plain.pkl", new, "word"): "unexpected 'word'",
    }
    before = sorted(str(path) for path in files.rglob("*"))
    answers = bench.early_calls("tools.import_networks", *map(list, mistakes))
    for expected, (code, _, err) in zip(mistakes.values(), answers, strict=True):
        assert code == 2 and expected in err and len(err.splitlines()) <= 2, (expected, err)
    assert sorted(str(path) for path in files.rglob("*")) == before


def test_networks_without_a_place_in_such_a_file_are_not_exported(bench, save_run, tmp_path):
    from dualcontrast.trainer.config import schema
    from dualcontrast.trainer.config.families import sngan

    image = {"data.resolution": 32, "data.channels": 3}
    other = schema.Config(generator=sngan.Generator(), discriminator=sngan.Discriminator())
    save_run(tmp_path / "run", schema.replace(other, image))
    flags = [f"--run={tmp_path}/run", f"--output={tmp_path}/o", "--format=safetensors"]
    ((code, _, err),) = bench.calls("export", flags)
    assert code == 2 and "StyleGAN2 alone, this is sngan" in err and len(err.splitlines()) <= 2
    assert not (tmp_path / "o").exists()
