"""The forms in which a pass of a convolution can be computed, and which one is taken.

    tensorflow   TensorFlow's own
    direct       every product for itself, as products of matrices
    winograd2    Winograd's F(2x2, 3x3): 16 products where direct has 36; stride 1
    winograd4    F(4x4, 3x3): 36 where direct has 144; with stride 2, by phases, 81

Winograd's forms round differently: against float64, winograd2's error is about 1.5 times that of
direct, winograd4's 5 times. First derivatives may take any; of derivatives of derivatives, which
amplify errors, winograd4 is kept away (R1, path length).
"""

import contextlib
import dataclasses
import enum
import math
import re
from collections.abc import Iterator

import tensorflow as tf

from dualcontrast.custom_ops import conv2d_ref, implementation, library, measured

TENSORFLOW, DIRECT, WINOGRAD2, WINOGRAD4 = "tensorflow", "direct", "winograd2", "winograd4"

# Smaller ones take no time that counts, and would take long to measure.
_LEAST_MULTIPLICATIONS = 1 << 24
_USUAL_BATCH = 8
_all_tensorflow_s = False


class Pass(enum.Enum):
    """What is computed of the other two: of (x, kernel), (kernel, g) and (x, g)."""

    OUTPUT = "output"
    INPUT_GRADIENT = "input gradient"
    KERNEL_GRADIENT = "kernel gradient"


OUTPUT, INPUT_GRADIENT, KERNEL_GRADIENT = Pass


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of one convolution.

    Attributes:
      batch: of images; None where tracing does not know it.
      height, width, channels: of the input.
      filters: channels of the output.
      taps, stride: of the kernel.
    """

    batch: int | None
    height: int
    width: int
    channels: int
    filters: int
    taps: int
    stride: int

    @property
    def out_sides(self) -> tuple[int, int]:
        """Height and width of the output."""
        if self.stride == 1:
            return self.height, self.width
        return (self.height - 1) // 2, (self.width - 1) // 2

    @property
    def multiplications(self) -> int:
        """Of every pass, computed directly."""
        count = (self.batch or _USUAL_BATCH) * math.prod(self.out_sides)
        return count * self.taps**2 * self.channels * self.filters

    def __str__(self) -> str:
        image = f"{self.batch or _USUAL_BATCH}x{self.height}x{self.width}x{self.channels}"
        stride = " stride 2" if self.stride == 2 else ""
        return f"{image} to {self.filters}, {self.taps}x{self.taps}{stride}"


def compiled_forms(shape: Shape, order: int) -> tuple[str, ...]:
    """Returns the forms of ours for a pass.

    Args:
      shape: of the convolution.
      order: how many derivatives the pass is away from what was asked for.
    """
    if shape.taps == 1:
        return (DIRECT,)
    forms = [DIRECT]
    if shape.stride == 1:
        forms.append(WINOGRAD2)
    if order < 2:
        forms.append(WINOGRAD4)
    return tuple(forms)


@contextlib.contextmanager
def all_tensorflow_s() -> Iterator[None]:
    """Traces inside with TensorFlow's convolutions, for comparisons with them."""
    global _all_tensorflow_s
    before, _all_tensorflow_s = _all_tensorflow_s, True
    try:
        yield
    finally:
        _all_tensorflow_s = before


def may_be_compiled(dtype: tf.DType, impl: str | None) -> bool:
    """Returns whether a call may take a form of ours: on a CPU that there is an engine for."""
    other = _all_tensorflow_s or not implementation.derivatives_are_own()
    if dtype != tf.float32 or other:
        implementation.on_cpu(impl)  # which refuses what cannot run here
        return False
    ops = implementation.on_cpu(impl)
    return ops is not None and ops.engine is not None


def choose(kind: Pass, shape: Shape, order: int, impl: str | None) -> str:
    """Returns the form of a pass: by a rule; for "auto" the fastest as measured if not small."""
    forms = compiled_forms(shape, order)
    if not implementation.measures(impl) or shape.multiplications < _LEAST_MULTIPLICATIONS:
        return _by_rule(shape, forms)
    return measured.fastest(
        f"conv2d {kind.value} {shape}",
        lambda: _candidates(kind, shape),
        allowed=(TENSORFLOW, *forms),
        derivative=min(order, 2),
    )


def _by_rule(shape: Shape, forms: tuple[str, ...]) -> str:
    """Returns the form that is usually the fastest of ours."""
    if min(shape.channels, shape.filters) < 16 or min(shape.out_sides) < 4:
        return DIRECT
    if WINOGRAD4 in forms and (min(shape.out_sides) > 8 or WINOGRAD2 not in forms):
        return WINOGRAD4
    return WINOGRAD2 if WINOGRAD2 in forms else DIRECT


def run(form: str, kind: Pass, first: tf.Tensor, second: tf.Tensor, shape: Shape) -> tf.Tensor:
    """Returns a pass of its two operands in one of the forms."""
    if form == TENSORFLOW:
        return {
            OUTPUT: conv2d_ref.output,
            INPUT_GRADIENT: conv2d_ref.input_gradient,
            KERNEL_GRADIENT: conv2d_ref.kernel_gradient,
        }[kind](first, second, shape)
    ops = library.load().ops
    how = {"stride": shape.stride, "form": form}
    if kind is OUTPUT:
        return ops.dual_contrast_conv2d(x=first, kernel=second, **how)
    if kind is KERNEL_GRADIENT:
        return ops.dual_contrast_conv2d_kernel(x=first, g=second, taps=shape.taps, **how)
    return ops.dual_contrast_conv2d_input(
        kernel=first, g=second, height=shape.height, width=shape.width, **how
    )


def candidates_of(key: str) -> measured.Functions | None:
    """Returns the forms of a pass by the name it was measured under; None for other operations."""
    match = re.fullmatch(
        r"conv2d ([a-z ]+) (\d+)x(\d+)x(\d+)x(\d+) to (\d+), (\d)x\d( stride 2)?", key
    )
    if not match:
        return None
    batch, height, width, channels, filters, taps = map(int, match.groups()[1:7])
    stride = 2 if match[8] else 1
    shape = Shape(batch, height, width, channels, filters, taps, stride)
    return _candidates(Pass(match[1]), shape)


def _candidates(kind: Pass, shape: Shape) -> measured.Functions:
    """Returns a function for each form of a pass, on operands of its own."""
    first, second = operands(kind, shape)

    def candidate(form: str):
        return lambda: run(form, kind, first, second, shape)

    return {form: candidate(form) for form in (TENSORFLOW, *compiled_forms(shape, order=0))}


def operands(kind: Pass, shape: Shape) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the two operands of a pass, of normally distributed numbers."""
    batch = shape.batch or _USUAL_BATCH
    x = [batch, shape.height, shape.width, shape.channels]
    kernel = [shape.taps, shape.taps, shape.channels, shape.filters]
    g = [batch, *shape.out_sides, shape.filters]
    sides = {OUTPUT: (x, kernel), INPUT_GRADIENT: (kernel, g), KERNEL_GRADIENT: (x, g)}[kind]
    first, second = (tf.random.stateless_normal(side, [0, i]) for i, side in enumerate(sides))
    return first, second
