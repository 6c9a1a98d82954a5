"""The flags that say by which networks and on which images something is measured."""

import pathlib

from absl import flags

from dualcontrast.trainer import path_flags
from dualcontrast.trainer.features import weights

DATA = path_flags.define(
    "data",
    None,
    "Real images: a dataset, a folder of images, or statistics (.npz).",
    may_have_scheme=True,
)
REAL_COUNT = flags.DEFINE_integer(
    "real_count", None, "Real images, the first ones (default: all, at most 50,000).", lower_bound=2
)
MIRROR = flags.DEFINE_bool("mirror", False, "Flip each real image by a coin of --seed.")
VALIDATION = path_flags.define(
    "validation",
    None,
    "For overfitting: a dataset like --data, of which the run has seen nothing.",
    may_have_scheme=True,
)
EXTRACTOR = path_flags.define(
    "extractor",
    "embedded",
    "embedded, inception, vgg16, a .keras file, or a SavedModel; see --trust_model.",
)
TRUST = flags.DEFINE_bool(
    "trust_model",
    False,
    "Run --model, --extractor and --classifier whatever they do. A model is a program: one that"
    " could touch files or run code is refused otherwise.",
)
CLASSIFIER = path_flags.define(
    "classifier",
    None,
    "For separability: a .keras file, or a SavedModel, that returns a logit for each attribute; see"
    " --trust_model.",
)
CLASSIFIER_DATA = path_flags.define(
    "classifier_data",
    None,
    "In place of --classifier: a dataset with labels, for a linear classifier upon --extractor.",
    may_have_scheme=True,
)
INCEPTION = path_flags.define(
    "inception",
    None,
    "The 2015 Inception graph: a path, or URL#sha256=DIGEST.",
    may_have_scheme=True,
)
VGG16 = path_flags.define(
    "vgg16", None, "Weights of VGG16: a path, or URL#sha256=DIGEST.", may_have_scheme=True
)
LPIPS = path_flags.define(
    "lpips", None, "Weights of LPIPS: a path, or URL#sha256=DIGEST.", may_have_scheme=True
)
CACHE = path_flags.define(
    "cache",
    str(weights.cache_folder() / "references"),
    "Folder that keeps the features of real images; empty for none.",
)


def cache_folder() -> pathlib.Path | None:
    """Returns the folder of --cache, None for none."""
    return pathlib.Path(CACHE.value) if CACHE.value else None
