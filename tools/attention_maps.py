"""Draws where a trained network's attention looks: images with dots, and for every dot a map.

Of the generator (OUTPUT/generator.png, a row a seed), as in the paper's figures; in RUN/attention
dualcontrast-report finds the pictures:

  dualcontrast-attention-maps --run=RUN --output=RUN/attention
  dualcontrast-attention-maps --run=RUN/best/images-200000 --output=OUTPUT --seeds=7,11-13

The dots are on an object, on the background and on a boundary, or where you say, as shares of the
image's width and height from its upper left corner:

  dualcontrast-attention-maps --run=RUN --output=OUTPUT --seeds=7 --dots="0.5,0.3;0.1,0.9"

Of the discriminator too (OUTPUT/discriminator.png), where it attends: real images, as many as
seeds, with the references that they are compared with. The first seed draws them:

  dualcontrast-attention-maps --run=RUN --data=DATA --output=OUTPUT

OUTPUT/attention.json says what was drawn, and how far and how evenly each dot attends.
"""

import math
import pathlib
from typing import NamedTuple

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import numpy as np
import tensorflow as tf
from absl import flags

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.attention import attention_figure, attention_weights, dots
from dualcontrast.tools.attention.attention_weights import AttentionMap
from dualcontrast.tools.attention.dots import Dot
from dualcontrast.tools.sampling import ranges, run_flags
from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer import errors, files, pictures
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import image_stream, manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import discriminator as discriminator_features

flags.adopt_module_key_flags(run_flags)
_SEEDS = flags.DEFINE_string("seeds", "0-3", "Numbers and ranges, such as 0-3,7: a row each.")
_PSI = flags.DEFINE_float("truncation_psi", 1.0, "1: all the variety; 0: the mean image.")
_DOTS = flags.DEFINE_string("dots", None, "x,y;x,y from 0 to 1; they are chosen otherwise.")
_REFLECTIONS = flags.DEFINE_bool(
    "reflections",
    False,
    "SAN, DFN: show weights beyond a reflecting border too, where it reflects them to. The places"
    " near a border then look brighter wherever the network looks.",
)
_DATA = flags.DEFINE_string("data", None, "The dataset that the discriminator is shown.")

_MOST_ROWS = 64


class Figure(NamedTuple):
    """A picture, and what is in it.

    Attributes:
      titles: of the columns.
      rows: as they are drawn.
      record: of the network and all rows, for the JSON file.
    """

    titles: list[str]
    rows: list[attention_figure.Row]
    record: dict


def main(argv: list[str]) -> None:
    """Draws what the flags ask for."""
    errors.no_arguments(argv)
    seeds, given = check_flags()
    workdir, prefix = checkpoint.locate(pathlib.Path(run_flags.RUN.value))
    config = checkpoint.read_config(workdir)
    dataset = check_run(config)
    figures = {}
    if config.generator.attention.kind != "none":
        generator, _, images_seen = checkpoint.load_average(str(prefix))
        figures["generator"] = of_generator(generator, config, seeds, given, images_seen)
    if dataset is not None:
        figures["discriminator"] = of_discriminator(prefix, config, dataset, seeds, given)
    folder = pathlib.Path(run_flags.OUTPUT.value)
    write(figures, folder, str(prefix))
    for name, figure in figures.items():
        print(f"{folder / name}.png with {len(figure.rows)} rows; {_summary(figure.record)}")
    if dataset is None and config.discriminator.attention.pairing != "none":
        print("the discriminator attends too: --data=DATA draws it")


def check_flags() -> tuple[list[int], list[Dot] | None]:
    """Returns the seeds, and the dots where they are given.

    Raises:
      UserError: a flag is wrong.
    """
    seeds = ranges.numbers("seeds", _SEEDS.value)
    if len(seeds) > _MOST_ROWS:
        raise UserError(f"--seeds={_SEEDS.value}: {len(seeds)} rows, expected at most {_MOST_ROWS}")
    if not math.isfinite(_PSI.value):
        raise UserError(f"--truncation_psi={_PSI.value}: expected a number, such as 0.7")
    return seeds, None if _DOTS.value is None else dots.parse("dots", _DOTS.value)


def check_run(config: schema.Config) -> manifest.Manifest | None:
    """Returns the dataset, where there is one and the run's discriminator attends.

    Raises:
      UserError: neither network attends, or the dataset is missing or of other images.
    """
    run, of_generator = run_flags.RUN.value, config.generator.attention.kind
    of_discriminator = config.discriminator.attention.pairing
    if of_generator == of_discriminator == "none":
        raise UserError(
            f"the run {run} has no attention to draw: generator.attention.kind and"
            " discriminator.attention.pairing are none"
        )
    if of_discriminator == "none" and _DATA.value is not None:
        raise UserError(
            f"--data has no place here: in the run {run} discriminator.attention.pairing is none"
        )
    if of_generator == "none" and _DATA.value is None:
        raise UserError(
            f"--data is missing: in the run {run} only the discriminator attends, to real images"
        )
    if _DATA.value is None:
        return None
    dataset = manifest.open_dataset(_DATA.value)
    found = dataset.resolution, dataset.channels
    wanted = config.data.resolution, config.data.channels
    if found != wanted:
        raise UserError(
            f"--data={_DATA.value} has images of {found[0]}x{found[0]} with {found[1]} channels,"
            f" the run {run} is of {wanted[0]}x{wanted[0]} with {wanted[1]}"
        )
    return dataset


def of_generator(
    generator: generators.Generator,
    config: schema.Config,
    seeds: list[int],
    given: list[Dot] | None,
    images_seen: int,
) -> Figure:
    """Returns the figure of the generator: an image and its maps in every row.

    Args:
      generator: with averaged weights.
      config: of the run.
      seeds: of the images, see `dualcontrast-generate`; their noise is the fixed one.
      given: the dots of every image; None chooses them.
      images_seen: by the generator.
    """
    attention = config.generator.attention
    sampler = samplers.Sampler(generator, _PSI.value, random_noise=False)
    rows, records = [], []
    for seed in seeds:
        w = sampler.styles(sampler.latents([seed]))
        image, layer, weights = attention_weights.of_generator(generator, w)
        pixels = pictures.to_uint8(image)[0].numpy()
        row_dots = given or dots.choose(pixels, attention.resolution)
        maps = _maps(layer, weights, row_dots, attention.resolution)
        rows.append(attention_figure.Row([pixels], row_dots, [m.values for m in maps]))
        records.append({"seed": seed, "dots": _records(row_dots, maps, attention.resolution)})
    record = {
        "attention": attention.kind,
        "resolution": attention.resolution,
        "images_seen": images_seen,
        "truncation_psi": _PSI.value,
        "noise": "fixed",
        "rows": records,
    }
    return Figure(["generated", *(dot.title for dot in rows[0].dots)], rows, record)


def of_discriminator(
    prefix: pathlib.Path,
    config: schema.Config,
    dataset: manifest.Manifest,
    seeds: list[int],
    given: list[Dot] | None,
) -> Figure:
    """Returns the figure of the discriminator: an image, its reference and the maps in every row.

    Args:
      prefix: of the checkpoint.
      config: of the run.
      dataset: of the real images.
      seeds: the first one decides which images; there are as many as seeds.
      given: the dots of every reference; None chooses them.
    """
    attention, count = config.discriminator.attention, len(seeds)
    network = checkpoint.load_discriminator(str(prefix))
    images = _reals(dataset, 2 * count if network.takes_references else count, seeds[0])
    rows, records = [], []
    for index in range(count):
        shown = images[index::count]
        floats = [discriminator_features.to_float(image[None]) for image in shown]
        layer, weights = attention_weights.of_discriminator(network, floats[0], floats[-1])
        row_dots = given or dots.choose(shown[-1], attention.resolution)
        maps = _maps(layer, weights, row_dots, attention.resolution)
        values = [found.values for found in maps]
        rows.append(attention_figure.Row(list(shown), row_dots, values, over=shown[-1]))
        records.append({"dots": _records(row_dots, maps, attention.resolution)})
    record = {
        "attention": attention.pairing,
        "resolution": attention.resolution,
        "data": str(dataset.folder),
        "data_seed": seeds[0],
        "rows": records,
    }
    titles = ["image", "reference"][: len(rows[0].images)]
    return Figure([*titles, *(dot.title for dot in rows[0].dots)], rows, record)


def _reals(dataset: manifest.Manifest, count: int, seed: int) -> np.ndarray:
    """Returns shuffled reals, uint8 [count, resolution, resolution, channels]."""
    try:
        batches = image_stream.image_batches(
            dataset, batch_size=count, seed=seed, start_image=0, mirror=False
        )
        return next(iter(batches)).numpy()
    except tf.errors.OpError as error:
        raise image_stream.explain(error, dataset) from error


def _maps(layer, weights: np.ndarray, row_dots: list[Dot], side: int) -> list[AttentionMap]:
    places = [dot.place(side) for dot in row_dots]
    return [
        attention_weights.map_of(layer, weights, place, side, _REFLECTIONS.value)
        for place in places
    ]


def _records(row_dots: list[Dot], maps: list[AttentionMap], side: int) -> list[dict]:
    return [
        {
            "title": dot.title,
            "x": dot.x,
            "y": dot.y,
            "row": dot.place(side)[0],
            "column": dot.place(side)[1],
            "largest": float(found.values.max()),
            "entropy": found.entropy,
            "distance": found.distance,
        }
        for dot, found in zip(row_dots, maps)
    ]


def _summary(record: dict) -> str:
    drawn = [dot for row in record["rows"] for dot in row["dots"]]
    entropy, distance = (np.mean([dot[key] for dot in drawn]) for key in ("entropy", "distance"))
    return (
        f"{record['attention']} at {record['resolution']}x{record['resolution']}: entropy"
        f" {entropy:.2f} nats, distance {distance:.2f} of its pixels, in the mean of"
        f" {len(drawn)} dots"
    )


def write(figures: dict[str, Figure], folder: pathlib.Path, name: str) -> None:
    """Writes the pictures, and attention.json.

    Args:
      figures: by network.
      folder: made if need be.
      name: of the checkpoint.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    files.make_folder(folder, f"--output={folder}")
    content: dict = {"checkpoint": name, "reflections": _REFLECTIONS.value}
    for network, figure in figures.items():
        picture = attention_figure.draw(figure.titles, figure.rows)
        pictures.save_png(folder / f"{network}.png", picture)
        content[network] = figure.record
    files.write_object(folder / "attention.json", content)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
