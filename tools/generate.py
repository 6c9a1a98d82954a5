"""Generates images with a trained generator.

Images from seeds, as OUTPUT/seed0000.png and so on; the same seed is the same image again:

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-63
  dualcontrast-generate --run=RUN/checkpoints/images-200000 --output=OUTPUT --seeds=7,11-15
  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-63 --truncation_psi=0.7 --noise=random

Of a generator without a mapping (SNGAN, SAGAN, BigGAN), less varied images, by batch
normalisation with the moments of generated ones:

  dualcontrast-generate --run=RUN --output=OUTPUT --truncation_threshold=0.5 --standing_batches=16

One picture of them all (OUTPUT/grid.png):

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-63 --grid

A table of mixed styles (OUTPUT/style_mixing.png, and every image): the rows' seeds, with the styles
of the columns' seeds in some layers, of which 0 is the coarsest:

  dualcontrast-generate --run=RUN --output=OUTPUT --rows=85,100 --columns=55,821 --style_layers=0-3

An animation that passes through the seeds, so many seconds from one to the next, and to the first
again (OUTPUT/interpolation.webp):

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-5 --interpolate=2

Several at once, in columns and rows; each passes through seeds of its own, here three:

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-53 --interpolate=2 --side_by_side=6x3

Of a run with labels every seed has a class of its own, drawn from the seed alone, or the classes
are named or numbered. An image is OUTPUT/class0003-seed0000.png then, and a grid has a class a row,
with the same seeds in all rows (0-7 without --seeds; the first 16 classes without --class):

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-63 --class=cat
  dualcontrast-generate --run=RUN --output=OUTPUT --grid --class=cat,dog,7

Mixed styles and an animation are of one class, which they need:

  dualcontrast-generate --run=RUN --output=OUTPUT --seeds=0-5 --interpolate=2 --class=cat

Of a run without labels, images of a class that a linear classifier upon its discriminator knows, a
file of dualcontrast-linear-eval, by so many steps of Langevin dynamics from every seed:

  dualcontrast-generate --run=RUN --output=OUTPUT --self_conditional=cat --linear_head=head.npz
"""

import math
import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from dualcontrast.tools.sampling import class_names, ranges, run_flags, variety_flags
from dualcontrast.trainer import errors, files, locations, path_flags, tensorflow_start
from dualcontrast.trainer.errors import UserError

if TYPE_CHECKING:
    from dualcontrast.layers import networks
    from dualcontrast.tools.sampling.sampler import Sampler

flags.adopt_module_key_flags(run_flags)
flags.adopt_module_key_flags(variety_flags)
_SEEDS = flags.DEFINE_string("seeds", "0-63", "Numbers and ranges, such as 0-63,100.")
_PSI = flags.DEFINE_float("truncation_psi", 1.0, "1: all the variety; 0: the mean image.")
_NOISE = flags.DEFINE_enum(
    "noise", "fixed", ["fixed", "random"], "The same noise maps always, or drawn from the seed."
)
_CLASS = flags.DEFINE_string(
    "class", None, "Of a run with labels: the class, or several, by name or number."
)
_GRID = flags.DEFINE_bool("grid", False, "One picture of all images, in place of the images.")
_ROWS = flags.DEFINE_string("rows", None, "Style mixing: seeds of the rows.")
_COLUMNS = flags.DEFINE_string("columns", None, "Style mixing: seeds of the columns.")
_LAYERS = flags.DEFINE_string("style_layers", "0-3", "Style mixing: layers the columns rule.")
_SECONDS = flags.DEFINE_float("interpolate", None, "Animation: seconds from one seed to the next.")
_BESIDE = flags.DEFINE_string(
    "side_by_side", None, "Animation: columns and rows, such as 6x3, of seeds of their own."
)
_SELF_CLASS = flags.DEFINE_string(
    "self_conditional", None, "A class of --linear_head, by name or number, to draw images of."
)
_HEAD = path_flags.define("linear_head", None, "A classifier of dualcontrast-linear-eval.")
_STEPS = flags.DEFINE_integer(
    "langevin_steps", 1000, "With --self_conditional: steps for every image.", lower_bound=1
)

_FRAMES_PER_SECOND = 25
_MOST_ROWS, _COLUMNS_OF_A_CLASS = 16, 8  # Of a grid with a class a row, unless they are given.


def main(argv: list[str]) -> None:
    """Generates what the flags ask for."""
    errors.no_arguments(argv)
    check_flags()
    tensorflow_start.start()
    from dualcontrast.tools.sampling import sampler as samplers
    from dualcontrast.trainer import standing_moments
    from dualcontrast.trainer.checkpoints import checkpoint

    run_path = run_flags.RUN.value
    if _SELF_CLASS.value is not None:
        _self_conditional(run_path)
        return
    names = [category.name for category in checkpoint.read_classes(run_path)]
    classes = find_classes(names, f"the run {run_path}")
    generator, config, images_seen = checkpoint.load_average(run_path)
    check_abilities(generator)
    standing_moments.take(generator, config, variety_flags.STANDING.value)
    threshold = variety_flags.THRESHOLD.value
    sampler = samplers.Sampler(generator, _PSI.value, _NOISE.value == "random", threshold)
    folder = pathlib.Path(run_flags.OUTPUT.value)
    files.make_folder(folder, f"--output={folder}")
    written = write(sampler, classes, folder)
    shown = f": {class_names.listed([names[label] for label in classes])}" if classes else ""
    print(f"{written}{shown}, by a generator that has seen {images_seen:,} images")


def _self_conditional(run_path: str) -> None:
    """Generates images of a class that the run was not told of.

    Raises:
      UserError: the run has classes or compares with references, or the classifier is not of it.
    """
    from dualcontrast.tools.sampling import seed_pictures, self_conditional
    from dualcontrast.trainer.checkpoints import checkpoint
    from dualcontrast.trainer.evaluation import generated, linear_head

    _, prefix = checkpoint.locate(locations.of(run_path))
    generator, _, images_seen = checkpoint.load_average(str(prefix))
    discriminator = checkpoint.load_discriminator(str(prefix))
    if generator.classes or discriminator.takes_references:
        reason = "has classes: try --class" if generator.classes else "compares with references"
        raise UserError(f"--self_conditional: the run {run_path} {reason}")
    digest = generated.weights_digest(discriminator)
    head = linear_head.load(pathlib.Path(_HEAD.value), digest)
    label = class_names.one(
        _SELF_CLASS.value,
        head.classes,
        f"the classifier {_HEAD.value}",
        "to draw images of",
        "self_conditional",
    )
    sampler = self_conditional.SelfConditionalSampler(
        generator, discriminator, head, label, _STEPS.value
    )
    folder = pathlib.Path(run_flags.OUTPUT.value)
    files.make_folder(folder, f"--output={folder}")
    seeds = ranges.numbers("seeds", _SEEDS.value)
    if _GRID.value:
        written = seed_pictures.save_grid(sampler, seeds, folder)
    else:
        written = seed_pictures.save_images(sampler, seeds, [], folder)
    print(f"{written}: {head.classes[label]}, by networks that have seen {images_seen:,} images")


def check_flags() -> None:
    """Checks what can be checked before the generator is loaded.

    Raises:
      UserError: a flag is wrong, or two contradict each other.
    """
    seeds = ranges.numbers("seeds", _SEEDS.value)
    if not math.isfinite(_PSI.value):
        raise UserError(f"--truncation_psi={_PSI.value}: expected a number, such as 0.7")
    if (_ROWS.value is None) != (_COLUMNS.value is None):
        raise UserError("style mixing needs both --rows=SEEDS and --columns=SEEDS")
    ranges.numbers("style_layers", _LAYERS.value)
    if _ROWS.value is not None:
        ranges.numbers("rows", _ROWS.value)
        ranges.numbers("columns", _COLUMNS.value)
    _check_modes()
    _check_self_conditional()
    if _SECONDS.value is not None:
        _check_interpolation(seeds)
    elif _BESIDE.value is not None:
        raise UserError(f"--side_by_side={_BESIDE.value} is of an animation: add --interpolate=2")
    if pathlib.Path(run_flags.OUTPUT.value).is_file():
        raise UserError(
            f"--output={run_flags.OUTPUT.value} is a file, expected a folder to write to"
        )
    run_flags.check_run()


def _check_modes() -> None:
    modes = {
        "--grid": _GRID.value,
        "--rows and --columns": _ROWS.value is not None,
        "--interpolate": _SECONDS.value is not None,
    }
    asked = [name for name, is_asked in modes.items() if is_asked]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} are different pictures: ask for one at a time")
    if _ROWS.value is not None and flags.FLAGS["seeds"].present:
        raise UserError("--seeds has no place in style mixing: give --rows and --columns only")


def _check_self_conditional() -> None:
    if (_SELF_CLASS.value is None) != (_HEAD.value is None):
        raise UserError("--self_conditional=CLASS and --linear_head=FILE need each other")
    others = {
        "--rows and --columns": _ROWS.value is not None,
        "--interpolate": _SECONDS.value is not None,
        "--class": _CLASS.value is not None,
        "--truncation_psi": _PSI.value != 1,
        "--truncation_threshold": variety_flags.THRESHOLD.value is not None,
        "--standing_batches": variety_flags.STANDING.value > 0,
        "--noise=random": _NOISE.value == "random",
    }
    asked = [name for name, is_asked in others.items() if is_asked]
    if _SELF_CLASS.value is not None and asked:
        raise UserError(f"{asked[0]} has no place beside --self_conditional: drop one of them")


def _check_interpolation(seeds: list[int]) -> None:
    seconds = _SECONDS.value
    if not 1 / _FRAMES_PER_SECOND <= seconds <= 600:
        raise UserError(f"--interpolate={seconds}: expected seconds from 0.04 to 600, such as 2")
    _ways(seeds)
    if _NOISE.value == "random":
        raise UserError("--interpolate has one noise for all frames: drop --noise=random")


def _ways(seeds: list[int]) -> list[list[list[int]]]:
    """Returns the seeds of every animation, in rows of those that are side by side.

    Raises:
      UserError: the seeds cannot be dealt to so many, two or more to each and to all alike.
    """
    text = _BESIDE.value or "1x1"
    sides = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text)
    if not sides:
        raise UserError(f"--side_by_side={text}: expected columns and rows up to 99, such as 6x3")
    columns, rows = int(sides[1]), int(sides[2])
    each, left = divmod(len(seeds), columns * rows)
    if each < 2 and _BESIDE.value is None:
        raise UserError(f"--interpolate needs two seeds or more, got --seeds={_SEEDS.value}")
    if each < 2 or left:
        raise UserError(
            f"--side_by_side={text} deals its seeds to {columns * rows} animations, two or more to"
            f" each, got {len(seeds)}: try --seeds=0-{3 * columns * rows - 1}"
        )
    dealt = [seeds[first : first + each] for first in range(0, len(seeds), each)]
    return [dealt[first : first + columns] for first in range(0, len(dealt), columns)]


def find_classes(names: Sequence[str], owner: str) -> list[int]:
    """Returns the classes that are asked for, by number; none for each seed's own.

    Args:
      names: of the run's classes; none without labels.
      owner: the run, in words.

    Raises:
      UserError: the run has no such class, or the picture needs one of it.
    """
    if _ROWS.value is not None or _SECONDS.value is not None:
        label = class_names.one(_CLASS.value, names, owner, "that of the whole picture")
        return [] if label is None else [label]
    if _CLASS.value is not None:
        return class_names.find(_CLASS.value, names, owner)
    return list(range(min(len(names), _MOST_ROWS))) if _GRID.value else []


def check_abilities(generator: "networks.Generator") -> None:
    """Checks that the generator can do what the flags ask for.

    Raises:
      UserError: it cannot.
    """
    from dualcontrast.trainer.evaluation import generated

    generated.check_truncation(generator, _PSI.value, variety_flags.THRESHOLD.value)
    if _NOISE.value == "random" and not generator.noise_sides:
        raise UserError("--noise=random: this generator has no noise: drop the flag")
    if _ROWS.value is None:
        return
    if generator.mapping is None:
        raise UserError("--rows and --columns: this generator has no mapping, so no styles to mix")
    latents = generator.synthesis.latents
    if max(ranges.numbers("style_layers", _LAYERS.value)) >= latents:
        raise UserError(
            f"--style_layers={_LAYERS.value}: this generator has the layers 0 to {latents - 1}"
        )


def write(sampler: "Sampler", classes: list[int], folder: pathlib.Path) -> str:
    """Writes what the flags ask for, and returns in words what and where.

    Args:
      sampler: draws the images.
      classes: that are asked for, by number; none for each seed's own.
      folder: for the files.

    Raises:
      OSError: the folder may not be written to, or the disk is full.
    """
    from dualcontrast.tools.sampling import seed_pictures

    seeds = ranges.numbers("seeds", _SEEDS.value)
    label = classes[0] if classes else None
    if _ROWS.value is not None:
        rows = ranges.numbers("rows", _ROWS.value)
        columns = ranges.numbers("columns", _COLUMNS.value)
        layers = ranges.numbers("style_layers", _LAYERS.value)
        return seed_pictures.save_style_mixing(sampler, rows, columns, layers, label, folder)
    if _SECONDS.value is not None:
        frames = round(_SECONDS.value * _FRAMES_PER_SECOND)
        return seed_pictures.save_interpolation(
            sampler, _ways(seeds), frames, _FRAMES_PER_SECOND, label, folder
        )
    if _GRID.value and classes:
        columns = seeds if flags.FLAGS["seeds"].present else list(range(_COLUMNS_OF_A_CLASS))
        return seed_pictures.save_class_grid(sampler, columns, classes, folder)
    if _GRID.value:
        return seed_pictures.save_grid(sampler, seeds, folder)
    return seed_pictures.save_images(sampler, seeds, classes, folder)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
