"""Small runs compute what they did before the trainer knew more than one system.

`golden_runs.json` was recorded with the code before the redesign of configuration, terms and steps,
by TensorFlow's operations on one machine: three iterations of each run, its metrics, and the length
of all weights of each network. The configurations are in the words of that code, so that they are
also older runs' config.json.
"""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import draws, state, steps
from dualcontrast.trainer.config import serialisation

GOLDEN = json.loads(pathlib.Path(__file__).with_name("golden_runs.json").read_text())
REALS, REFERENCES = np.random.default_rng(0).integers(0, 256, [2, 3, 8, 8, 8, 3]).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN)
def test_a_run_is_what_it_was(name, strategy_of):
    golden = GOLDEN[name]
    config, replicas = serialisation.from_json(json.dumps(golden["config"])), golden["replicas"]
    strategy = strategy_of(replicas)

    def batch(images):
        return draws.shares(tf.constant(images), strategy)

    with strategy.scope():
        built = state.State(config)
    trainer = steps.Steps(config, built, strategy)
    reads = config.discriminator.reads_references
    # The weights follow the sign of a gradient, and bfloat16 rounds: that is what differs most. Its
    # products are summed otherwise where processors have instructions for them, and metrics are
    # differences of logits of the size of 1, each of which is rounded by up to 2^-9.
    rounds = config.training.precision == "mixed_bfloat16"
    tolerance, least = (1e-2, 1e-2) if rounds else (1e-4, 1e-5)
    with implementation.using("ref"):
        for i, wanted in enumerate(golden["metrics"]):
            shown = batch(REALS[i]), batch(REFERENCES[i]) if reads else None
            found = trainer.iterate([shown], 8 * i)
            assert found.keys() == wanted.keys()
            for metric, value in wanted.items():
                assert float(found[metric]) == pytest.approx(
                    value, rel=tolerance, abs=least
                ), metric
    squares = {}
    for path, variable in built.named_variables().items():
        network = path.partition("/")[0]
        square = np.sum(variable.numpy().astype(np.float64) ** 2)
        squares[network] = squares.get(network, 0.0) + square
    for network, length in golden["norms"].items():
        # That of path lengths is itself a metric.
        bound = tolerance if rounds and network == "path_length_mean" else 1e-5
        assert np.sqrt(squares[network]) == pytest.approx(length, rel=bound), network
