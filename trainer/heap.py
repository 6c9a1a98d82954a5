"""Memory that is freed stays in the process, for the next tensor.

glibc gives large blocks back to the system at once and takes new ones for every tensor, whose pages
the system then clears one by one: a tenth of a step's time and more, where tensors are large.
"""

import ctypes
import os

# Of malloc.h: how much free memory may stay at the end of the heap, and how many blocks may be
# taken from the system by themselves, beside the heap.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_MOST = 2**31 - 1
_VARIABLES = (
    "GLIBC_TUNABLES",
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
)


def keep_freed_memory() -> bool:
    """Tunes glibc's malloc, where it is used and no variable of its own says how.

    Call it before TensorFlow is imported. Returns whether it did.
    """
    if any(name in os.environ for name in _VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _MOST))
