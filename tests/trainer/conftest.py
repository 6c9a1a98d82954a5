"""A dataset, a configuration and a command line that are small enough for every test."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import draws, state, steps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest

TINY = {
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 32,
    "generator.fmap_max": 8,
    "discriminator.fmap_base": 32,
    "discriminator.fmap_max": 8,
    "penalties.r1_gamma": 1.0,
    "loss.warmup_images": 64,
    "training.batch_size": 8,
    "training.total_images": 256,
    "training.log_every_images": 32,
    "training.checkpoint_every_images": 64,
    "training.grid_every_images": 128,
}


@pytest.fixture(scope="session")
def tiny_config() -> schema.Config:
    """A resolved configuration for 8x8 RGB images."""
    return schema.resolve(schema.replace(schema.Config(), TINY), 8, 3)


@pytest.fixture
def eagerly():
    """Runs steps uncompiled: of narrow networks, compiling one takes several times as long."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def first_step(strategy_of):
    """Takes the first step of a network on some devices, and returns the variables after it."""

    def take(config, step, replicas, images, labels=None, class_counts=()):
        strategy = strategy_of(replicas)
        with strategy.scope():
            built = state.State(config)

        def shared(x):
            return draws.shares(tf.constant(x), strategy)

        trainer = steps.Steps(config, built, strategy, class_counts)
        given = {} if labels is None else {"labels": shared(labels)}
        trainer.compiled(step)(shared(images), tf.constant(0, tf.int64), **given)
        return {name: value.numpy() for name, value in built.named_variables().items()}

    return take


@pytest.fixture(scope="session")
def assert_same_step():
    """Compares what `first_step` returned of two ways to take one step.

    Adam hides a wrong scale of the gradients from the weights; its second moments do not.
    """

    def compare(one, two):
        for name, expected in one.items():
            # The true gradient of a logit's bias may be zero: what there is, is rounding.
            if "logit_bias" in name or not name.endswith(("velocity", ".mean", ".variance", ".u")):
                continue
            scale = np.abs(expected).max() + 1e-12
            np.testing.assert_allclose(two[name] / scale, expected / scale, atol=2e-4, err_msg=name)

    return compare


class Tiny:
    """Runs the project's binaries on the tiny configuration.

    A fixture and not functions, because test files cannot import each other.
    """

    def __init__(self, warm_start):
        self._warm_start = warm_start

    def binary(self, module: str, *arguments: str) -> list[str]:
        """Returns the command line of a binary, such as trainer.train."""
        return [sys.executable, "-m", f"dualcontrast.{module}", *arguments]

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess:
        """Runs a binary to its end, quietly."""
        return self._warm_start.run(f"dualcontrast.{module}", [*map(str, arguments)], 300)

    def train_arguments(self, dataset, workdir, changes=None) -> list[str]:
        """Returns the arguments of dualcontrast-train, with changed fields by path."""
        fields = TINY | (changes or {})
        if fields.get("loss", "dual_contrastive") != "dual_contrastive":
            del fields["loss.warmup_images"]
        overrides = [f"--config.{name}={value}" for name, value in fields.items()]
        common = ["--config=stylegan2_e", f"--data={dataset.folder}", f"--workdir={workdir}"]
        return common + overrides


@pytest.fixture(scope="session")
def tiny(warm_start) -> Tiny:
    """The project's binaries."""
    return Tiny(warm_start)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory, tiny) -> manifest.Manifest:
    """96 scenes of 8x8 pixels in 3 shards."""
    folder = tmp_path_factory.mktemp("data") / "scenes"
    arguments = ["--source=scenes", "--resolution=8", "--max_images=96", "--shards=3"]
    done = tiny.run("tools.convert", *arguments, f"--dest={folder}")
    assert done.returncode == 0, done.stderr
    return manifest.open_dataset(folder)
