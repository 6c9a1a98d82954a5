"""A small training: saves checkpoints of few variables, and dies or is refused where it is told to.

Run as a program it takes cases from standard input, a JSON object a line, and answers each with a
line. TensorFlow is imported once; every case is a process of its own, forked from there.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import signal
import sys
import time

import numpy as np
import tensorflow as tf

from dualcontrast.trainer.checkpoints import checkpoint, run_folder
from dualcontrast.trainer.errors import UserError

NOTHING, KILL_BEFORE, KILL_AFTER, KILL_HALFWAY, NO_SPACE, NO_LOCKS = range(6)
EVERY, KEEP = 8, 2


class State:
    """Values that say by how many images they were made."""

    def __init__(self):
        self.images_seen = tf.Variable(0, dtype=tf.int64)
        self.weights = tf.Variable(np.zeros([64, 33], np.float32))
        self.average = tf.Variable(np.zeros([7], np.float32))

    def train(self, images_seen: int) -> None:
        self.images_seen.assign(images_seen)
        self.weights.assign(self.expected(images_seen))
        self.average.assign([images_seen] * 7)

    def expected(self, images_seen: int) -> np.ndarray:
        return np.random.default_rng(images_seen).normal(size=(64, 33)).astype(np.float32)

    def check(self) -> int:
        """Returns the images seen, if all values belong to that number."""
        images_seen = int(self.images_seen.numpy())
        np.testing.assert_array_equal(self.weights.numpy(), self.expected(images_seen))
        np.testing.assert_array_equal(self.average.numpy(), [images_seen] * 7)
        return images_seen

    def checkpoint(self) -> tf.train.Checkpoint:
        return tf.train.Checkpoint(**vars(self))


def train(workdir: pathlib.Path, until: int, acknowledged=lambda images_seen: None) -> State:
    """Goes on from the newest checkpoint to `until` images, with a checkpoint every 8."""
    with run_folder.hold(workdir):
        state = State()
        checkpoints = checkpoint.Checkpoints(workdir, state, KEEP)
        checkpoints.restore()
        if int(state.images_seen.numpy()):
            state.check()
        for images_seen in range(int(state.images_seen.numpy()) + EVERY, until + 1, EVERY):
            state.train(images_seen)
            checkpoints.save()
            acknowledged(images_seen)
    return state


def _case(case: dict, answer: int) -> None:
    """Trains with a fault; tells by lines which checkpoints were saved, and what was said."""
    faults = ctypes.CDLL(None)
    if case.get("trace"):
        faults.fault_trace(answer)
    if "action" in case:
        call, part = case["call"].encode(), case["part"].encode()
        faults.fault_arm(call, part, case["count"], case["action"])

    def acknowledged(images_seen):
        os.write(answer, f"saved {images_seen}\n".encode())

    try:
        train(pathlib.Path(case["workdir"]), case["until"], acknowledged)
        os.write(answer, b"done\n")
    except UserError as error:
        os.write(answer, f"refused {json.dumps(str(error))}\n".encode())


def _fork(case: dict) -> dict:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        with contextlib.suppress(BaseException):
            _case(case, write)
        os._exit(1)
    os.close(write)
    if "seconds" in case:
        time.sleep(case["seconds"])
        os.kill(child, signal.SIGKILL)
    with open(read, encoding="utf-8") as file:
        lines = file.read().splitlines()
    _, status = os.waitpid(child, 0)
    return {"lines": lines, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_fork(json.loads(line))), flush=True)
