"""The figures of dualcontrast-attention-maps: images with dots, and for every dot a map."""

import pathlib
from typing import NamedTuple

import numpy as np

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.attention import attention_figure, attention_weights, dots
from dualcontrast.tools.attention.attention_weights import AttentionMap
from dualcontrast.tools.attention.dots import Dot
from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer import files, folder_lock, pictures
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.attention_fields import (
    DiscriminatorAttentionConfig,
    GeneratorAttentionConfig,
)
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.data import image_stream, manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import discriminator as discriminator_features


class Look(NamedTuple):
    """What is looked at.

    Attributes:
      seeds: of the rows.
      dots: of every image; None chooses them.
      truncation_psi: 1: all the variety; 0: the mean image.
      reflections: whether weights beyond a reflecting border are shown where it reflects them to.
    """

    seeds: list[int]
    dots: list[Dot] | None
    truncation_psi: float
    reflections: bool


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


def of_run(
    run: str, dataset: manifest.Manifest | None, look: Look, folder: pathlib.Path
) -> list[str]:
    """Draws the networks of a run that attend, and returns lines that say what and where.

    Args:
      run: its folder, or a checkpoint.
      dataset: that the discriminator is shown; None does not draw it.
      look: what is looked at.
      folder: for the files, made if need be.

    Raises:
      UserError: there is no such run or nothing to draw, or the folder cannot be written.
    """
    workdir, prefix = checkpoint.locate(pathlib.Path(run))
    config = checkpoint.read_config(workdir)
    check_run(run, config, dataset)
    figures = {}
    if of_stylegan2(config)[0].kind != "none":
        generator, _, images_seen = checkpoint.load_average(str(prefix))
        figures["generator"] = of_generator(generator, config, look, images_seen)
    if dataset is not None:
        figures["discriminator"] = of_discriminator(prefix, config, dataset, look)
    write(figures, folder, str(prefix), look.reflections)
    lines = [
        f"{folder / name}.png with {len(figure.rows)} rows; {_summary(figure.record)}"
        for name, figure in figures.items()
    ]
    if dataset is None and of_stylegan2(config)[1].pairing != "none":
        lines.append("the discriminator attends too: --data=DATA draws it")
    return lines


def of_stylegan2(
    config: schema.Config,
) -> tuple[GeneratorAttentionConfig, DiscriminatorAttentionConfig]:
    """Returns the attention of the two networks, which are StyleGAN2's.

    Raises:
      UserError: they are others.
    """
    generator = stylegan2.Generator.expect(config.generator)
    return generator.attention, stylegan2.Discriminator.expect(config.discriminator).attention


def check_run(run: str, config: schema.Config, dataset: manifest.Manifest | None) -> None:
    """Checks that there is attention to draw.

    Args:
      run: its folder.
      config: of the run.
      dataset: None where none was named.

    Raises:
      UserError: neither network attends, or the dataset is missing or of other images.
    """
    generator, discriminator = of_stylegan2(config)
    of_generator, of_discriminator = generator.kind, discriminator.pairing
    if of_generator == of_discriminator == "none":
        raise UserError(
            f"the run {run} has no attention to draw: generator.attention.kind and"
            " discriminator.attention.pairing are none"
        )
    if of_discriminator == "none" and dataset is not None:
        raise UserError(
            f"--data has no place here: in the run {run} discriminator.attention.pairing is none"
        )
    if of_generator == "none" and dataset is None:
        raise UserError(
            f"--data is missing: in the run {run} only the discriminator attends, to real images"
        )
    if dataset is None:
        return
    found = dataset.resolution, dataset.channels
    wanted = config.data.resolution, config.data.channels
    if found != wanted:
        raise UserError(
            f"--data={dataset.folder} has images of {found[0]}x{found[0]} with {found[1]} channels,"
            f" the run {run} is of {wanted[0]}x{wanted[0]} with {wanted[1]}"
        )


def of_generator(
    generator: generators.Generator,
    config: schema.Config,
    look: Look,
    images_seen: int,
) -> Figure:
    """Returns the figure of the generator: an image and its maps in every row.

    Args:
      generator: with averaged weights.
      config: of the run.
      look: its seeds are those of `dualcontrast-generate`, with the fixed noise.
      images_seen: by the generator.
    """
    attention = of_stylegan2(config)[0]
    sampler = samplers.Sampler(generator, look.truncation_psi, random_noise=False)
    rows, records = [], []
    for seed in look.seeds:
        w = sampler.styles(sampler.latents([seed]))
        image, layer, weights = attention_weights.of_generator(generator, w)
        pixels = pictures.to_uint8(image)[0].numpy()
        row_dots = look.dots or dots.choose(pixels, attention.resolution)
        maps = _maps(layer, weights, row_dots, attention.resolution, look.reflections)
        rows.append(attention_figure.Row([pixels], row_dots, [m.values for m in maps]))
        records.append({"seed": seed, "dots": _records(row_dots, maps, attention.resolution)})
    record = {
        "attention": attention.kind,
        "resolution": attention.resolution,
        "images_seen": images_seen,
        "truncation_psi": look.truncation_psi,
        "noise": "fixed",
        "rows": records,
    }
    return Figure(["generated", *(dot.title for dot in rows[0].dots)], rows, record)


def of_discriminator(
    prefix: pathlib.Path,
    config: schema.Config,
    dataset: manifest.Manifest,
    look: Look,
) -> Figure:
    """Returns the figure of the discriminator: an image, its reference and the maps in every row.

    Args:
      prefix: of the checkpoint.
      config: of the run.
      dataset: of the real images.
      look: its first seed decides which images; there are as many as seeds.
    """
    attention, count = of_stylegan2(config)[1], len(look.seeds)
    network = checkpoint.load_discriminator(str(prefix))
    images = _reals(dataset, 2 * count if network.takes_references else count, look.seeds[0])
    rows, records = [], []
    for index in range(count):
        shown = images[index::count]
        floats = [discriminator_features.to_float(image[None]) for image in shown]
        layer, weights = attention_weights.of_discriminator(network, floats[0], floats[-1])
        row_dots = look.dots or dots.choose(shown[-1], attention.resolution)
        maps = _maps(layer, weights, row_dots, attention.resolution, look.reflections)
        values = [found.values for found in maps]
        rows.append(attention_figure.Row(list(shown), row_dots, values, over=shown[-1]))
        records.append({"dots": _records(row_dots, maps, attention.resolution)})
    record = {
        "attention": attention.pairing,
        "resolution": attention.resolution,
        "data": str(dataset.folder),
        "data_seed": look.seeds[0],
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
    except image_stream.READ_ERRORS as error:
        raise image_stream.explain(error, dataset) from error


def _maps(
    layer, weights: np.ndarray, row_dots: list[Dot], side: int, reflections: bool
) -> list[AttentionMap]:
    places = [dot.place(side) for dot in row_dots]
    return [attention_weights.map_of(layer, weights, place, side, reflections) for place in places]


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


def write(figures: dict[str, Figure], folder: pathlib.Path, name: str, reflections: bool) -> None:
    """Writes the pictures, and attention.json.

    Args:
      figures: by network.
      folder: made if need be.
      name: of the checkpoint.
      reflections: as in `Look`.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    content: dict = {"checkpoint": name, "reflections": reflections}
    with folder_lock.output(folder):
        for network, figure in figures.items():
            picture = attention_figure.draw(figure.titles, figure.rows)
            pictures.save_png(folder / f"{network}.png", picture)
            content[network] = figure.record
        files.write_object(folder / "attention.json", content)
