"""What is in pictures of scenes: the network that says it, and what is made of its answers."""

import json
import pathlib

import numpy as np
import pytest

from dualcontrast.tools.scenes import recognition, scenes
from dualcontrast.tools.scenes.recognition import Seen
from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation

ONE = scenes.Kind(1, 1, 3.0)
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


def seen(*images: tuple[int, int, int, float]) -> Seen:
    """What is seen of images: solids, shape, colour, confidence."""
    solids, shapes, colours, confidence = zip(*images, strict=True)
    return Seen(*(np.array(column) for column in (solids, shapes, colours, confidence)))


def test_what_is_surer_than_a_tenth_of_renders_is_recognised_and_nothing_else_counts():
    reals = seen(*((1, 0, 0, n / 10) for n in range(11)))  # The tenth percentile is 0.1.
    fakes = seen((1, 0, 7, 0.1), (2, 2, 7, 0.5), (2, 2, 7, 0.9), (1, 1, 1, 0.09))
    found = recognition.judge(reals, fakes, scenes.Kind(1, 2, 2.0))
    assert found.threshold == pytest.approx(0.1) and found.recognised == 0.75
    assert found.shapes == pytest.approx([1 / 3, 0, 2 / 3])
    assert found.colours == pytest.approx([0, 0, 0, 0, 0, 0, 0, 1])
    assert found.solids == pytest.approx([1 / 3, 2 / 3]) and found.pairs == 2
    assert found.distance == pytest.approx(1)  # These renders have none of the two pairs.


def test_pairs_are_as_far_apart_as_their_shares():
    reals = seen(*((1, 0, 0, 0.5), (1, 2, 7, 0.5)) * 5)
    fakes = seen((1, 0, 7, 0.5), (2, 2, 7, 0.5), (2, 2, 7, 0.9), (1, 0, 0, 0.4))
    found = recognition.judge(reals, fakes, scenes.Kind(1, 2, 2.0))
    assert found.distance == pytest.approx((1 / 2 + 1 / 6 + 1 / 3) / 2)
    assert recognition.judge(reals, reals, scenes.Kind(1, 2, 2.0)).distance == 0


def test_where_nothing_is_recognised_there_are_no_shares():
    found = recognition.judge(seen((1, 0, 0, 0.5)), seen((1, 0, 0, 0.1)), ONE)
    assert (found.recognised, found.pairs, found.shapes.sum()) == (0, 0, 0)
    assert found.distance == 1


def test_what_there_is_in_renders_is_of_the_scene_s_largest_solid():
    images, there = recognition.rendered(ONE, 16, 3, first=5)
    scene = scenes.compose(recognition.SEED, 6, ONE)
    assert np.array_equal(images[1], scenes.render(recognition.SEED, 6, 16, ONE))
    assert recognition.COLOURS[there["colour"][1]] == scenes.colour(scene.solids[0])
    assert recognition.SHAPES[there["shape"][1]] == scenes.shape(scene.solids[0])


def test_colours_of_other_renders_are_learnt():
    recogniser = recognition.Recogniser(ONE, 16)
    recogniser.train(512)
    images, there = recognition.rendered(ONE, 16, 96, first=512)
    found = recogniser.see(recognition.batches(images))
    assert np.mean(found.colours == there["colour"]) > 0.5  # By guessing: an eighth.
    assert set(found.solids) == {1} and (found.confidence <= 1).all()


def _run(folder: pathlib.Path, channels: int, resolution: int = 16) -> pathlib.Path:
    images = {"data.channels": channels, "data.resolution": resolution}
    config = schema.replace(schema.Config(), SMALL | images)
    checkpoint.Checkpoints(folder, state.State(config), keep=1).save()
    files.write(folder / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return folder


def test_runs_are_judged_by_one_command(bench, tmp_path):
    flags = ("--solids=1", "--zoom=3", "--count=32", "--renders=64")
    runs = [f"--run={_run(tmp_path / name, 3)}" for name in ("run", "other")]
    done = bench.run("recognise", *runs, *flags)
    assert done.returncode == 0, done.stderr
    assert "right of 32 other renders" in done.stdout and done.stdout.count("of 24 pairs") == 2
    records = [json.loads(line) for line in done.stdout.splitlines()[-2:]]
    assert [record["run"] for record in records] == [run.removeprefix("--run=") for run in runs]
    for record in records:
        assert len(record["colours"]) == 8 and record["solids"] in ([1.0], [0.0])
        assert f"whose shares are {record['distance']:.3f} from those of renders" in done.stdout
    small = f"--run={_run(tmp_path / 'small', 3, resolution=8)}"
    mixed = bench.run("recognise", runs[0], small, *flags)
    assert mixed.returncode == 2
    assert "small makes images of 8 pixels, expected 16 as of the first --run" in mixed.stderr
    grey = bench.run("recognise", f"--run={_run(tmp_path / 'grey', 1)}", *flags)
    assert grey.returncode == 2 and "expected RGB and a multiple of 8" in grey.stderr
    assert len(grey.stderr.splitlines()) <= 2


def test_more_solids_than_there_is_room_for_are_refused(bench, tmp_path):
    done = bench.run("recognise", f"--run={_run(tmp_path / 'run', 3)}", "--solids=5", "--zoom=3")
    assert done.returncode == 2 and "--solids=5: expected" in done.stderr
