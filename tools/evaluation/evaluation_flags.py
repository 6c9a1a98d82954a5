"""The flags that say by which networks and on which images something is measured."""

import pathlib

from absl import flags

from dualcontrast.tools.evaluation import image_folder
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import image_set
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import embedded, inception, user_model, vgg16, weights
from dualcontrast.trainer.features.extractor import Extractor

DATA = flags.DEFINE_string(
    "data", None, "Real images: a dataset, a folder of images, or statistics (.npz)."
)
REAL_COUNT = flags.DEFINE_integer(
    "real_count", None, "Real images, the first ones (default: all, at most 50,000).", lower_bound=2
)
MIRROR = flags.DEFINE_bool("mirror", False, "Flip each real image by a coin of --seed.")
EXTRACTOR = flags.DEFINE_string(
    "extractor", "embedded", "embedded, inception, vgg16, a .keras file, or a SavedModel."
)
INCEPTION = flags.DEFINE_string(
    "inception", None, "The 2015 Inception graph: a path, or URL#sha256=DIGEST."
)
VGG16 = flags.DEFINE_string("vgg16", None, "Weights of VGG16: a path, or URL#sha256=DIGEST.")
LPIPS = flags.DEFINE_string("lpips", None, "Weights of LPIPS: a path, or URL#sha256=DIGEST.")
CACHE = flags.DEFINE_string(
    "cache",
    str(weights.cache_folder() / "references"),
    "Folder that keeps the features of real images; empty for none.",
)

MOST_REALS = 50_000


def main_extractor() -> Extractor:
    """Returns the network of --extractor.

    Raises:
      UserError: its weights are missing or something else.
    """
    name = EXTRACTOR.value
    if name == "embedded":
        return embedded.load()
    if name == "inception":
        return inception.load(INCEPTION.value)
    if name == "vgg16":
        return vgg16.load(VGG16.value)
    return user_model.load(name)


def real_images(seed: int) -> ImageSet:
    """Returns the images of --data.

    Args:
      seed: of the coins of --mirror.

    Raises:
      UserError: there are none, or too few.
    """
    path, count = pathlib.Path(DATA.value), REAL_COUNT.value
    if (path / manifest.FILE_NAME).exists() or not path.is_dir():
        dataset = manifest.open_dataset(path)
        return image_set.of_dataset(dataset, count, MOST_REALS, MIRROR.value, seed)
    if MIRROR.value:
        raise UserError(f"--mirror is for datasets, and --data={path} is a folder of images")
    return image_folder.open_folder(str(path), "--data", count, MOST_REALS)


def cache_folder() -> pathlib.Path | None:
    """Returns the folder of --cache, None for none."""
    return pathlib.Path(CACHE.value) if CACHE.value else None
