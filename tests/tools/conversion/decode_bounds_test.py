"""An image may cost so much and no more; a worker that it ends is replaced."""

import os
import resource
import signal
import time
import warnings

import numpy as np
import pytest

from dualcontrast.tools.conversion import workers
from dualcontrast.tools.conversion.decode_bounds import Bounds
from dualcontrast.tools.conversion.rejected import Rejected

SHORT = Bounds(seconds=0.2, megabytes=50)


def work(seconds: float) -> None:
    """Computes, in Python."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass


def swallow(seconds: float) -> None:
    """Does so as decoders do, which take every error for one of the image."""
    try:
        work(seconds)
    except Exception:
        warnings.warn("of no picture")


@pytest.mark.parametrize("block", [work, swallow])
def test_a_block_that_computes_for_too_long_is_rejected_and_the_next_is_not(block):
    with SHORT.watching() as watch:
        for _ in range(2):
            with pytest.raises(Rejected, match="longer than --image_seconds=0.2"), watch:
                block(30)
            with watch:
                work(0.02)


def test_waiting_does_not_count():
    with SHORT.watching() as watch, watch:
        time.sleep(0.5)


@pytest.mark.parametrize("take", [bytes, bytearray, np.zeros])
def test_a_block_that_takes_too_much_memory_is_rejected_and_the_next_is_not(take):
    with SHORT.watching() as watch:
        with pytest.raises(Rejected, match="more memory than --image_megabytes=50"), watch:
            take(200_000_000)
        with watch:
            assert len(take(1_000_000)) == 1_000_000


def test_limits_and_signals_are_afterwards_as_before():
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGPROF)
    with SHORT.watching(), pytest.raises(ZeroDivisionError), SHORT.watching() as watch, watch:
        _ = 1 / 0
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGPROF)) == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


def units(bounds, job, step, lost):
    """Does some units, of which one ends its process as a decoder would that fails or hangs."""
    done = []
    for number in range(4):
        if number in lost:
            done.append(bounds.reason(lost[number]))
        elif number == 2 and job == "hangs":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})  # Python hears nothing.
            with bounds.watching() as watch, watch:
                work(60)
        elif number in (1, 3) and job == "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        else:
            done.append(number)
        step()
    return job, done


def test_a_worker_that_a_unit_ended_is_replaced_and_its_job_done_without_it():
    counts = []
    found = dict(workers.run(units, SHORT, ["hangs", "sound", "crashes"], 2, counts.append))
    crash = "makes its decoder fail (SIGSEGV)"
    assert found == {
        "sound": [0, 1, 2, 3],
        "hangs": [0, 1, "takes longer than --image_seconds=0.2 to decode", 3],
        "crashes": [0, crash, 2, crash],
    }
    assert counts == sorted(counts)
