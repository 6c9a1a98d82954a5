"""Environment variables that ask for what would not happen: refused, and not ignored."""

import difflib
import os

from dualcontrast.custom_ops.implementation_names import IMPLEMENTATIONS
from dualcontrast.trainer.errors import UserError

_PREFIX = "DUALCONTRAST_"
_OPERATIONS = "DUALCONTRAST_OPS"
_OWN = (_OPERATIONS, "DUALCONTRAST_CUDA_ARCHS", "DUALCONTRAST_CACHE")


def check_own() -> None:
    """Refuses a variable of this project's that there is not, such as one that is misspelt.

    Raises:
      UserError: there is one, or the operations that one asks for are none.
    """
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in _OWN:
            # Without what all have in common, which would make everything alike.
            own = [known.removeprefix(_PREFIX) for known in _OWN]
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), own, n=1, cutoff=0.6)
            hint = (
                f"did you mean {_PREFIX}{near[0]}?"
                if near
                else f"expected one of {', '.join(_OWN)}"
            )
            raise UserError(f"unknown environment variable {name}: {hint}")
    asked = os.environ.get(_OPERATIONS)
    if asked and asked not in IMPLEMENTATIONS:
        known = ", ".join(IMPLEMENTATIONS)
        raise UserError(f"{_OPERATIONS}={asked}: must be one of {known}; {_OPERATIONS}=auto runs")
