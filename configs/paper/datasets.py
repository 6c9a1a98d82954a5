"""The datasets of the paper: where they come from, and how they are converted.

"The first N images" of a dataset are those that `dualcontrast-convert --max_images=N` stores. The
order of the images depends on the files alone, so 1k is a part of 5k, 5k of 10k, and so on.
"""

import dataclasses
import difflib

from dualcontrast.trainer.errors import UserError

# The warm-up of "about 20 epochs" is so many passes over the images, but not longer than that of
# the 70,000 of FFHQ: for LSUN Bedroom it would be longer than the whole training.
_WARMUP_PASSES = 20
_LONGEST_WARMUP = 1_400_000

_SIZES = {"1k": 1_000, "5k": 5_000, "10k": 10_000, "30k": 30_000, "50k": 50_000, "100k": 100_000}
_LSUN_CROP = "the square in the middle; images have a short side of 256 pixels"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images that the paper trains on.

    Attributes:
      name: as in experiment_matrix.csv.
      resolution: side of the images in pixels.
      images: how many there are in all.
      limited: whether the paper trains on the first 1k to 100k of them, and not on all.
      mirror: whether images are flipped at random.
      origin: where to get it; docs/experiments.md has the commands.
      crop: what is kept of an image.
      conversion: the flags of dualcontrast-convert, without --dest and --max_images.
    """

    name: str
    resolution: int
    images: int
    limited: bool
    mirror: bool
    origin: str
    crop: str
    conversion: str


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """A dataset, or its first images.

    Attributes:
      dataset: the whole.
      images: how many of them are trained on.
    """

    dataset: Dataset
    images: int

    @property
    def warmup_images(self) -> int:
        """Length of the warm-up of the dual contrastive loss."""
        return min(_WARMUP_PASSES * self.images, _LONGEST_WARMUP)


DATASETS = (
    Dataset(
        "ffhq256",
        resolution=256,
        images=70_000,
        limited=False,
        # StyleGAN2's recipes flip FFHQ and no other dataset; the paper is silent.
        mirror=True,
        origin="NVlabs/ffhq-dataset on GitHub, images1024x1024 (89 GB)",
        crop="nothing; means over 4x4 pixels, as in StyleGAN2's pyramid of resolutions",
        conversion="--source=images1024x1024 --resolution=256 --filter=box",
    ),
    Dataset(
        "bedroom256",
        resolution=256,
        images=3_033_042,
        limited=False,
        mirror=False,
        origin="dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip (43 GB)",
        crop=_LSUN_CROP,
        conversion="--source=bedroom_train_lmdb --resolution=256 --crop=center --upscale",
    ),
    Dataset(
        "church256",
        resolution=256,
        images=126_227,
        limited=False,
        mirror=False,
        origin="dl.yf.io/lsun/scenes/church_outdoor_train_lmdb.zip",
        crop=_LSUN_CROP,
        conversion="--source=church_outdoor_train_lmdb --resolution=256 --crop=center --upscale",
    ),
    Dataset(
        "horse256",
        resolution=256,
        images=2_000_340,
        limited=False,
        mirror=False,
        origin="dl.yf.io/lsun/objects/horse.zip",
        crop=_LSUN_CROP,
        conversion="--source=horse_lmdb --resolution=256 --crop=center --upscale",
    ),
    Dataset(
        "clevr256",
        resolution=256,
        images=70_000,
        limited=False,
        mirror=False,
        origin="dl.fbaipublicfiles.com/clevr/CLEVR_v1.0.zip (18 GB)",
        crop="the middle 320x320 of 480x320",
        conversion="--source=CLEVR_v1.0.zip:CLEVR_v1.0/images/train --resolution=256 --crop=center",
    ),
    Dataset(
        "celeba128",
        resolution=128,
        images=202_599,
        limited=True,
        mirror=False,
        origin="mmlab.ie.cuhk.edu.hk/projects/CelebA.html, img_align_celeba_png",
        crop="128x128 about the face (columns 25 to 152, rows 57 to 184), nothing resized",
        conversion="--source=img_align_celeba_png --resolution=128 --crop=celeba --noshuffle",
    ),
    Dataset(
        "animalface128",
        resolution=128,
        images=117_484,
        limited=True,
        mirror=False,
        origin="ImageNet's training images, cut by the script of NVlabs/FUNIT on GitHub",
        crop="the square in the middle of FUNIT's box about the face",
        # Files are sorted by kind of animal: the first ones would be of a few kinds.
        conversion="--source=animals --resolution=128 --crop=center --upscale --shuffle --seed=0",
    ),
    Dataset(
        "bedroom128",
        resolution=128,
        images=3_033_042,
        limited=True,
        mirror=False,
        origin="as bedroom256",
        crop="as bedroom256, then means over 2x2 pixels",
        conversion="--source=bedroom_train_lmdb --resolution=128 --crop=center --filter=box"
        " --upscale --noshuffle",
    ),
    Dataset(
        "church128",
        resolution=128,
        images=126_227,
        limited=True,
        mirror=False,
        origin="as church256",
        crop="as church256, then means over 2x2 pixels",
        conversion="--source=church_outdoor_train_lmdb --resolution=128 --crop=center --filter=box"
        " --upscale --noshuffle",
    ),
)


def _training_sets() -> dict[str, TrainingSet]:
    found = {}
    for dataset in DATASETS:
        if dataset.limited:
            for size, images in _SIZES.items():
                found[f"{dataset.name}_{size}"] = TrainingSet(dataset, images)
        else:
            found[dataset.name] = TrainingSet(dataset, dataset.images)
    return found


# By the argument of an experiment, such as church256 or celeba128_1k.
TRAINING_SETS = _training_sets()


def find(argument: str) -> TrainingSet:
    """The training set that is called `argument`.

    Raises:
      UserError: there is none; the text suggests the nearest.
    """
    if argument in TRAINING_SETS:
        return TRAINING_SETS[argument]
    near = difflib.get_close_matches(argument, TRAINING_SETS, n=2, cutoff=0.7)
    hint = f": did you mean {' or '.join(near)}?" if near else "."
    whole = [dataset.name for dataset in DATASETS if not dataset.limited]
    limited = [dataset.name for dataset in DATASETS if dataset.limited]
    raise UserError(
        f"the paper has no dataset {argument!r}{hint}\n"
        f"Expected one of {', '.join(whole)}; or of {', '.join(limited)} with"
        f" {', '.join('_' + size for size in _SIZES)}; or none, for images of your own."
    )
