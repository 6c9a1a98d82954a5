"""Work is shared out, counted, and its errors come back."""

import os
import signal
import time

import pytest

from dualcontrast.tools.conversion import workers
from dualcontrast.trainer.errors import UserError


def square(offset, job, step, lost):
    for _ in range(job):
        step()
    return offset + job * job


def who(_, job, step, lost):
    time.sleep(0.2)
    return os.getpid()


def fail(_, job, step, lost):
    raise OSError(28, "No space left on device")


def die(_, job, step, lost):
    os.kill(os.getpid(), signal.SIGKILL)


def ignore(count):
    pass


@pytest.mark.parametrize("processes", [1, 2])
def test_every_job_is_done_once_and_counted(processes):
    counts = []
    found = list(workers.run(square, 100, [1, 2, 3, 4], processes, counts.append))
    assert sorted(found) == [101, 104, 109, 116]
    assert counts == sorted(counts) and counts[-1] == 10


def test_one_worker_is_this_process_and_several_are_others():
    assert set(workers.run(who, None, [1, 2], 1, ignore)) == {os.getpid()}
    others = set(workers.run(who, None, [1] * 6, 2, ignore))
    assert os.getpid() not in others


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_comes_back(processes):
    with pytest.raises(OSError, match="No space left"):
        list(workers.run(fail, None, [1, 2], processes, ignore))


def test_a_worker_that_is_killed_is_the_end_with_advice():
    with pytest.raises(UserError, match="worker process was killed"):
        list(workers.run(die, None, [1, 2], 2, ignore))


def test_nothing_to_do_is_done_at_once():
    assert list(workers.run(square, 0, [], 2, ignore)) == []
