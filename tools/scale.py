"""Prints what a dataset and a run would take on many hosts: a model, and nothing that was run.

  python -m dualcontrast.tools.scale --config=stylegan2_e --resolution=256 --images=3_000_000
  python -m dualcontrast.tools.scale --config=stylegan2_e --resolution=256 --images=100_000_000 \\
      --hosts=1,2,4,8,16,32 --gpus_per_host=8 --network_gbit=200

Each number is said to be counted (from the networks and the files' format), measured (on one core
here, at 256x256), scaled (from there to other sizes), or assumed (of machines that were not at
hand; most have a flag). The model adds what a step computes and what it sends, as if nothing of it
overlapped, and knows no stragglers, no latency and no limit of a storage that all hosts share.
docs/scale_model.md has tables.
"""

from absl import flags

from dualcontrast.tools.planning import numbers
from dualcontrast.trainer import errors, tensorflow_start
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

_IMAGES = flags.DEFINE_integer("images", None, "Of the dataset.", lower_bound=1)
_HOSTS = flags.DEFINE_list("hosts", ["1", "2", "4", "8", "16", "32"], "Numbers of hosts.")
_GPUS = flags.DEFINE_integer("gpus_per_host", 8, "GPUs of a host.", lower_bound=1)
_CORES = flags.DEFINE_integer("cores_per_host", 64, "Cores of a host.", lower_bound=1)
_NETWORK = flags.DEFINE_float(
    "network_gbit", 100, "Network of a host, Gbit/s each way.", lower_bound=0.001
)
_LINK = flags.DEFINE_float(
    "link_gbytes", 100, "Between GPUs of a host, GB/s each way.", lower_bound=0.001
)
_STORAGE = flags.DEFINE_float(
    "storage_gbytes", 1, "What a host reads or writes of files, GB/s.", lower_bound=0.001
)
_SPEED = flags.DEFINE_float(
    "gpu_tflops", round(numbers.GPU_SPEED / 1e12, 1), "A GPU's in training.", lower_bound=0.001
)
_RESOLUTION = flags.DEFINE_integer("resolution", None, "Side of the images, if the config has none")
config_flags.define(default=None)


def main(argv: list[str]) -> None:
    """Prints the numbers and the table."""
    errors.no_arguments(argv)
    if _IMAGES.value is None:
        raise UserError("--images is missing: how many the dataset has, such as 3_000_000")
    hosts = _hosts()
    config = _config()
    tensorflow_start.start()
    from dualcontrast.tools.planning import scale_model, scale_table

    machines = scale_model.Machines(
        gpus=_GPUS.value,
        cores=_CORES.value,
        network=_NETWORK.value * 1e9 / 8,
        link=_LINK.value * 1e9,
        storage=_STORAGE.value * 1e9,
        gpu_speed=_SPEED.value * 1e12,
    )
    counted = scale_model.count(config)
    print(scale_table.inputs(config, counted, _IMAGES.value, machines), "", sep="\n")
    rows = [scale_model.row(config, counted, _IMAGES.value, number, machines) for number in hosts]
    print(scale_table.table(rows))


def _hosts() -> list[int]:
    numbers_of_hosts = [int(word) if word.isdecimal() else 0 for word in _HOSTS.value]
    if not numbers_of_hosts or min(numbers_of_hosts) < 1:
        raise UserError(f"--hosts={','.join(_HOSTS.value)}: expected numbers such as 1,2,4")
    return numbers_of_hosts


def _config() -> schema.Config:
    config = config_flags.config()
    resolution = config.data.resolution or _RESOLUTION.value
    if resolution is None:
        raise UserError("--resolution is missing: the configuration names none, try 256")
    if _RESOLUTION.value not in (None, resolution):
        raise UserError(
            f"--resolution={_RESOLUTION.value}: the configuration has {resolution}, drop the flag"
        )
    return schema.resolve(config, resolution, config.data.channels or 3, config.data.classes or 0)


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
