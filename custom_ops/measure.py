"""Times the compiled operations against `ref`: a process of its own, started by measured.py.

python -m dualcontrast.custom_ops.measure FILE
"""

import functools
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from dualcontrast.custom_ops import bias_act, local_aggregation, upfirdn2d

# What StyleGAN2 spends its time on at 64x64: the filter beside every resampling convolution.
_SHAPE = (4, 64, 64, 128)
_ROUNDS = 15


def cases(dtype: tf.DType) -> dict[str, tuple[Callable, list[tf.Tensor]]]:
    """Returns what is timed: by operation, a function of an implementation and its operands."""
    x = tf.cast(tf.random.stateless_normal(_SHAPE, [0, 0]), dtype)
    bias, noise = tf.ones([_SHAPE[-1]]), tf.ones([*_SHAPE[:3], 1])
    weights = tf.cast(tf.random.stateless_normal([2, 32, 32, 49, 16], [0, 1]), dtype)
    values = tf.cast(tf.random.stateless_normal([2, 38, 38, 128], [0, 2]), dtype)
    taps = upfirdn2d.lowpass()
    return {
        "upfirdn2d": (lambda impl, x: upfirdn2d.filter_2d(x, taps, impl=impl), [x]),
        "bias_act": (
            lambda impl, *operands: bias_act.bias_act(*operands, activation="lrelu", impl=impl),
            [x, bias, noise],
        ),
        "local_aggregation": (
            lambda impl, *operands: local_aggregation.local_aggregation(*operands, impl=impl),
            [weights, values],
        ),
    }


def forward_and_backward(function: Callable, operands: Sequence[tf.Tensor]) -> Callable:
    """Returns a compiled function of the operands: the output and its gradients by all of them."""
    y = function(*operands)
    upstream = tf.cast(tf.random.stateless_normal(y.shape, [0, 3]), y.dtype)

    @tf.function(autograph=False)
    def step(*operands):
        with tf.GradientTape() as tape:
            tape.watch(operands)
            y = function(*operands)
        return y, tape.gradient(y, operands, upstream)

    return step


def best_times(steps: list[Callable], operands: Sequence[tf.Tensor], rounds: int) -> list[float]:
    """Returns the shortest time of each step in seconds, all run in turn to share disturbances."""
    best = [float("inf")] * len(steps)
    for step in steps:
        step(*operands)
    for _ in range(rounds):
        for i, step in enumerate(steps):
            start = time.perf_counter()
            step(*operands)
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def main(path: str) -> None:
    gains = {}
    for dtype in (tf.float32, tf.bfloat16):
        for name, (run, operands) in cases(dtype).items():
            steps = [
                forward_and_backward(functools.partial(run, impl), operands)
                for impl in ("ref", "cpu")
            ]
            ref, cpu = best_times(steps, operands, _ROUNDS)
            gains[f"{name} {dtype.name}"] = round(ref / cpu, 2)
    target = pathlib.Path(path)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
        json.dump(gains, file)
    os.replace(file.name, target)


if __name__ == "__main__":
    main(sys.argv[1])
