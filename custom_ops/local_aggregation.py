"""Local attention's aggregation: a weighted sum over the window around every pixel."""

import functools
import math

import tensorflow as tf

from dualcontrast.custom_ops import implementation, local_aggregation_ref

MAX_WINDOW = 31


def local_aggregation(
    weights: tf.Tensor, values: tf.Tensor, *, impl: str | None = None
) -> tf.Tensor:
    """Sums the window of `values` around every pixel, with weights of every pixel's own.

    output[n, y, x, c] = sum over (i, j) in the window of
    weights[n, y, x, i * window + j, c modulo maps] * values[n, y + i, x + j, c].

    Zhao et al. 2020, "Exploring self-attention for image recognition", equation 4 (patch-wise).
    Derivatives of every order exist, and are three such sums among themselves. No patches are made.

    Args:
      weights: [batch, height, width, window * window, maps], floating; window odd, 1 to 31.
      values: [batch, height + window - 1, width + window - 1, channels], padded already, of the
        type of `weights`; channels are a multiple of maps.
      impl: see `implementation`; None is the process's choice.

    Returns:
      [batch, height, width, channels], of the same type. Sums are kept in float32 (float64 for
      float64).

    Raises:
      InvalidArgumentError: a shape or type is another.
    """
    weights, values = tf.convert_to_tensor(weights), tf.convert_to_tensor(values)
    window = _check(weights, values)
    library = implementation.compiled("local_aggregation", values.dtype, impl)
    if library is None:
        return local_aggregation_ref.aggregate(weights, values)
    with implementation.device(impl):
        return _Sums(window, weights.shape[4], library).output(weights, values)


class _Sums:
    """The three sums of one call, each with its gradient in terms of the others.

    They are the derivatives of sum(g * weights * values) by g, by the weights and by the values.
    """

    def __init__(self, window: int, maps: int, library):
        self._window, self._maps, self._ops = window, maps, library.ops

    def output(self, weights, values):
        return self._with_gradient(
            functools.partial(self._ops.dual_contrast_local_aggregation, window=self._window),
            lambda g, weights, values: (self.weights(g, values), self.values(weights, g)),
        )(weights, values)

    def weights(self, g, values):
        return self._with_gradient(
            functools.partial(
                self._ops.dual_contrast_local_aggregation_weights,
                window=self._window,
                maps=self._maps,
            ),
            lambda d, g, values: (self.output(d, values), self.values(d, g)),
        )(g, values)

    def values(self, weights, g):
        return self._with_gradient(
            functools.partial(
                self._ops.dual_contrast_local_aggregation_values, window=self._window
            ),
            lambda d, weights, g: (self.weights(g, d), self.output(weights, d)),
        )(weights, g)

    @staticmethod
    def _with_gradient(run, gradient):
        @tf.custom_gradient
        def call(a, b):
            return run(a, b), lambda upstream: gradient(upstream, a, b)

        return call


def _wrong(what: str) -> None:
    raise tf.errors.InvalidArgumentError(None, None, f"local_aggregation: {what}")


def _check(weights: tf.Tensor, values: tf.Tensor) -> int:
    if weights.dtype != values.dtype:
        types = f"{weights.dtype.name} and {values.dtype.name}"
        _wrong(f"weights and values must be of one type, got {types}")
    if weights.shape.rank != 5 or None in weights.shape[3:]:
        _wrong(
            "weights must be [batch, height, width, window * window, maps], got " f"{weights.shape}"
        )
    taps, maps = weights.shape[3:]
    window = math.isqrt(taps)
    if window * window != taps or window % 2 == 0 or window > MAX_WINDOW:
        _wrong(f"weights must have an odd window of 1 to {MAX_WINDOW}, squared, got {taps} taps")
    padded = [None if side is None else side + window - 1 for side in weights.shape[1:3]]
    expected = tf.TensorShape([weights.shape[0], *padded, None])
    if not values.shape.is_compatible_with(expected):
        _wrong(
            f"values must be [batch, height + {window - 1}, width + {window - 1}, channels] for "
            f"weights {weights.shape}, got {values.shape}"
        )
    channels = values.shape[3]
    if maps < 1 or channels is None or channels % maps:
        _wrong(f"channels must be a multiple of the maps, got {channels} and {maps}")
    return window
