"""dualcontrast-tsne as a user runs it."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation

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
    # It needs references, drawn from the reals.
    "discriminator.attention.pairing": "reference",
    "discriminator.attention.san.patch_size": 3,
    "training.batch_size": 4,
}


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp("runs") / "run"
    config = schema.replace(schema.Config(), SMALL)
    trained = state.State(config)
    checkpoints = checkpoint.Checkpoints(workdir, trained, keep=2)
    for images_seen in (4000, 8000):
        trained.images_seen.assign(images_seen)
        checkpoints.save()
        trained.discriminator.from_rgb.kernel.assign(2 * trained.discriminator.from_rgb.kernel)
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return workdir


@pytest.fixture(name="data", scope="module")
def _data(bench, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("data")
    bench.convert(bench.folder(folder / "in", 30), folder / "data")
    return folder / "data"


def test_two_checkpoints_have_a_panel_each(bench, run, data, tmp_path):
    output = tmp_path / "a" / "b"
    runs = [f"--run={run}", f"--run={run / 'checkpoints' / 'images-4000'}"]
    arguments = [*runs, f"--data={data}", "--count=26", "--perplexity=5", f"--output={output}"]
    done = bench.run("tsne", *arguments)
    assert done.returncode == 0, done.stderr
    with Image.open(output / "tsne.png") as picture:
        assert picture.size == (1024, 512)
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) >= 3
    panels = json.loads((output / "tsne.json").read_text())["panels"]
    assert [panel["fakes"]["images_seen"] for panel in panels] == [8000, 4000]
    for panel in panels:
        # Whole batches of 4 only.
        assert len(panel["real_points"]) == len(panel["fake_points"]) == 24
        expected = {"batch_size": 4, "group": 4, "order": "stored"}
        assert panel["discriminator_batches"] == expected
        assert panel["title"] in done.stdout
    # Features are twice as large, and so is no scale-free distance.
    assert panels[0]["fddf"] > 2 * panels[1]["fddf"]


def test_mistakes_are_answered_in_a_line_or_two(bench, run, data, tmp_path):
    common = [f"--run={run}", f"--output={tmp_path / 'out'}"]
    bench.assert_refused(
        bench.run("tsne", *common, f"--data={data}", "--count=31"), "30 images, asked for 31"
    )
    few = [*common, f"--data={data}", "--count=20"]
    bench.assert_refused(bench.run("tsne", *few), "perplexity 30.0 for 40 samples")
    assert not (tmp_path / "out").exists()
