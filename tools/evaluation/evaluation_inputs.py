"""The networks and the real images that the flags of an evaluation name."""

from dualcontrast.tools.evaluation import evaluation_flags, image_folder
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import locations
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import attribute_classifier, image_set
from dualcontrast.trainer.evaluation.attribute_classifier import Classifier
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
    path, count = locations.of(evaluation_flags.DATA.value), evaluation_flags.REAL_COUNT.value
    if (path / manifest.FILE_NAME).exists() or not path.is_dir():
        return _of_dataset(str(path), count, seed)
    if evaluation_flags.MIRROR.value:
        raise UserError(f"--mirror is for datasets, and --data={path} is a folder of images")
    if locations.is_remote(path):
        raise UserError(
            f"--data={path} is a folder of images elsewhere, which are read from this machine only:"
            " copy it here, or make a dataset of it with dualcontrast-convert"
        )
    return image_folder.open_folder(str(path), "--data", count, MOST_REALS)


def validation_images(seed: int) -> ImageSet:
    """Returns the images of --validation, mirrored as those of --data.

    Raises:
      UserError: there is no such dataset.
    """
    return _of_dataset(evaluation_flags.VALIDATION.value, None, seed)


def _of_dataset(path: str, count: int | None, seed: int) -> ImageSet:
    dataset = manifest.open_dataset(path)
    return image_set.of_dataset(dataset, count, MOST_REALS, evaluation_flags.MIRROR.value, seed)


def classifier(batch_size: int, seed: int) -> Classifier:
    """Returns the classifier of --classifier, or one that is trained now on --classifier_data.

    Args:
      batch_size: images that its network sees at once.
      seed: of the choice of images that are held out.

    Raises:
      UserError: it cannot be loaded, or there is nothing to train on.
    """
    path = evaluation_flags.CLASSIFIER.value
    if path:
        trusted = evaluation_flags.TRUST.value
        network = user_model.load(path, "--classifier", trusted=trusted, others=())
        return attribute_classifier.of_network(network)
    dataset = manifest.open_dataset(evaluation_flags.CLASSIFIER_DATA.value)
    images = image_set.of_dataset(dataset, None, MOST_REALS)
    attribute_classifier.check(images)
    with ProgressBar("images for the classifier", images.count) as bar:
        return attribute_classifier.train(images, main_extractor(), batch_size, seed, bar.show)
