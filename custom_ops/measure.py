"""Prints which form of every operation is the fastest here, as it was measured.

  python -m dualcontrast.custom_ops.measure                # what is known
  python -m dualcontrast.custom_ops.measure --again=busy   # repeats what a busy machine measured
  python -m dualcontrast.custom_ops.measure --again=all    # repeats all

An operation is measured when it is first needed and kept beside the compiled library, for each
type and number of threads, and convolutions for each shape and pass. A run that was started keeps
the forms that it began with, whatever is measured later.
"""

import argparse
import functools
import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from dualcontrast.custom_ops import (
    bias_act,
    conv2d_forms,
    library,
    local_aggregation,
    measured,
    upfirdn2d,
)

# What StyleGAN2 spends its time on at 64x64: the filter beside every resampling convolution.
_SHAPE = (4, 64, 64, 128)


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


def forms(operation: str, dtype: tf.DType) -> measured.Functions:
    """Returns a function for each implementation of an operation, forward and backward."""
    run, operands = cases(dtype)[operation]
    return {
        impl: functools.partial(
            forward_and_backward(functools.partial(run, impl), operands), *operands
        )
        for impl in ("ref", "cpu")
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


def again(which: str) -> None:
    """Repeats what is known for this number of threads: "all", or what was measured when "busy"."""
    for key, found in measured.measurements().items():
        name = key.removesuffix(measured.with_threads(""))
        if name != key and (which == "all" or not found.rounds):
            measured.measure_and_keep(name, functools.partial(_functions, name))


def _functions(name: str) -> measured.Functions:
    convolution = conv2d_forms.candidates_of(name)
    if convolution is not None:
        return convolution
    operation, dtype = name.split()
    return forms(operation, tf.as_dtype(dtype))


def table() -> str:
    """Returns a line for each operation: the fastest form, and how much longer others take."""
    lines = []
    for key, found in measured.measurements().items():
        best = found.fastest()
        others = ", ".join(
            f"{form} {seconds / found.seconds[best]:.2f}"
            for form, seconds in found.seconds.items()
            if form != best
        )
        quality = f"{found.rounds} quiet rounds" if found.rounds else "BUSY machine"
        milliseconds = found.seconds[best] * 1e3
        lines.append(
            f"{key:<72} {best:<10} {milliseconds:9.3f} ms  others took {others}; {quality}"
        )
    return "\n".join(lines) or "nothing was measured yet: operations are when they are first used"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog=measured.COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--again", choices=("busy", "all"), help="what to measure once more")
    arguments = parser.parse_args()
    if library.load() is None:
        parser.exit(2, f"{measured.COMMAND}: error: {library.unavailable_because()}\n")
    if arguments.again:
        again(arguments.again)
    print(table())


if __name__ == "__main__":
    main()
