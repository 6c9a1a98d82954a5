"""What a resampling does to height and width: the arguments of upfirdn2d, checked."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

MAX_TAPS = 32
MAX_FACTOR = 16
MAX_PADDING = 1 << 20
_AXES = ("height", "width")


@dataclasses.dataclass(frozen=True)
class Resampling:
    """The zeros, padding, filter and stride of one call, along height and width.

    Attributes:
      kernel: float32, convolved with: a pair [taps_y], [taps_x], or one [taps_y, taps_x].
      up: upsampling factors.
      down: downsampling factors.
      padding: (top, bottom), (left, right).
    """

    kernel: tuple[np.ndarray, ...]
    up: tuple[int, int]
    down: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]

    @staticmethod
    def of(kernel, up, down, padding, gain: float, flip: bool) -> "Resampling":
        """Returns the resampling of upfirdn2d's arguments; raises InvalidArgumentError."""
        kernels = _kernels(kernel)
        if flip:
            kernels = tuple(part[(slice(None, None, -1),) * part.ndim] for part in kernels)
        kernels = (kernels[0] * np.float32(gain), *kernels[1:])
        if not all(np.isfinite(part).all() for part in kernels):
            _wrong(f"kernel * gain must be finite, got gain={gain}")
        return Resampling(kernels, _factors("up", up), _factors("down", down), _padding(padding))

    @property
    def taps(self) -> tuple[int, int]:
        """The sides of the kernel."""
        if len(self.kernel) == 1:
            return self.kernel[0].shape
        return len(self.kernel[0]), len(self.kernel[1])

    def dense(self) -> np.ndarray:
        """Returns the kernel as float64 [taps_y, taps_x]."""
        parts = [part.astype(np.float64) for part in self.kernel]
        return parts[0] if len(parts) == 1 else np.outer(*parts)

    def check(self, shape: tf.TensorShape) -> None:
        """Raises InvalidArgumentError where an input of this shape has no output."""
        if shape.rank != 4:
            _wrong(f"x must be [batch, height, width, channels], got {shape}")
        for axis, name in enumerate(_AXES):
            side, taps = shape[1 + axis], self.taps[axis]
            if side is None:
                _wrong(f"x must have a known {name} while tracing, got {shape}")
            if not 1 <= side <= 1 << 24:
                _wrong(f"x must have a {name} of 1 to 16777216, got {side}")
            padded = side * self.up[axis] + sum(self.padding[axis])
            if padded < taps:
                _wrong(
                    f"x must have a {name} of at least {taps} (the filter's taps) once upsampled "
                    f"and padded, got {padded} = {side} * {self.up[axis]} + "
                    f"{self.padding[axis][0]} + {self.padding[axis][1]}"
                )

    def sides(self, shape: tf.TensorShape) -> tuple[int, int]:
        """Returns the height and width of the output of an input of `shape`."""
        height, width = (
            (shape[1 + axis] * self.up[axis] + sum(self.padding[axis]) - self.taps[axis])
            // self.down[axis]
            + 1
            for axis in range(2)
        )
        return height, width

    def adjoint(self, shape: tf.TensorShape) -> "Resampling":
        """Returns the transpose of this resampling of an input of `shape`.

        Up and down change places, and tap t writes to where it read from: with output o at
        position o * down and pixel i at i * up + before, both reaches are the same.
        """
        padding = []
        for axis in range(2):
            side, taps, up, down = shape[1 + axis], self.taps[axis], self.up[axis], self.down[axis]
            before, out = self.padding[axis][0], self.sides(shape)[axis]
            padding.append((taps - before - 1, side * up - out * down + before - up + 1))
        flipped = tuple(part[(slice(None, None, -1),) * part.ndim] for part in self.kernel)
        return Resampling(flipped, self.down, self.up, (padding[0], padding[1]))


def _wrong(what: str) -> None:
    raise tf.errors.InvalidArgumentError(None, None, f"upfirdn2d: {what}")


def _kernels(kernel) -> tuple[np.ndarray, ...]:
    if isinstance(kernel, tuple) and len(kernel) == 2:
        parts = tuple(np.asarray(part, np.float32) for part in kernel)
        good = all(part.ndim == 1 for part in parts)
    else:
        parts = (np.asarray(kernel, np.float32),)
        good = parts[0].ndim in (1, 2)
    sides = [side for part in parts for side in part.shape]
    if not good or min(sides) < 1 or max(sides) > MAX_TAPS:
        shapes = " and ".join(str(list(part.shape)) for part in parts)
        _wrong(
            f"kernel must be [taps], a pair of [taps], or [taps_y, taps_x] with 1 to {MAX_TAPS} "
            f"taps a side, got {shapes}"
        )
    return parts * 2 if parts[0].ndim == 1 and len(parts) == 1 else parts


def _factors(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    factors = (value, value) if isinstance(value, int) else tuple(value)
    if len(factors) != 2 or not all(1 <= factor <= MAX_FACTOR for factor in factors):
        _wrong(f"{name} must be 1 to {MAX_FACTOR}, once or as (height, width), got {value}")
    return factors[0], factors[1]


def _padding(value) -> tuple[tuple[int, int], tuple[int, int]]:
    pairs = np.asarray(value)
    if pairs.shape not in ((2,), (2, 2)) or pairs.dtype.kind != "i":
        _wrong(
            "padding must be whole numbers, (before, after) or ((top, bottom), (left, right)), "
            f"got {value}"
        )
    if np.abs(pairs).max() > MAX_PADDING:
        _wrong(f"padding must be -{MAX_PADDING} to {MAX_PADDING}, got {value}")
    (top, bottom), (left, right) = np.broadcast_to(pairs, (2, 2)).tolist()
    return (top, bottom), (left, right)
