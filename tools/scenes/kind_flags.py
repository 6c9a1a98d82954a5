"""The flags that say what scenes are meant.

A tool shows them in its own help with `flags.adopt_module_key_flags(kind_flags)`.
"""

import math
import re

from absl import flags

from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.errors import UserError

SOLIDS = flags.DEFINE_string("solids", None, "Scenes: how many solids, such as 1-2; else 3-8.")
ZOOM = flags.DEFINE_float(
    "zoom", None, "Scenes: how much larger the solids are; else 1.", lower_bound=1, upper_bound=3
)
SIZE = flags.DEFINE_enum(
    "size", None, list(scenes.SIZES), "Scenes: how large all solids are; else each is either."
)
SPREAD = flags.DEFINE_float(
    "spread",
    None,
    "Scenes: how far from the middle solids stand, as a share of what is in view; else 1.",
    lower_bound=0,
    upper_bound=1,
)
ALL = (SOLIDS, ZOOM, SIZE, SPREAD)


def kind() -> scenes.Kind:
    """Returns the scenes that the flags ask for.

    Raises:
      UserError: --solids is no number or range, or there is no room for so many; or another flag is
        "nan", which no bound of absl's refuses.
    """
    for flag, bounds in ((ZOOM, "1 to 3"), (SPREAD, "0 to 1")):
        if flag.value is not None and math.isnan(flag.value):
            raise UserError(f"--{flag.name}=nan: expected a number from {bounds}.")
    zoom = 1.0 if ZOOM.value is None else ZOOM.value
    spread = 1.0 if SPREAD.value is None else SPREAD.value
    room = scenes.room(zoom, spread)
    text = SOLIDS.value or f"{min(3, room)}-{room}"
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text)
    fewest, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= fewest <= most <= room:
        raise UserError(
            f"--solids={text}: expected one or two numbers, such as 1-{room}, from 1 to {room}: for"
            f" more there is no room with --zoom={zoom:g} and --spread={spread:g}."
        )
    return scenes.Kind(fewest, most, zoom, SIZE.value, spread)
