"""Prints the parameters and multiply-adds of both networks of a configuration, layer by layer.

  dualcontrast-complexity --config=stylegan2_e --resolution=256
  dualcontrast-complexity --config=demo --resolution=32 --channels=1 --json=complexity.json
  dualcontrast-complexity --config=stylegan2_e --resolution=256 \\
      --config.generator.attention.kind=san --config.discriminator.attention.pairing=reference

The paper's table of complexity (2.4 of the thesis), its numbers beside ours:

  dualcontrast-complexity --table

Multiply-adds are those of one image's way forward through convolutions, dense layers (the styles'
too) and attention, each at its true size; a transposed convolution meets its kernel once for every
pixel of its input. Not counted: the filters of up- and downsampling, which are about 1 %, and
pointwise work: modulation and demodulation, noise, biases, activations, softmax.
"""

from absl import flags

from dualcontrast.trainer import errors, files, path_flags, tensorflow_start
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

_RESOLUTION = flags.DEFINE_integer(
    "resolution", None, "Side of the images in pixels, where the configuration names none."
)
_CHANNELS = flags.DEFINE_integer(
    "channels", None, "Channels of the images: 1, 3 or 4; 3 where the configuration names none."
)
_TABLE = flags.DEFINE_bool("table", False, "The paper's table of complexity.")
_JSON = path_flags.define("json", None, "A file for what is printed, as numbers.")
config_flags.define(default=None)


def main(argv: list[str]) -> None:
    """Prints what the flags ask for."""
    errors.no_arguments(argv)
    content: dict = {}
    networks = not _TABLE.value or _asks_for_networks()
    config = configuration() if networks else None
    tensorflow_start.start()
    from dualcontrast.tools.benchmarks import network_complexity, published_complexity

    if config is not None:
        content |= network_complexity.print_networks(config)
    if _TABLE.value:
        rows = published_complexity.rows()
        print(published_complexity.table(rows))
        content["table"] = [row._asdict() for row in rows]
    if _JSON.value is None:
        return
    files.write_object(_JSON.value, content)


def _asks_for_networks() -> bool:
    names = [
        "config",
        "resolution",
        "channels",
        *(f"config.{path}" for path in config_flags.known_fields()),
    ]
    return any(flags.FLAGS[name].present for name in names)


def configuration() -> schema.Config:
    """Returns the configuration with the resolution and channels of the flags, validated.

    Raises:
      UserError: it lacks a resolution, or says another one than the flags.
    """
    config = config_flags.config()
    found = {}
    for name, asked, otherwise in (
        ("resolution", _RESOLUTION.value, None),
        ("channels", _CHANNELS.value, 3),
    ):
        own = schema.get(config, f"data.{name}")
        if asked is not None and own not in (None, asked):
            raise UserError(
                f"--{name}={asked}: the configuration has data.{name}={own}, drop one of the two"
            )
        found[f"data.{name}"] = own or (otherwise if asked is None else asked)
    if found["data.resolution"] is None:
        raise UserError("--resolution is missing: the configuration names none, try 256")
    config = schema.replace(config, found)
    schema.validate(config)
    return config


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
