"""Trains some configurations one after the other, on all hosts of TF_CONFIG or on this one.

    python train_both.py DATA OUTPUT < {"name": ["config", {"field": value}], ...}

Each is a run in OUTPUT/name. A process can join others once, and starting one costs most of a test.
"""

import json
import pathlib
import sys

from dualcontrast.trainer import cluster, tensorflow_start


def main(folder: str, output: str) -> None:
    tensorflow_start.start()
    import tensorflow as tf

    from dualcontrast.trainer import hosts, loop
    from dualcontrast.trainer.config import config_flags, schema
    from dualcontrast.trainer.data import manifest

    joined = hosts.join(cluster.of_environment())
    tf.config.experimental.enable_op_determinism()
    dataset = manifest.open_dataset(folder)
    for name, (row, fields) in json.load(sys.stdin).items():
        config = schema.replace(config_flags.load(row), fields)
        config = schema.resolve(config, dataset.resolution, dataset.channels, 0)
        workdir = pathlib.Path(output) / name
        code = loop.train(config, dataset, workdir, joined.strategy, True, None, joined)
        assert code == 0


main(*sys.argv[1:])
