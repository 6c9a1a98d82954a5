"""The parameters and multiply-adds of both networks, layer by layer."""

import itertools

from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.config import schema


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
