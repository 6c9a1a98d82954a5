"""Trains a generator and a discriminator on a dataset that dualcontrast-convert made.

The same command again goes on where the run stopped, bit for bit.

  dualcontrast-train --config=demo --data=demo/data --workdir=demo/run
  dualcontrast-train --config=stylegan2_e --data=DATA --workdir=RUN --config.training.batch_size=16
  dualcontrast-train --config=stylegan2_e --data=DATA --workdir=RUN --dry_run
  dualcontrast-train --help_config
"""

import contextlib
import pathlib
from collections.abc import Iterator

from absl import flags

from dualcontrast.custom_ops.implementation_names import IMPLEMENTATIONS
from dualcontrast.trainer import errors, path_flags, tensorflow_start, variables
from dualcontrast.trainer.config import advice, config_flags, contradictions, schema
from dualcontrast.trainer.data import manifest

_DATA = path_flags.define("data", None, "The dataset's folder.")
_WORKDIR = path_flags.define("workdir", None, "The run's folder, made if need be.")
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print configuration, layers and an estimate of memory and disk, and exit."
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", True, "Give the same bits in every run; slower on a GPU."
)
_TF32 = flags.DEFINE_bool(
    "tf32",
    False,
    "Let GPUs round to TF32 what convolutions and products of matrices multiply in float32.",
)
_CUSTOM_OPS = flags.DEFINE_enum(
    "custom_ops",
    None,
    IMPLEMENTATIONS,
    "Which operations to run: compiled for a GPU (cuda) or a CPU (cpu), TensorFlow's (ref), or "
    "what is fastest here (auto, unless the environment variable DUALCONTRAST_OPS says otherwise).",
)
config_flags.define(default=None)


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    errors.no_arguments(argv)
    variables.check_one_host()
    for flag, meaning in ((_DATA, "a folder of dualcontrast-convert"), (_WORKDIR, "a folder")):
        if not flag.value:
            raise errors.UserError(f"--{flag.name} is missing: expected {meaning}; see --help")
    dataset = manifest.open_dataset(_DATA.value)
    with _advising(pathlib.Path(_WORKDIR.value)):
        config = schema.resolve(
            config_flags.config(), dataset.resolution, dataset.channels, len(dataset.classes)
        )
    return _train(config, dataset)


def _train(config: schema.Config, dataset: manifest.Manifest) -> int:
    tensorflow_start.start()
    import tensorflow as tf

    from dualcontrast.custom_ops import implementation
    from dualcontrast.trainer import devices, dry_run, loop

    strategy = devices.make_strategy()
    with _advising(pathlib.Path(_WORKDIR.value)):
        contradictions.check_replicas(config, strategy.num_replicas_in_sync)
        if config.training.jit_compile:
            devices.select_compilable_operations(_CUSTOM_OPS.value)
    notes = devices.notes(config.training, _TF32.value)
    if _DRY_RUN.value:
        print(dry_run.describe(config, strategy.num_replicas_in_sync), *notes, sep="\n")
        return 0
    if _CUSTOM_OPS.value and not config.training.jit_compile:
        devices.select_operations(_CUSTOM_OPS.value, "--custom_ops")
    for line in (implementation.report(), *notes):
        print(line, flush=True)
    devices.allow_tf32(_TF32.value)
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    workdir = pathlib.Path(_WORKDIR.value)
    return loop.train(config, dataset, workdir, strategy, _DETERMINISTIC.value)


@contextlib.contextmanager
def _advising(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps what is said about a configuration true of the run that the command continues."""
    try:
        yield
    except errors.UserError as error:
        raise advice.of_run(error, workdir, config_flags.known_fields()) from error


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
