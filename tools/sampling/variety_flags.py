"""The flags of tools that draw images with a generator without a mapping, such as BigGAN's.

A tool shows them in its own help with `flags.adopt_module_key_flags(variety_flags)`.
"""

from absl import flags

THRESHOLD = flags.DEFINE_float(
    "truncation_threshold",
    None,
    "Of a generator without a mapping: draw numbers of z beyond it again, 2 to 0.04 in BigGAN.",
    lower_bound=1e-3,
)
STANDING = flags.DEFINE_integer(
    "standing_batches",
    0,
    "Normalise by the mean moments of so many batches of generated images, 16 in BigGAN's program,"
    " and not by those kept in training.",
    lower_bound=0,
)
