"""Trains a generator and a discriminator on a dataset that dualcontrast-convert made.

The same command again goes on where the run stopped, bit for bit.

  dualcontrast-train --config=demo --data=demo/data --workdir=demo/run
  dualcontrast-train --config=stylegan2_e --data=DATA --workdir=RUN --config.training.batch_size=16
  dualcontrast-train --config=stylegan2_e --data=DATA --workdir=RUN --dry_run

A new run may start with the networks of another one, for other images or another loss; or with all
that it has (--full), to go on under a changed configuration:

  dualcontrast-train --config=demo --data=DATA --workdir=FINE --init_from=demo/run
  dualcontrast-train --config=demo --data=demo/data --workdir=BRANCH --init_from=demo/run --full \
      --config.training.total_images=360_000 --config.penalties.r1_gamma=3

  dualcontrast-train --help_config
"""

import contextlib
import pathlib
from collections.abc import Iterator

from absl import flags

from dualcontrast.custom_ops.implementation_names import IMPLEMENTATIONS
from dualcontrast.trainer import cluster, errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.config import advice, config_flags, contradictions, schema
from dualcontrast.trainer.data import data_service, manifest

_DATA = path_flags.define(
    "data", None, "The dataset's folder; also as gs://BUCKET/FOLDER.", may_have_scheme=True
)
_WORKDIR = path_flags.define(
    "workdir",
    None,
    "The run's folder, made if need be; also as gs://BUCKET/FOLDER.",
    may_have_scheme=True,
)
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
_DATA_SERVICE = flags.DEFINE_list(
    "data_service",
    [],
    "The tf.data service that reads and decodes the images, as in grpc://HOST:5050, or several; see"
    " docs/scale.md.",
)
_CUSTOM_OPS = flags.DEFINE_enum(
    "custom_ops",
    None,
    IMPLEMENTATIONS,
    "Which operations to run: compiled for a GPU (cuda) or a CPU (cpu), TensorFlow's (ref), or "
    "what is fastest here (auto, unless the environment variable DUALCONTRAST_OPS says otherwise).",
)
_INIT_FROM = path_flags.define(
    "init_from",
    None,
    "A run, or a checkpoint of one, whose networks a new run starts with.",
    may_have_scheme=True,
)
_FULL = flags.DEFINE_bool(
    "full",
    False,
    "With --init_from: take optimizers, averages and counters too, and go on where it stood.",
)
_INIT_AVERAGE = flags.DEFINE_bool(
    "init_average", False, "With --init_from: take the averaged weights too; else they are a copy."
)
_ALLOW_PARTIAL = flags.DEFINE_bool(
    "allow_partial", False, "With --init_from: start even if little of the networks fits."
)
config_flags.define(default=None)


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    errors.no_arguments(argv)
    for flag, meaning in ((_DATA, "a folder of dualcontrast-convert"), (_WORKDIR, "a folder")):
        if not flag.value:
            raise errors.UserError(f"--{flag.name} is missing: expected {meaning}; see --help")
    hosts = cluster.of_environment()
    workdir = locations.of(_WORKDIR.value)
    services = data_service.parse(_DATA_SERVICE.value)
    if not _DRY_RUN.value:
        data_service.check(services)
    _check_init(hosts)
    dataset = manifest.open_dataset(_DATA.value)
    with _advising(workdir):
        config = schema.resolve(
            config_flags.config(), dataset.resolution, dataset.channels, len(dataset.classes)
        )
    return _train(config, dataset, hosts)


def _train(config: schema.Config, dataset: manifest.Manifest, named: cluster.Cluster) -> int:
    tensorflow_start.start()
    from dualcontrast.trainer import devices, hosts

    if _DRY_RUN.value:
        replicas = devices.make_strategy().num_replicas_in_sync * len(named.addresses)
        return _describe(config, replicas)
    joined = hosts.join(named)
    with joined.together():
        return _train_on(joined, config, dataset)


def _describe(config: schema.Config, replicas: int) -> int:
    from dualcontrast.trainer import devices, dry_run

    _check_devices(config, replicas)
    notes = devices.notes(config.training, _TF32.value)
    print(dry_run.describe(config, replicas), *notes, sep="\n")
    return 0


def _train_on(joined, config: schema.Config, dataset: manifest.Manifest) -> int:
    import tensorflow as tf

    from dualcontrast.custom_ops import implementation
    from dualcontrast.trainer import agreement, devices, loop
    from dualcontrast.trainer.checkpoints import origin

    agreement.check_run(joined, config, dataset)
    _check_devices(config, joined.strategy.num_replicas_in_sync)
    if _CUSTOM_OPS.value and not config.training.jit_compile:
        devices.select_operations(_CUSTOM_OPS.value, "--custom_ops")
    for line in (implementation.report(), *devices.notes(config.training, _TF32.value)):
        print(line, flush=True)
    devices.allow_tf32(_TF32.value)
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    workdir = locations.of(_WORKDIR.value)
    request = None
    if _INIT_FROM.value:
        path = locations.of(_INIT_FROM.value)
        request = origin.Request(path, _FULL.value, _INIT_AVERAGE.value, _ALLOW_PARTIAL.value)
    return loop.train(
        config,
        dataset,
        workdir,
        joined.strategy,
        _DETERMINISTIC.value,
        request,
        joined,
        data_service.parse(_DATA_SERVICE.value),
    )


def _check_devices(config: schema.Config, replicas: int) -> None:
    from dualcontrast.trainer import devices

    with _advising(locations.of(_WORKDIR.value)):
        contradictions.check_replicas(config, replicas)
        if config.training.jit_compile:
            devices.select_compilable_operations(_CUSTOM_OPS.value)


def _check_init(hosts: cluster.Cluster) -> None:
    """Checks what a new run shall start with, before TensorFlow is imported.

    Raises:
      UserError: there is no such run, or a flag says how and none says from what.
    """
    if _INIT_FROM.value:
        if hosts.is_chief:  # which alone reads it
            run_path.check(locations.of(_INIT_FROM.value))
        return
    for flag in (_FULL, _INIT_AVERAGE, _ALLOW_PARTIAL):
        if flag.value:
            raise errors.UserError(
                f"--{flag.name} says how to start from another run: give it as --init_from=RUN"
            )


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
