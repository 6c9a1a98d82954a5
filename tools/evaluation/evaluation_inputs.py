"""The networks and the real images that the flags of an evaluation name."""

import pathlib

from dualcontrast.tools.evaluation import evaluation_flags, image_folder
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import image_set
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import embedded, inception, user_model, vgg16
from dualcontrast.trainer.features.extractor import Extractor

MOST_REALS = 50_000


def main_extractor() -> Extractor:
    """Returns the network of --extractor.

    Raises:
      UserError: its weights are missing or something else.
    """
    name = evaluation_flags.EXTRACTOR.value
    if name == "embedded":
        return embedded.load()
    if name == "inception":
        return inception.load(evaluation_flags.INCEPTION.value)
    if name == "vgg16":
        return vgg16.load(evaluation_flags.VGG16.value)
    return user_model.load(name, trusted=evaluation_flags.TRUST.value)


def real_images(seed: int) -> ImageSet:
    """Returns the images of --data.

    Args:
      seed: of the coins of --mirror.

    Raises:
      UserError: there are none, or too few.
    """
    path, count = pathlib.Path(evaluation_flags.DATA.value), evaluation_flags.REAL_COUNT.value
    if (path / manifest.FILE_NAME).exists() or not path.is_dir():
        dataset = manifest.open_dataset(path)
        return image_set.of_dataset(dataset, count, MOST_REALS, evaluation_flags.MIRROR.value, seed)
    if evaluation_flags.MIRROR.value:
        raise UserError(f"--mirror is for datasets, and --data={path} is a folder of images")
    return image_folder.open_folder(str(path), "--data", count, MOST_REALS)
