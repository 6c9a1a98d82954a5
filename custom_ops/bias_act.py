"""Bias, noise, activation, gain and clamp in one pass over the tensor."""

import dataclasses

import tensorflow as tf

from dualcontrast.custom_ops import bias_act_ref, implementation

ACTIVATIONS = ("linear", "lrelu", "relu", "sigmoid", "tanh", "swish")


@dataclasses.dataclass(frozen=True)
class Activation:
    """y = clip(gain * f(v), -clamp, clamp), and what its derivatives need.

    Attributes:
      name: f, one of `ACTIVATIONS`.
      slope: of lrelu below zero, 0 to 1.
      gain: above 0.
      clamp: above 0, or 0 for none.
    """

    name: str
    slope: float
    gain: float
    clamp: float

    def check(self) -> None:
        """Raises InvalidArgumentError where a field is out of its range."""
        if self.name not in ACTIVATIONS:
            _wrong(f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.name!r}")
        if not 0 <= self.slope <= 1:
            _wrong(f"slope must be 0 to 1, got {self.slope}")
        if not 0 < self.gain < float("inf"):
            _wrong(f"gain must be above 0 and finite, got {self.gain}")
        if not 0 <= self.clamp < float("inf"):
            _wrong(f"clamp must be above 0 and finite, or None, got {self.clamp}")

    @property
    def in_pieces(self) -> bool:
        """Whether f is linear in pieces: its derivative is known from the sign of y."""
        return self.name in ("linear", "lrelu", "relu")

    @property
    def is_linear(self) -> bool:
        """Whether the derivative is the gain everywhere."""
        return self.name == "linear" and not self.clamp

    def attributes(self) -> dict:
        """Returns the attributes of the compiled operations."""
        return {
            "activation": self.name,
            "slope": self.slope,
            "gain": self.gain,
            "clamp": self.clamp,
        }


def bias_act(
    x: tf.Tensor,
    bias: tf.Tensor | None = None,
    noise: tf.Tensor | None = None,
    *,
    activation: str = "linear",
    slope: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
    impl: str | None = None,
) -> tf.Tensor:
    """Returns clip(gain * activation(x + bias + noise)).

    Derivatives of every order exist up to the eighth. Of linear, lrelu and relu, only `y` is kept
    for them; their second derivative is zero. Where a value was clipped, it is zero as well.

    Args:
      x: [..., channels], floating.
      bias: [channels], or None.
      noise: one number for all channels of a pixel: [..., 1] with the sides of `x`, or with a first
        side of 1; or None.
      activation: one of `ACTIVATIONS`; swish is x * sigmoid(x).
      slope: of lrelu below zero, 0 to 1.
      gain: multiplies the activation; above 0.
      clamp: above 0, or None for no clipping.
      impl: see `implementation`; None is the process's choice.

    Returns:
      Of the shape and type of `x`. Bias and noise are added in float32 (float64 with a float64 x).

    Raises:
      InvalidArgumentError: an argument is out of its range or has another shape.
    """
    x = tf.convert_to_tensor(x)
    function = Activation(activation, slope, gain, 0.0 if clamp is None else clamp)
    function.check()
    if clamp == 0:
        _wrong("clamp must be above 0 and finite, or None, got 0")
    small = tf.float64 if x.dtype == tf.float64 else tf.float32
    bias = tf.zeros([0], small) if bias is None else tf.cast(bias, small)
    noise = tf.zeros([0], small) if noise is None else tf.cast(noise, small)
    _check_shapes(x.shape, bias.shape, noise.shape)
    library = implementation.compiled("bias_act", x.dtype, impl)
    if library is None:
        return bias_act_ref.bias_act(x, bias, noise, function)
    with implementation.device(impl):
        return _forward(x, bias, tf.reshape(noise, [-1]), function, library)


def _wrong(what: str) -> None:
    raise tf.errors.InvalidArgumentError(None, None, f"bias_act: {what}")


def _check_shapes(x: tf.TensorShape, bias: tf.TensorShape, noise: tf.TensorShape) -> None:
    if x.rank == 0:
        _wrong("x must be [..., channels], got []")
    if bias != [0] and not (bias.rank == 1 and bias.is_compatible_with(x[-1:])):
        _wrong(f"bias must be [channels] for x {x}, got {bias}")
    if noise == [0]:
        return
    sides = x[:-1].concatenate([1])
    one = tf.TensorShape([1]).concatenate(sides[1:])
    if not (noise.is_compatible_with(sides) or noise.is_compatible_with(one)):
        _wrong(f"noise must be {sides} or {one} for x {x}, got {noise}")


def _forward(x, bias, noise, function: Activation, library) -> tf.Tensor:
    @tf.custom_gradient
    def forward(x, bias, noise):
        y = library.ops.dual_contrast_bias_act(x=x, bias=bias, noise=noise, **function.attributes())

        def backward(dy):
            empty = bias[:0]
            # y has the sign of x + bias + noise, so that these need not be kept. Where not even
            # that matters, nothing is: the path length never computes what it has no use for.
            kept = dy if function.is_linear else y
            operands = (kept, empty, empty) if function.in_pieces else (x, bias, noise)
            sums = (bias.shape != [0], noise.shape != [0])
            dx, dbias, dnoise = _backward(dy, *operands, function, 1, sums, library)
            return dx, dbias, _fold(dnoise, noise)

        return y, backward

    return forward(x, bias, noise)


def _fold(sums: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Returns sums [rows] over channels as the gradient of a noise that rows share."""
    if sums.shape.is_fully_defined() and sums.shape == noise.shape:
        return sums
    return tf.reduce_sum(tf.reshape(sums, [-1, tf.maximum(1, tf.size(noise))]), axis=0)[
        : tf.size(noise)
    ]


def _backward(g, reference, bias, noise, function: Activation, order: int, sums, library):
    """Returns g * the derivative of `order`, and its sums over rows and over channels.

    Args:
      g: upstream, of the shape of `reference`.
      reference: y where `function` is linear in pieces, x where it is smooth.
      bias: as in the call, or empty.
      noise: likewise, [rows] or a divisor of the rows.
      function: what is differentiated.
      order: at least 1.
      sums: which of the sums to make, the others are empty.
      library: the compiled operations.
    """

    @tf.custom_gradient
    def backward(g, reference, bias, noise):
        results = library.ops.dual_contrast_bias_act_grad(
            g=g,
            reference=reference,
            bias=bias,
            noise=noise,
            order=order,
            over_rows=sums[0],
            over_channels=sums[1],
            **function.attributes(),
        )

        def gradient(d_dx, d_over_rows, d_over_channels):
            # All three are linear in g: this is the gradient of dx, with its sums' spread over it.
            upstream = d_dx
            if any(sums):
                empty = tf.zeros([0], bias.dtype)
                spread = (
                    d_over_rows if sums[0] else empty,
                    d_over_channels if sums[1] else empty,
                )
                upstream = _forward(d_dx, *spread, Activation("linear", 0.0, 1.0, 0.0), library)
            operands = (reference, bias, noise)
            dg, _, _ = _backward(upstream, *operands, function, order, (False, False), library)
            if function.in_pieces:
                return dg, None, None, None
            both = (bias.shape != [0], noise.shape != [0])
            dx, dbias, dnoise = _backward(
                upstream * g, *operands, function, order + 1, both, library
            )
            return dg, dx, dbias, _fold(dnoise, noise)

        return tuple(results), gradient

    return backward(g, reference, bias, noise)
