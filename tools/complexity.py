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

import itertools

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

from absl import flags

from dualcontrast.tools.benchmarks import published_complexity
from dualcontrast.trainer import dry_run, errors, files, state
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

_RESOLUTION = flags.DEFINE_integer(
    "resolution", None, "Side of the images in pixels, where the configuration names none."
)
_CHANNELS = flags.DEFINE_integer(
    "channels", None, "Channels of the images: 1, 3 or 4; 3 where the configuration names none."
)
_TABLE = flags.DEFINE_bool("table", False, "The paper's table of complexity.")
_JSON = flags.DEFINE_string("json", None, "A file for what is printed, as numbers.")
config_flags.define(default=None)


def main(argv: list[str]) -> None:
    """Prints what the flags ask for."""
    errors.no_arguments(argv)
    content: dict = {}
    if not _TABLE.value or _asks_for_networks():
        content |= print_networks(configuration())
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


def print_networks(config: schema.Config) -> dict:
    """Prints the tables of both networks, and returns what they say.

    Args:
      config: resolved.
    """
    generator, discriminator = state.make_generator(config), state.make_discriminator(config)
    print(dry_run.layer_table(generator, discriminator))
    of_generator = _as_dict(list(dry_run.generator_rows(generator)))
    of_discriminator = _as_dict(list(dry_run.discriminator_rows(discriminator)))
    both = {
        key: of_generator[key] + of_discriminator[key] for key in ("parameters", "multiply_adds")
    }
    work = both["multiply_adds"] / 1e9
    print(f"both networks: {both['parameters']:,} parameters, {work:.2f} G multiply-adds an image")
    if discriminator.takes_references:
        encoder = _encoder_work(of_discriminator["rows"], discriminator.attention_resolution)
        of_discriminator["reference_multiply_adds"] = encoder
        print(
            f"and {encoder / 1e9:.2f} G for each reference, which passes the discriminator's layers"
            " before the attention"
        )
    size = {"resolution": config.data.resolution, "channels": config.data.channels}
    return {**size, **both, "generator": of_generator, "discriminator": of_discriminator}


def _as_dict(rows: list[dry_run.Row]) -> dict:
    return {
        "parameters": sum(row.parameters for row in rows),
        "multiply_adds": sum(row.multiply_adds for row in rows),
        "rows": [row._asdict() for row in rows],
    }


def _encoder_work(rows: list[dict], attention_resolution: int) -> int:
    """Returns the multiply-adds of the layers before the block that attends."""
    block = f"{attention_resolution}x{attention_resolution}/"
    before = itertools.takewhile(lambda row: not row["name"].startswith(block), rows)
    return sum(row["multiply_adds"] for row in before)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
