"""Turns images into a dataset to train on: a folder of TFRecord shards with a manifest.

  dualcontrast-convert --source=SOURCE --dest=FOLDER [--resolution=64] [...]

SOURCE is a folder (with all folders in it), a .zip or .tar (or a folder inside: ARCHIVE:FOLDER),
an LMDB folder, a .tfrecords of StyleGAN, a .npy or .npz, an archive of CIFAR, a .txt with paths,
tfds:NAME[:SPLIT], or scenes:

  dualcontrast-convert --source=photos --dest=data/photos --resolution=256 --crop=center
  dualcontrast-convert --source=celeba.zip --dest=data/celeba --resolution=128 --crop=celeba
  dualcontrast-convert --source=CLEVR_v1.0.zip:CLEVR_v1.0/images/train --dest=data/clevr \\
      --resolution=256 --crop=center
  dualcontrast-convert --source=bedroom_train_lmdb --dest=data/bedroom --resolution=256 \\
      --crop=center --upscale
  dualcontrast-convert --source=tfds:cifar10:train --dest=data/cifar
  dualcontrast-convert --source=scenes --dest=data/scenes --resolution=64 --max_images=20000

Without --resolution all images must be squares of one size, a power of two from 8. Transparent
images are laid on --background (with --channels=rgba they stay transparent), 16 bits become 8 by
dividing by 257, CMYK and palettes become RGB, colour profiles sRGB, EXIF orientation is applied,
and of an animation the first frame is taken. An image that cannot be used is a row in
FOLDER/rejected.csv, and a file that is not looked at a row in FOLDER/passed_over.csv.

With --labels every image gets a class, and the dataset its names: `folders` takes the first folder
of each path, a .json or .csv file names the class of each path, and what else a source has is
called by its name: tfds:FEATURE, `label` of CIFAR and StyleGAN, an array of the same .npz,
`shape` or `colour` of the largest solid of a scene:

  dualcontrast-convert --source=animals --dest=data/animals --labels=folders
  dualcontrast-convert --source=ffhq.zip --dest=data/ffhq --labels=ffhq.zip/dataset.json
  dualcontrast-convert --source=tfds:cifar10 --dest=data/cifar --labels=tfds:label
  dualcontrast-convert --source=scenes --dest=data/solids --labels=shape --resolution=32 \\
      --max_images=20000 --solids=1-2 --zoom=2

An interrupted conversion goes on when the same command is run again. The result is the same, byte
for byte, whatever the number of workers.
"""

import dataclasses
import importlib.util
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from absl import flags
from PIL import ImageColor

from dualcontrast.tools.conversion import (
    conversion,
    decode_bounds,
    image_sizes,
    labels,
    pixels,
)
from dualcontrast.tools.conversion.shards import Plan
from dualcontrast.tools.conversion.sources import kinds
from dualcontrast.tools.conversion.sources.rendered import Scenes
from dualcontrast.tools.conversion.sources.source import (
    SUFFIXES,
    Entry,
    Listing,
    Source,
    fingerprint,
)
from dualcontrast.tools.scenes import kind_flags
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, path_flags
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(kind_flags)
_SOURCE = path_flags.define("source", None, "What to convert; kinds: see above.")
_DEST = path_flags.define("dest", None, "The folder for the dataset; new or empty.")
_RESOLUTION = flags.DEFINE_integer("resolution", None, "Width and height of the result, pixels.")
_CROP = flags.DEFINE_enum(
    "crop",
    "none",
    pixels.CROPS,
    "What to keep of an image: all of a square one (none), the largest square in its middle"
    " (center), all of it, out of shape (squash), or CelebA's usual 128x128 (celeba).",
)
_FILTER = flags.DEFINE_enum("filter", "lanczos", list(pixels.FILTERS), "How images are resized.")
_CHANNELS = flags.DEFINE_enum("channels", "rgb", list(pixels.CHANNELS), "Kind of pixels.")
_ICC = flags.DEFINE_enum(
    "icc",
    "srgb",
    pixels.ICC,
    "What becomes of colour profiles: colours are converted to sRGB (srgb), or left as they are.",
)
_BACKGROUND = flags.DEFINE_string("background", "white", "Colour behind transparent images.")
_UPSCALE = flags.DEFINE_bool("upscale", False, "Enlarge small images instead of rejecting them.")
_ENCODING = flags.DEFINE_enum(
    "encoding", "png", manifest.ENCODINGS, "How images are stored; JPEG is smaller and lossy."
)
_MAX_IMAGES = flags.DEFINE_integer("max_images", None, "Take at most so many.", lower_bound=1)
_LABELS = path_flags.define(
    "labels",
    None,
    "Where the images' classes are from: folders, FILE.json, FILE.csv, or what the source has.",
)
_SHUFFLE = flags.DEFINE_bool("shuffle", True, "Store the images in a random order.")
_SEED = flags.DEFINE_integer("seed", 0, "Decides the order, or the scenes.", lower_bound=0)
_SHARDS = flags.DEFINE_integer(
    "shards", None, "Files to write; by default so many that each has up to 64 MB.", lower_bound=1
)
_WORKERS = flags.DEFINE_integer("workers", 0, "Processes; 0: one for each core.", lower_bound=0)
_RUNNER = flags.DEFINE_string(
    "runner", None, "Who runs the work, as Apache Beam calls it: DirectRunner, DataflowRunner..."
)
_RUNNER_OPTIONS = flags.DEFINE_list(
    "runner_options", [], "Of Beam and the runner, without dashes: project=P,region=R."
)
_MAX_PIXELS = flags.DEFINE_integer(
    "max_pixels", 50_000_000, "Reject images with more pixels.", lower_bound=1
)
_IMAGE_SECONDS = flags.DEFINE_float(
    "image_seconds",
    decode_bounds.SECONDS,
    "Reject images that take longer to decode.",
    lower_bound=0.01,
)
_IMAGE_MEGABYTES = flags.DEFINE_integer(
    "image_megabytes",
    decode_bounds.MEGABYTES,
    "Reject images that need more memory to decode.",
    lower_bound=1,
)


def main(argv: list[str]) -> None:
    """Converts what the flags say."""
    errors.no_arguments(argv)
    _check_flags()
    runner = _runner()
    dest = Path(_DEST.value)
    conversion.check_place(dest)
    source = _source()
    listing = _without_label_file(source.listing(), source)
    entries = listing.entries
    if not entries:
        found = f"\nNot looked at: {listing.passed_over}." if listing.others else ""
        raise UserError(f"--source={_SOURCE.value} has no images ({', '.join(SUFFIXES)}).{found}")
    labelled = labels.read(_LABELS.value, source, entries)
    stored = conversion.order(
        labelled.entries, source, _SEED.value, _SHUFFLE.value, _MAX_IMAGES.value
    )
    rules = _resolved(source, stored, _rules())
    shards = conversion.split(stored, _SHARDS.value, rules, _ENCODING.value, source.streamed)
    plan = Plan(source, rules, _ENCODING.value, len(shards), labelled.classes, _bounds())
    request = _request(plan, stored)
    if conversion.is_finished(dest, request):
        print(f"{dest} already holds this dataset; nothing to do.")
        return
    with ProgressBar("images", len(stored)) as bar:
        made = conversion.run(
            plan, shards, request, _SOURCE.value, dest, runner, bar.show, listing.others
        )
    if listing.others:
        print(
            f"{len(listing.others):,} not looked at (see {dest / conversion.PASSED_OVER}):"
            f" {listing.passed_over}"
        )
    if (dest / conversion.NOTES).exists():
        print(f"Of some images that are kept there is something to say: {dest / conversion.NOTES}")
    if (dest / conversion.NEAR_DUPLICATES).exists():
        print(f"Some images look like others: {dest / conversion.NEAR_DUPLICATES}")
    details = f" (see {dest / conversion.REJECTED})" if made.rejected else ""
    classes = f"; {_of_classes(made.class_counts)}" if made.classes else ""
    print(f"{made.count:,} kept, {made.rejected:,} rejected{details}{classes}; dataset in {dest}")


def _of_classes(counts: Sequence[int]) -> str:
    return f"{len(counts):,} classes of {min(counts):,} to {max(counts):,} images"


def _check_flags() -> None:
    for flag in (_SOURCE, _DEST):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing. Examples: dualcontrast-convert --help")
    if _RESOLUTION.value is not None and not manifest.is_resolution(_RESOLUTION.value):
        raise UserError(f"--resolution={_RESOLUTION.value} is no power of two from 8.")
    if _CROP.value == "squash" and _RESOLUTION.value is None:
        raise UserError("--crop=squash needs a size: add --resolution=64, for example.")
    for flag in kind_flags.ALL:
        if flag.value is not None and _SOURCE.value != "scenes":
            raise UserError(f"--{flag.name} is for --source=scenes; drop it.")
    if _ENCODING.value == "jpeg" and _CHANNELS.value == "rgba":
        raise UserError("JPEG cannot be transparent: use --encoding=png, or --channels=rgb.")
    if _RUNNER_OPTIONS.value and not _RUNNER.value:
        raise UserError("--runner_options are for a --runner, such as --runner=DataflowRunner.")


def _runner() -> conversion.Runner:
    """Who writes the shards."""
    if _RUNNER.value is None:
        return conversion.on_this_machine(_workers())
    if importlib.util.find_spec("apache_beam") is None:
        raise UserError(
            f"--runner={_RUNNER.value} needs Apache Beam, which is not installed.\n"
            "Install it: pip install 'dualcontrast[beam]'; or drop --runner."
        )
    logging.disable(logging.WARNING)  # Beam's, on what of Google's is not installed.
    try:
        # It takes seconds to import.
        from dualcontrast.tools.conversion import beam_pipeline

        return beam_pipeline.runner(_RUNNER.value, _RUNNER_OPTIONS.value, _workers())
    finally:
        logging.disable(logging.NOTSET)


def _source() -> Source:
    """The source that --source names."""
    if _SOURCE.value != "scenes":
        return kinds.open_source(_SOURCE.value)
    if not (_RESOLUTION.value and _MAX_IMAGES.value):
        raise UserError(
            "Scenes can have any size and number: give --resolution=64 and"
            " --max_images=20000, for example."
        )
    return Scenes(_MAX_IMAGES.value, _RESOLUTION.value, _SEED.value, kind_flags.kind())


def _without_label_file(listing: Listing, source: Source) -> Listing:
    """The listing without the file of --labels, which is looked at though it is no image."""
    place = labels.place_in(source, _LABELS.value)
    others = [other for other in listing.others if other.name != place]
    return dataclasses.replace(listing, others=others)


def _rules() -> pixels.Rules:
    try:
        background = ImageColor.getcolor(_BACKGROUND.value, "RGB")
    except ValueError:
        raise UserError(
            f"--background={_BACKGROUND.value} is no colour; try white, or '#808080'."
        ) from None
    return pixels.Rules(
        resolution=_RESOLUTION.value,
        crop=_CROP.value,
        filter=_FILTER.value,
        channels=_CHANNELS.value,
        background=background,
        upscale=_UPSCALE.value,
        max_pixels=_MAX_PIXELS.value,
        icc=_ICC.value,
    )


def _resolved(source: Source, entries: list[Entry], rules: pixels.Rules) -> pixels.Rules:
    """The rules with a resolution, after a look at the images where that is needed."""
    if isinstance(source, Scenes) or not image_sizes.is_needed(rules):
        return rules
    with ProgressBar("sizes", len(entries)) as bar:
        found = image_sizes.resolution(source, entries, rules, _bounds(), _workers(), bar.show)
    return dataclasses.replace(rules, resolution=found)


def _request(plan: Plan, entries: list[Entry]) -> dict:
    """All that decides the bytes of the dataset."""
    request = {
        **dataclasses.asdict(plan.rules),
        "background": list(plan.rules.background),
        "encoding": plan.encoding,
        "images": len(entries),
        "listing": fingerprint(entries),
        "seed": _SEED.value,
        "shards": plan.shards,
        "shuffle": _SHUFFLE.value and plan.source.shuffles,
    }
    # Datasets that were made before there was a choice have ignored the profiles, and say nothing.
    if not plan.source.has_profiles or plan.rules.icc == "ignore":
        del request["icc"]
    if plan.classes:
        request["labels"] = labels.fingerprint(entries, plan.classes)
    return request


def _bounds() -> decode_bounds.Bounds:
    return decode_bounds.Bounds(_IMAGE_SECONDS.value, _IMAGE_MEGABYTES.value)


def _workers() -> int:
    return _WORKERS.value or len(os.sched_getaffinity(0))


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
