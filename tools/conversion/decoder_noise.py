"""What the C libraries below a decoder print: lines on standard error that name no file."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Lets nothing through to standard error while its block, or the function it decorates, runs.

    What is wrong with an image is the exception that its decoder raises.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
