"""The metrics that there are, by the names of the commands."""

from typing import Literal

# Whose features each metric compares: those of the main extractor, of VGG16 where it was given, or
# of the discriminator.
MAIN, SHAPE, DISCRIMINATOR = "main", "shape", "discriminator"
ROLES = {
    "fid": MAIN,
    "kid": MAIN,
    "is": MAIN,
    "precision_recall": SHAPE,
    "fddf": DISCRIMINATOR,
    "intra_fid": MAIN,
    "overfitting": DISCRIMINATOR,
}
# Of these the images of each class are measured by themselves, those of a generator with classes.
BY_CLASS = ("intra_fid",)
# Space of the path and places of the steps, by the names of StyleGAN2's metrics.
PATH_LENGTHS: dict[str, tuple[str, Literal["full", "end"]]] = {
    "ppl_zfull": ("z", "full"),
    "ppl_zend": ("z", "end"),
    "ppl_wfull": ("w", "full"),
    "ppl_wend": ("w", "end"),
}
# How well a plane tells attributes of the images, in z and in w.
SEPARABILITY = "separability"
# The values of overfitting, which are also a matter of the images that were held out.
OVERFITTING = (
    "overfitting_r_v",
    "overfitting_r_t",
    "logit_train",
    "logit_validation",
    "logit_generated",
)

# Whether less (-1) or more (+1) is better; others are neither.
BETTER = {
    "fid": -1,
    "intra_fid": -1,
    "kid": -1,
    "is": 1,
    "precision": 1,
    "recall": 1,
    "coverage": 1,
    "separability_z": -1,
    "separability_w": -1,
}


def needs_run(metric: str) -> bool:
    """Whether a metric looks at the networks themselves, which only a run has."""
    own = (SEPARABILITY, *PATH_LENGTHS)
    return metric in own or ROLES.get(metric) == DISCRIMINATOR
