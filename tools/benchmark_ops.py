"""Measures the compiled operations on this CPU against the best that plain TensorFlow does.

  python -m dualcontrast.tools.benchmark_ops

Every line is a ratio of times taken in turn in this process, with its target; the exit code is 1
when one falls short. Above 1 the compiled operation is faster. docs/performance.md explains them.
"""

import functools
import statistics
import time
from collections.abc import Callable

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import tensorflow as tf
from absl import flags

from dualcontrast.custom_ops import (
    bias_act,
    implementation,
    local_aggregation,
    measure,
    upfirdn2d,
)
from dualcontrast.tools.benchmarks import training_iteration
from dualcontrast.trainer import devices, errors, state

_ROUNDS = flags.DEFINE_integer("rounds", 15, "Samples of each time; the best counts.")
_ITERATIONS = flags.DEFINE_integer("iterations", 3, "Samples of whole iterations; 0 is none.")

_IMAGES = (4, 128, 128, 64)
_WINDOW = 7
# [batch, height, width, channels] and maps of the two sizes of attention.
_ATTENTION = (((2, 32, 32, 256), 32), ((2, 64, 64, 128), 16))


def main(argv: list[str]) -> int:
    """Prints every ratio; returns 1 when one falls short."""
    errors.no_arguments(argv)
    devices.make_strategy()
    devices.select_operations("cpu", "this benchmark's implementation")
    missed = 0
    for shape, maps in _ATTENTION:
        missed |= _attention(shape, maps)
    missed |= _resampling()
    missed |= _activation()
    for precision in ("float32", "mixed_bfloat16") if _ITERATIONS.value else ():
        missed |= _iteration(precision)
    return int(missed)


def _attention(shape, maps: int) -> bool:
    batch, height, width, channels = shape
    border, groups = _WINDOW - 1, channels // maps
    values = tf.random.stateless_normal([batch, height + border, width + border, channels], [0, 0])
    weights = tf.random.stateless_normal([batch, height, width, _WINDOW**2, maps], [0, 1])

    def patches(v):
        window = [1, _WINDOW, _WINDOW, 1]
        taken = tf.image.extract_patches(v, window, [1] * 4, [1] * 4, "VALID")
        return tf.reshape(taken, [batch, height, width, _WINDOW**2, groups, maps])

    def multiplied(w, v):
        return tf.reshape(tf.reduce_sum(w[:, :, :, :, None, :] * patches(v), 3), shape)

    def summed(w, v):
        return tf.reshape(tf.einsum("nhwta,nhwtga->nhwga", w, patches(v)), shape)

    ref = {"shifts": lambda w, v: local_aggregation.local_aggregation(w, v, impl="ref")}
    plain = {"shifts, TensorFlow's derivatives": _exportable(local_aggregation.local_aggregation)}
    forms = {"patches": multiplied, "patches, einsum": summed} | ref | plain
    compiled = lambda w, v: local_aggregation.local_aggregation(w, v, impl="cpu")  # noqa: E731
    name = f"local_aggregation 7x7 {list(shape)}, {maps} maps"
    missed = False
    for backward, least_patches, least in ((False, 12, 5), (True, 8, 4)):
        own, others = _times(compiled, forms, (weights, values), backward)
        title = f"{name} {'forward and backward' if backward else 'forward'}"
        extracted = min(time for form, time in others.items() if form.startswith("patches"))
        missed |= _line(f"{title} over extract_patches", extracted / own, least_patches)
        missed |= _best(title, own, others, least)
    return missed


def _resampling() -> bool:
    """The three resamplings of StyleGAN2, with gradients."""
    taps = upfirdn2d.lowpass()
    batch, height, width, channels = _IMAGES
    small = (batch, height // 2, width // 2, channels)
    missed = False
    for name, operation, shape, least in (
        ("up 2", upfirdn2d.upsample_2d, small, 2.0),
        ("down 2", upfirdn2d.downsample_2d, _IMAGES, 1.4),
        ("blur", upfirdn2d.filter_2d, _IMAGES, 1.3),
    ):
        x = tf.random.stateless_normal(shape, [0, 0])
        forms: dict[str, Callable] = {
            "depthwise": functools.partial(operation, kernel=taps, impl="ref"),
            "depthwise, TensorFlow's derivatives": _exportable(
                functools.partial(operation, kernel=taps)
            ),
        }
        if name == "up 2":
            forms["transposed depthwise"] = lambda x: _transposed(x, taps)
        own, others = _times(
            functools.partial(operation, kernel=taps, impl="cpu"), forms, (x,), True
        )
        missed |= _best(f"upfirdn2d {name} {list(_IMAGES)}", own, others, least)
    return missed


def _transposed(x: tf.Tensor, taps) -> tf.Tensor:
    """Upsampling as the gradient of a strided depthwise convolution, which knows no zeros."""
    batch, height, width, channels = x.shape
    kernel = tf.tile(tf.tensordot(taps, taps, 0)[:, :, None, None] * 4, [1, 1, channels, 1])
    full = [batch, 2 * height, 2 * width, channels]
    around = [0, 0, 1, 1, 1, 1, 0, 0]
    return tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
        input_sizes=full,
        filter=kernel,
        out_backprop=x,
        strides=[1, 2, 2, 1],
        padding="EXPLICIT",
        explicit_paddings=around,
    )


def _activation() -> bool:
    x, bias = tf.random.stateless_normal(_IMAGES, [0, 0]), tf.ones(_IMAGES[-1])
    noise = tf.random.stateless_normal([*_IMAGES[:3], 1], [0, 1])
    missed = False
    for title, operands in (("", (x, bias)), (" with noise", (x, bias, noise))):

        def run(*operands, impl=None):
            gain = 2**0.5
            return bias_act.bias_act(*operands, activation="lrelu", gain=gain, impl=impl)

        forms = {
            "bias_add, leaky_relu": lambda *o: run(*o, impl="ref"),
            "the same, TensorFlow's derivatives": _exportable(run),
        }
        own, others = _times(lambda *o: run(*o, impl="cpu"), forms, operands, True)
        missed |= _best(f"bias_act lrelu{title} {list(_IMAGES)}", own, others, 1.6)
    return missed


def _iteration(precision: str) -> bool:
    """One iteration of config E at 64x64, with the compiled operations and without."""
    strategy, config = devices.make_strategy(), training_iteration.config(64, precision)
    steps = {}
    for impl in ("cpu", "ref"):
        with implementation.using(impl):
            with strategy.scope():
                run = state.State(config)
            steps[impl] = {
                name: training_iteration.stepper(config, run, strategy, name)
                for name in training_iteration.SHARES
            }
            for step in steps[impl].values():
                step()  # traces
    ratios = []
    for _ in range(_ITERATIONS.value):
        took = {impl: _seconds(of_impl) for impl, of_impl in steps.items()}
        ratios.append(took["ref"] / took["cpu"])
    return _line(f"iteration 64x64 {precision} over ref", statistics.median(ratios), 1.0)


def _seconds(steps: dict[str, Callable]) -> float:
    total = 0.0
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        total += (time.perf_counter() - start) * training_iteration.SHARES[name]
    return total


def _exportable(run: Callable) -> Callable:
    def traced(*operands):
        with implementation.exportable():
            return run(*operands)

    return traced


def _times(compiled: Callable, forms: dict[str, Callable], operands, backward: bool):
    """Returns the best time of the compiled operation, and those of the plain forms by name."""
    functions = [compiled, *forms.values()]
    if backward:
        steps = [measure.forward_and_backward(function, operands) for function in functions]
    else:
        steps = [tf.function(function, autograph=False) for function in functions]
    own, *others = measure.best_times(steps, operands, _ROUNDS.value)
    return own, dict(zip(forms, others))


def _best(title: str, own: float, others: dict[str, float], least: float) -> bool:
    best = min(others, key=others.__getitem__)
    return _line(f"{title} over {best}", others[best] / own, least)


def _line(title: str, ratio: float, least: float) -> bool:
    verdict = "ok" if ratio >= least else "MISSED"
    print(f"{title}: {ratio:.2f} times as fast (target {least:g}) {verdict}", flush=True)
    return ratio < least


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
