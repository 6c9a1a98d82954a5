"""A dataset, a configuration and a command line that are small enough for every test."""

import subprocess
import sys

import pytest

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


@pytest.fixture
def tiny_config() -> schema.Config:
    """A resolved configuration for 8x8 RGB images."""
    return schema.resolve(schema.replace(schema.Config(), TINY), 8, 3)


class Tiny:
    """Runs the project's binaries on the tiny configuration.

    A fixture and not functions, because test files cannot import each other.
    """

    def binary(self, module: str, *arguments: str) -> list[str]:
        """Returns the command line of a binary, such as trainer.train."""
        return [sys.executable, "-m", f"dualcontrast.{module}", *arguments]

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess:
        """Runs a binary to its end, quietly."""
        command = self.binary(module, *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    def train_arguments(self, dataset, workdir, changes=None) -> list[str]:
        """Returns the arguments of dualcontrast-train, with changed fields by path."""
        fields = TINY | (changes or {})
        if fields.get("loss", "dual_contrastive") != "dual_contrastive":
            del fields["loss.warmup_images"]
        overrides = [f"--config.{name}={value}" for name, value in fields.items()]
        common = ["--config=stylegan2_e", f"--data={dataset.folder}", f"--workdir={workdir}"]
        return common + overrides


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """The project's binaries."""
    return Tiny()


@pytest.fixture(scope="session")
def dataset(tmp_path_factory, tiny) -> manifest.Manifest:
    """96 scenes of 8x8 pixels in 3 shards."""
    folder = tmp_path_factory.mktemp("data") / "scenes"
    arguments = ["--source=scenes", "--resolution=8", "--max_images=96", "--shards=3"]
    done = tiny.run("tools.convert", *arguments, f"--dest={folder}")
    assert done.returncode == 0, done.stderr
    return manifest.open_dataset(folder)
