"""How much faster the compiled operations are than `ref` on this machine's CPU.

Measured once a build, by a process of its own: a caller may be in the middle of a trace.
"""

import functools
import json
import logging
import subprocess
import sys

import tensorflow as tf

from dualcontrast.custom_ops import library

_log = logging.getLogger("dualcontrast")


def gain(ops: library.Library, operation: str, dtype: tf.DType) -> float:
    """Returns the time of `ref` over that of the compiled operation; 1 where it is not known."""
    return gains(ops).get(f"{operation} {dtype.name}", 1.0)


@functools.cache
def gains(ops: library.Library) -> dict[str, float]:
    """Returns the times of `ref` over those of the compiled operations, forward and backward.

    Returns:
      By operation and type, as in "bias_act bfloat16"; empty where they could not be measured.
    """
    kept = ops.path.with_name("measured.json")
    try:
        return json.loads(kept.read_text())
    except (OSError, ValueError):
        pass
    _log.info("measuring the compiled operations against TensorFlow's, once (some seconds)")
    command = [sys.executable, "-m", "dualcontrast.custom_ops.measure", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    try:
        return json.loads(kept.read_text())
    except (OSError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        _log.warning("the compiled operations could not be measured and are used: %s", last)
        return {}
