"""The figures of dualcontrast-attention-maps: images with dots, and for every dot a map."""

import pathlib
from typing import NamedTuple

import numpy as np

from dualcontrast.layers import networks
from dualcontrast.tools.attention import attention_figure, attention_weights, dots, pixel_figure
from dualcontrast.tools.attention.attention_weights import AttentionMap, Heard
from dualcontrast.tools.attention.dots import Dot
from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer import files, folder_lock, locations, pictures
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import section
from dualcontrast.trainer.data import image_stream, manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated
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
      summary: of the record, for the screen.
    """

    titles: list[str]
    rows: list[attention_figure.Row]
    record: dict
    summary: str


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
    workdir, prefix = checkpoint.locate(locations.of(run))
    if dataset is not None:
        check_data(run, checkpoint.read_config(workdir).images, dataset)
    generator, _, images_seen = checkpoint.load_average(str(prefix))
    discriminator = checkpoint.load_discriminator(str(prefix))
    judge = checkpoint.read_config(workdir).discriminator
    if not judge.judges_pixels:
        check_run(run, generator, discriminator, dataset)
    figures = {}
    if attention_weights.layers_of(generator):
        generated.check_truncation(generator, look.truncation_psi)
        figures["generator"] = of_generator(generator, look, images_seen)
    if judge.judges_pixels:
        group = judge.group(len(look.seeds))
        figures["pixels"] = of_pixels(run, generator, discriminator, dataset, look, group)
    elif dataset is not None:
        figures["discriminator"] = of_discriminator(discriminator, dataset, look)
    write(figures, folder, str(prefix), look.reflections)
    lines = [
        f"{folder / name}.png with {len(figure.rows)} rows; {figure.summary}"
        for name, figure in figures.items()
    ]
    if dataset is None and attention_weights.layers_of(discriminator):
        lines.append("the discriminator attends too: --data=DATA draws it")
    return lines


def check_run(
    run: str,
    generator: networks.Generator,
    discriminator: networks.Discriminator,
    dataset: manifest.Manifest | None,
) -> None:
    """Checks that there is attention to draw.

    Args:
      run: its folder.
      generator, discriminator: of the run, built.
      dataset: None where none was named.

    Raises:
      UserError: neither network attends, or one that does not was asked for.
    """
    in_generator, in_discriminator = map(attention_weights.layers_of, (generator, discriminator))
    if not in_generator and not in_discriminator:
        kinds = ", ".join(attention_weights.KINDS.values())
        raise UserError(
            f"the run {run} has no attention to draw: neither network has a layer of a kind that"
            f" can be drawn ({kinds})"
        )
    if not in_discriminator and dataset is not None:
        raise UserError(
            f"--data has no place here: the discriminator of the run {run} has no attention"
        )
    if not in_generator and dataset is None:
        raise UserError(
            f"--data is missing: in the run {run} only the discriminator attends, to real images"
        )


def check_data(run: str, images: section.Images, dataset: manifest.Manifest) -> None:
    """Checks that the dataset has the run's kind of images.

    Raises:
      UserError: it has others.
    """
    found = dataset.resolution, dataset.channels
    wanted = images.resolution, images.channels
    if found != wanted:
        raise UserError(
            f"--data={dataset.folder} has images of {found[0]}x{found[0]} with {found[1]} channels,"
            f" the run {run} is of {wanted[0]}x{wanted[0]} with {wanted[1]}"
        )


def of_generator(generator: networks.Generator, look: Look, images_seen: int) -> Figure:
    """Returns the figure of the generator: an image and its maps in every row.

    Args:
      generator: with averaged weights, and attention.
      look: its seeds are those of `dualcontrast-generate`, of their own classes where there are
        any, with the fixed noise.
      images_seen: by the generator.
    """
    sampler = samplers.Sampler(generator, look.truncation_psi, random_noise=False)
    rows, records, all_heard = [], [], []
    for seed in look.seeds:
        labels = sampler.labels([seed])
        latents = sampler.styles(sampler.latents([seed]), labels)
        image, heard = attention_weights.of_generator(generator, latents, labels)
        all_heard.append(heard)
        pixels = pictures.to_uint8(image)[0].numpy()
        row_dots = look.dots or dots.choose(pixels, heard.side)
        maps = _maps(heard, row_dots, look.reflections)
        rows.append(attention_figure.Row([pixels], row_dots, [m.values for m in maps]))
        label = {} if labels is None else {"label": int(labels[0])}
        records.append({"seed": seed, **label, "dots": _records(row_dots, maps, heard.side)})
    record = {
        "attention": heard.kind,
        "resolution": heard.side,
        "images_seen": images_seen,
        "truncation_psi": look.truncation_psi,
        "noise": "fixed",
        **_of_all(all_heard),
        "rows": records,
    }
    titles = ["generated", *(dot.title for dot in rows[0].dots)]
    return Figure(titles, rows, record, _summary(record))


def of_discriminator(
    network: networks.Discriminator, dataset: manifest.Manifest, look: Look
) -> Figure:
    """Returns the figure of the discriminator: an image, its reference and the maps in every row.

    Args:
      network: with attention.
      dataset: of the real images.
      look: its first seed decides which images; there are as many as seeds.
    """
    count = len(look.seeds)
    images = _reals(dataset, 2 * count if network.takes_references else count, look.seeds[0])
    rows, records, all_heard = [], [], []
    for index in range(count):
        shown = images[index::count]
        floats = [discriminator_features.to_float(image[None]) for image in shown]
        heard = attention_weights.of_discriminator(network, floats[0], floats[-1])
        all_heard.append(heard)
        row_dots = look.dots or dots.choose(shown[-1], heard.side)
        maps = _maps(heard, row_dots, look.reflections)
        values = [found.values for found in maps]
        rows.append(attention_figure.Row(list(shown), row_dots, values))
        records.append({"dots": _records(row_dots, maps, heard.side)})
    record = {
        "attention": heard.layer.pairing if network.takes_references else "self",
        "resolution": heard.side,
        "data": str(dataset.folder),
        "data_seed": look.seeds[0],
        **_of_all(all_heard),
        "rows": records,
    }
    titles = ["image", "reference"][: len(rows[0].images)]
    titles += [dot.title for dot in rows[0].dots]
    return Figure(titles, rows, record, _summary(record))


def of_pixels(
    run: str,
    generator: networks.Generator,
    discriminator: networks.Discriminator,
    dataset: manifest.Manifest | None,
    look: Look,
    group: int,
) -> Figure:
    """Returns the figure of what the discriminator says of pixels: images and their logits.

    Args:
      run: its folder.
      generator, discriminator: of the run.
      dataset: of real images, drawn beside the generated ones; None for none.
      look: its seeds are those of the generated images, the first one decides which reals.
      group: see `pixel_figure.rows_of`.

    Raises:
      UserError: reals would have to be judged by classes that they are not given with.
    """
    if dataset is not None and discriminator.classes:
        raise UserError(
            f"--data has no place here: the discriminator of the run {run} judges pixels by their"
            " image's class, and only generated images are drawn with theirs"
        )
    generated.check_truncation(generator, look.truncation_psi)
    reals = None if dataset is None else _reals(dataset, len(look.seeds), look.seeds[0])
    rows, records = pixel_figure.rows_of(
        generator, discriminator, look.seeds, look.truncation_psi, reals, group
    )
    names = [name for name in ("generated", "real") if name in records[0]]
    means = (f"{name} {np.mean([row[name] for row in records]):.2f}" for name in names)
    titles = [title for name in names for title in (name, "its pixels")]
    summary = f"pixels, from 0 for fake to 1 for real, in the mean: {', '.join(means)}"
    summary += f"; judged {group} at a time"
    return Figure(titles, rows, {"rows": records, "judged_at_a_time": group}, summary)


def _reals(dataset: manifest.Manifest, count: int, seed: int) -> np.ndarray:
    """Returns shuffled reals, uint8 [count, resolution, resolution, channels]."""
    try:
        batches = image_stream.image_batches(
            dataset, batch_size=count, seed=seed, start_image=0, mirror=False
        )
        return next(iter(batches)).numpy()
    except image_stream.READ_ERRORS as error:
        raise image_stream.explain(error, dataset) from error


def _maps(heard: Heard, row_dots: list[Dot], reflections: bool) -> list[AttentionMap]:
    places = [dot.place(heard.side) for dot in row_dots]
    return [attention_weights.map_of(heard, place, reflections) for place in places]


def _of_all(all_heard: list[Heard]) -> dict:
    """Returns what is said of all images of a network."""
    chance = attention_weights.entropy_of_chance(all_heard[0])
    found: dict = {} if chance is None else {"entropy_of_chance": chance}
    if len(all_heard) > 1:
        found["spread"] = attention_weights.spread(all_heard)._asdict()
    return found


def _records(row_dots: list[Dot], maps: list[AttentionMap], side: int) -> list[dict]:
    return [
        {
            "title": dot.title,
            "x": dot.x,
            "y": dot.y,
            "row": dot.place(side)[0],
            "column": dot.place(side)[1],
            "largest": float(found.values.max()),
            "of_even": list(attention_figure.range_of(found.values)),
            "entropy": found.entropy,
            "distance": found.distance,
        }
        for dot, found in zip(row_dots, maps)
    ]


def _summary(record: dict) -> str:
    drawn = [dot for row in record["rows"] for dot in row["dots"]]
    entropy, distance = (np.mean([dot[key] for dot in drawn]) for key in ("entropy", "distance"))
    chance, parts = record.get("entropy_of_chance"), record.get("spread")
    said = (
        f"{record['attention']} at {record['resolution']}x{record['resolution']}: entropy"
        f" {entropy:.2f} nats{f' (by chance {chance:.2f})' if chance else ''}, distance"
        f" {distance:.2f} of its pixels, in the mean of {len(drawn)} dots"
    )
    if parts:
        said += (
            f"; of the weights {parts['fixed']:.0%} are the same everywhere, {parts['place']:.0%}"
            f" go with the place, {parts['image']:.0%} with the image"
        )
    return said


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
