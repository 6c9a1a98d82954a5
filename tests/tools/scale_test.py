"""The model of many hosts, against what can be counted exactly on one, and as a user runs it."""

import collections
import re

import pytest
import tensorflow as tf

from dualcontrast.tools import benchmark_data
from dualcontrast.tools.planning import scale_model
from dualcontrast.trainer import draws, state, steps
from dualcontrast.trainer.checkpoints.checkpoint import Checkpoints
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest, records

CHANGES = {
    "generator.fmap_base": 32,
    "generator.fmap_max": 8,
    "generator.mapping_layers": 2,
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.path_length_weight": 2.0,
    "discriminator.fmap_base": 32,
    "discriminator.fmap_max": 8,
    "training.batch_size": 4,
}
ONE_GPU = scale_model.Machines(
    gpus=1, cores=10, network=1e9, link=1e10, storage=1e9, gpu_speed=1e12, least_batch=1
)


@pytest.fixture(scope="module")
def config():
    return schema.resolve(schema.replace(schema.Config(), CHANGES), 8, 3)


@pytest.fixture(scope="module")
def run(config):
    return state.State(config)


def test_a_checkpoint_has_the_bytes_that_the_model_counts(config, run, tmp_path):
    Checkpoints(tmp_path, run, 1).save()
    (data,) = (tmp_path / "checkpoints").glob("images-*.data-*")
    # TensorFlow's own graph of objects, images seen and the like are with the numbers.
    counted = scale_model.count(config).checkpoint
    graph = len(tf.train.load_checkpoint(str(data).rpartition(".data-")[0]).get_tensor(
        "_CHECKPOINTABLE_OBJECT_GRAPH"
    ))  # fmt: skip
    assert data.stat().st_size == pytest.approx(counted + graph, abs=1000)


def test_an_iteration_has_the_bytes_of_gradients_that_the_model_counts(
    config, run, strategy_of, monkeypatch
):
    with strategy_of(1).scope():
        trainer = steps.Steps(config, run, strategy_of(1), ())
    given: dict[str, set[int]] = collections.defaultdict(set)
    for name in ("generator", "discriminator"):
        optimizer = getattr(run, f"{name}_optimizer")

        def apply(gradients, variables, name=name):
            given[name].add(sum(4 * tf.size(gradient).numpy() for gradient in gradients))

        monkeypatch.setattr(optimizer, "apply", apply)
    taken = []
    original = trainer.compiled
    monkeypatch.setattr(trainer, "compiled", lambda step: taken.append(step) or original(step))
    reals = draws.shares(tf.zeros([4, 8, 8, 3]), strategy_of(1))
    tf.config.run_functions_eagerly(True)
    try:
        for number in range(16):  # Of which one has R1, and four have path length.
            trainer.iterate([steps.Shown(reals)], 4 * number)
    finally:
        tf.config.run_functions_eagerly(False)
    assert [len(sizes) for sizes in given.values()] == [1, 1]
    total = sum(next(iter(given[step.network])) for step in taken)
    assert len(taken) == 16 + 16 + 1 + 4
    assert scale_model.count(config).gradients == total / 16


def test_a_record_has_the_bytes_that_the_model_says(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_data, "_IMAGES", 6)
    source = benchmark_data._write_photographs(tmp_path / "images", ".jpg")
    made = bench.convert(source.path, tmp_path / "data")
    total = sum(shard.bytes for shard in made.shards)
    assert total / 6 == pytest.approx(scale_model.record_bytes(256 * 256 * 3), rel=0.1)
    images = [records.decode_example(record.payload)["image"] for record in _records(made)]
    overhead = (total - sum(map(len, images))) / 6
    assert overhead == pytest.approx(scale_model.RECORD_OVERHEAD, abs=30)


def _records(made: manifest.Manifest):
    for shard in made.shards:
        yield from records.read(made.path(shard))


def test_the_arithmetic_of_one_host_and_of_two():
    config = schema.Config()
    counted = scale_model.Networks(
        operations=1e10, gradients=1e8, checkpoint=10**9, disk=0, read=2, pixels=3 * 256**2
    )
    one = scale_model.row(config, counted, 2300 * 36, 1, ONE_GPU)
    two = scale_model.row(config, counted, 2300 * 36, 2, ONE_GPU)
    # 230 images a second on each of 10 cores.
    assert (one.convert_hours, two.convert_hours) == pytest.approx((0.01, 0.005))
    # 32 images of 1e10 operations at 1e12 a second; of two GPUs each sends all gradients once.
    assert (one.reduced_bytes, one.images_per_second) == (0, pytest.approx(100))
    assert (two.reduced_bytes, two.reduce_seconds) == pytest.approx((1e8, 0.1))
    assert two.images_per_second == pytest.approx(32 / (0.16 + 0.1))
    # Two images are read for each; 427 a second are decoded by a core.
    assert one.decode_cores == pytest.approx(200 / 427)
    assert one.input_bandwidth == pytest.approx(200 * scale_model.record_bytes(counted.pixels))
    assert one.restore_seconds == 1


def test_the_tool_says_of_every_number_of_which_kind_it_is(bench):
    small = ["--config=demo", "--config.data.resolution=32", "--images=1_000_000"]
    (code, out, error), *refused = bench.calls(
        "scale",
        [*small, "--hosts=1,2", "--gpus_per_host=1"],
        [*small, "--hosts=1,two"],
        ["--config=demo"],
        ["--config=sngan_adv", "--resolution=32", "--images=5"],
    )
    assert (code, error) == (0, "")
    inputs, table = out.split("\n\n")
    assert {line.split()[0] for line in inputs.splitlines()} == {"counted", "scaled", "assumed"}
    rows = [re.findall(r"[^|]+", line) for line in table.splitlines()]
    assert [len(row) for row in rows] == [13] * 4
    assert [row[0].strip() for row in rows[2:]] == ["1", "2"]
    words = ["--hosts=1,two: expected numbers", "--images is missing", "family"]
    for (code, _, error), expected in zip(refused, words, strict=True):
        assert code == 2 and expected in error and error.count("\n") <= 2
