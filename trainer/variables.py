"""Environment variables that ask for what would not happen: refused, and not ignored."""

import difflib
import json
import os
from typing import Any

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


def check_one_host() -> None:
    """Refuses to be one of several hosts, which would each train a run of its own.

    Raises:
      UserError: TF_CONFIG names several, or is nothing that TensorFlow reads.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return
    try:
        hosts = _hosts(json.loads(text))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise UserError(f"TF_CONFIG={text[:60]} is no cluster in JSON. {_UNSET}") from None
    if len(hosts) > 1:
        raise UserError(f"TF_CONFIG names {len(hosts)} hosts, and a run trains on one. {_UNSET}")


_UNSET = "To train on this one: env -u TF_CONFIG dualcontrast-train ..."


def _hosts(config: dict[str, Any]) -> list[str]:
    # The hosts of a kind of task are a list, or have numbers.
    named: list[str] = []
    for hosts in config.get("cluster", {}).values():
        named += [hosts] if isinstance(hosts, str) else getattr(hosts, "values", lambda: hosts)()
    # An evaluator belongs to no cluster, but to a run that others train.
    return named + ["evaluator"] * (config.get("task", {}).get("type") == "evaluator")
