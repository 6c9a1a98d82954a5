"""The convolution's forms against its definition in float64, its derivatives, and its refusals."""

import ctypes
import functools
import itertools
import logging
import types

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import conv2d, conv2d_forms, implementation, library, measured
from dualcontrast.custom_ops.conv2d_forms import (
    DIRECT,
    INPUT_GRADIENT,
    KERNEL_GRADIENT,
    OUTPUT,
    TENSORFLOW,
    WINOGRAD2,
    WINOGRAD4,
    Shape,
)

# How often as large as that of direct float32 a root mean square error may be.
MOST_ERROR = {DIRECT: 2, WINOGRAD2: 4, WINOGRAD4: 30}
SHAPES = [
    Shape(2, 12, 12, 64, 48, 3, 1),
    Shape(1, 7, 10, 33, 21, 3, 1),
    Shape(2, 17, 17, 40, 64, 3, 2),
    Shape(3, 8, 6, 50, 17, 3, 2),
    Shape(2, 9, 9, 64, 32, 1, 1),
    # A panel of the widest vectors is half or all but empty.
    Shape(2, 10, 10, 40, 16, 3, 1),
    Shape(2, 9, 9, 16, 3, 1, 1),
    Shape(2, 9, 9, 3, 44, 1, 1),
]


@pytest.fixture(name="engine", autouse=True)
def _engine(compiled):
    """Skips where this CPU has no engine."""
    if compiled.engine is None:
        pytest.skip("this CPU has neither AVX2 nor AVX-512")


def windows(x, shape):
    """For every tap the pixels of x that it meets, [batch, out_height, out_width, channels]."""
    around = shape.taps // 2 if shape.stride == 1 else 0
    x = np.pad(x, [(0, 0), (around, around), (around, around), (0, 0)])
    height, width = shape.out_sides
    for i, j in itertools.product(range(shape.taps), repeat=2):
        rows = slice(i, i + shape.stride * height, shape.stride)
        columns = slice(j, j + shape.stride * width, shape.stride)
        yield (i, j), x[:, rows, columns][:, :height, :width]


def in_float64(a, b):
    """The product of matrices to 15 digits."""
    return np.float64(a) @ np.float64(b)


def in_float32(a, b):
    """The same with one accumulator, [..., m, k] @ [k, n]: what a processor's own may better."""
    found = np.zeros([*a.shape[:-1], b.shape[-1]], np.float32)
    for k in range(len(b)):
        found += a[..., k, None] * b[k]
    return found


def by_definition(kind, first, second, shape, product=in_float64):
    """A pass, tap by tap."""
    height, width = shape.out_sides
    if kind is OUTPUT:
        return sum(product(seen, second[tap]) for tap, seen in windows(first, shape))
    if kind is KERNEL_GRADIENT:
        taps = [
            product(seen.reshape([-1, shape.channels]).T, second.reshape([-1, shape.filters]))
            for _, seen in windows(first, shape)
        ]
        return np.reshape(taps, [shape.taps, shape.taps, shape.channels, shape.filters])
    x = np.zeros(
        [shape.batch, shape.height + 2, shape.width + 2, shape.channels],
        np.float64 if product is in_float64 else np.float32,
    )
    for tap in np.ndindex(first.shape[:2]):
        at = [t + (1 if shape.stride == 2 or shape.taps == 1 else 0) for t in tap]
        rows = slice(at[0], at[0] + shape.stride * height, shape.stride)
        columns = slice(at[1], at[1] + shape.stride * width, shape.stride)
        x[:, rows, columns] += product(second, first[tap].T)
    return x[:, 1:-1, 1:-1]


def operands(kind, shape, draw, mean=0.0):
    x = (shape.batch, shape.height, shape.width, shape.channels)
    kernel = (shape.taps, shape.taps, shape.channels, shape.filters)
    g = (shape.batch, *shape.out_sides, shape.filters)
    sides = {OUTPUT: (x, kernel), INPUT_GRADIENT: (kernel, g), KERNEL_GRADIENT: (x, g)}[kind]
    return [np.float32(draw.standard_normal(side) + mean) for side in sides]


def root_mean_square(x):
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.parametrize("mean", [0.0, 30.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_form_of_every_pass_is_nearly_as_exact_as_direct_float32(shape, mean):
    draw = np.random.default_rng(0)
    for kind in conv2d_forms.Pass:
        first, second = operands(kind, shape, draw, mean)
        exact = by_definition(kind, first, second, shape)
        # Not TensorFlow's: how exact that is depends on the processor.
        allowed = root_mean_square(by_definition(kind, first, second, shape, in_float32) - exact)
        plain = conv2d_forms.run(TENSORFLOW, kind, first, second, shape)
        agree = 1e-5 * root_mean_square(exact)
        assert allowed < agree and root_mean_square(plain - exact) < agree
        for form in conv2d_forms.compiled_forms(shape, order=0):
            found = conv2d_forms.run(form, kind, first, second, shape)
            error = root_mean_square(found - exact)
            assert error <= MOST_ERROR[form] * allowed, (kind, form, error / allowed)


def test_small_integers_are_exact_but_in_winograd4():
    draw = np.random.default_rng(0)
    for shape, kind in itertools.product(SHAPES, conv2d_forms.Pass):
        first, second = (np.rint(x) for x in operands(kind, shape, draw))
        exact = by_definition(kind, first, second, shape)
        for form in set(conv2d_forms.compiled_forms(shape, order=0)) - {WINOGRAD4}:
            np.testing.assert_array_equal(
                conv2d_forms.run(form, kind, first, second, shape), exact, err_msg=f"{form} {kind}"
            )


def random_shape(draw):
    taps, stride = [(3, 1), (3, 1), (3, 2), (3, 2), (1, 1)][draw.integers(5)]
    least = 3 if stride == 2 else 1
    batch, height, width = draw.integers([1, least, least], [4, 24, 24])
    channels, filters = draw.integers(1, 40, 2)
    return Shape(*map(int, (batch, height, width, channels, filters, taps, stride)))


def assert_every_form_equals_the_definition(seed):
    draw = np.random.default_rng(seed)
    shape = random_shape(draw)
    for kind in conv2d_forms.Pass:
        first, second = operands(kind, shape, draw)
        exact = conv2d_forms.run(TENSORFLOW, kind, np.float64(first), np.float64(second), shape)
        for form in conv2d_forms.compiled_forms(shape, order=0):
            found = conv2d_forms.run(form, kind, first, second, shape)
            assert found.shape == exact.shape
            scale = max(1.0, float(np.abs(exact).max()))
            np.testing.assert_allclose(
                found / scale, exact / scale, atol=2e-5, err_msg=f"seed {seed}: {form} {shape}"
            )


def test_random_shapes_equal_the_definition():
    for seed in range(60):
        assert_every_form_equals_the_definition(seed)


@pytest.mark.slow
def test_thousands_of_random_shapes_equal_the_definition():
    for seed in range(60, 5_000):
        assert_every_form_equals_the_definition(seed)


def test_an_empty_batch_and_an_image_without_output_give_zeros():
    for shape in (Shape(0, 5, 5, 3, 4, 3, 1), Shape(2, 2, 5, 3, 4, 3, 2)):
        for kind in conv2d_forms.Pass:
            first, second = operands(kind, shape, np.random.default_rng(0))
            for form in conv2d_forms.compiled_forms(shape, order=0):
                found = conv2d_forms.run(form, kind, first, second, shape).numpy()
                assert not found.any()
                if kind is KERNEL_GRADIENT:
                    assert found.shape == (3, 3, 3, 4)


def test_what_is_not_finite_stays_so():
    shape = SHAPES[0]
    x, kernel = operands(OUTPUT, shape, np.random.default_rng(0))
    x[1, 5, 5, 3] = np.nan
    for form in conv2d_forms.compiled_forms(shape, order=0):
        y = conv2d_forms.run(form, OUTPUT, x, kernel, shape).numpy()
        assert np.isfinite(y[0]).all() and np.isnan(y[1, 4:7, 4:7]).all()


# Derivatives.

CALLS = {
    "3x3": (conv2d.conv2d, [2, 9, 8, 20], [3, 3, 20, 24]),
    "1x1": (conv2d.conv2d, [2, 5, 6, 7], [1, 1, 7, 3]),
    "stride 2": (functools.partial(conv2d.conv2d, stride=2), [2, 10, 11, 20], [3, 3, 20, 24]),
    "transposed": (conv2d.conv2d_transpose, [2, 5, 6, 20], [3, 3, 24, 20]),
}


def derivatives(call, x, kernel, impl):
    """First, second and third ones, by the input and by the kernel, of a curved function."""
    wanted = [x, kernel]
    with tf.GradientTape() as third:
        third.watch(wanted)
        with tf.GradientTape() as second:
            second.watch(wanted)
            with tf.GradientTape() as first:
                first.watch(wanted)
                value = tf.reduce_sum(tf.sin(call(x, kernel, impl=impl)))
            once = first.gradient(value, wanted)
            energy = tf.add_n([tf.reduce_sum(tf.sin(g)) for g in once])
        twice = second.gradient(energy, wanted)
        energy = tf.add_n([tf.reduce_sum(tf.sin(g)) for g in twice])
    return [value, *once, *twice, *third.gradient(energy, wanted)]


@pytest.mark.parametrize("name", CALLS)
def test_derivatives_of_three_orders_are_those_of_float64(name):
    call, *sides = CALLS[name]
    draw = np.random.default_rng(0)
    x, kernel = (tf.constant(0.3 * draw.standard_normal(side)) for side in sides)
    exact = derivatives(call, x, kernel, "ref")
    single = [tf.cast(operand, tf.float32) for operand in (x, kernel)]
    for found, expected in zip(derivatives(call, *single, "cpu"), exact):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=3e-5)


def traced(function, *sides):
    """The project's operations in a function's graph, with their forms."""
    signature = [tf.TensorSpec(side) for side in sides]
    graph = tf.function(function, signature, autograph=False).get_concrete_function().graph
    return [
        (op.type, op.get_attr("form").decode())
        for op in graph.get_operations()
        if op.type.startswith("DualContrastConv2D")
    ]


def test_derivatives_of_derivatives_keep_away_from_winograd4():
    def once(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = conv2d.conv2d(x, kernel, impl="cpu")
        return tape.gradient(y, x, y)

    def twice(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            energy = tf.reduce_sum(once(x, kernel) ** 2)
        return tape.gradient(energy, kernel)

    sides = [[None, 16, 16, 32], [3, 3, 32, 32]]
    assert {form for _, form in traced(once, *sides)} == {WINOGRAD4}
    # The output and its gradient by the input; then derivatives of these two.
    forms = [form for _, form in traced(twice, *sides)]
    assert forms[:2] == [WINOGRAD4, WINOGRAD4] and WINOGRAD2 in forms[2:]
    later = {op: form for op, form in traced(twice, *sides)[2:]}
    assert later["DualContrastConv2DKernel"] in (WINOGRAD2, WINOGRAD4)


# What is chosen.


def test_auto_takes_the_fastest_as_measured_and_the_record_repeats_it(monkeypatch):
    monkeypatch.setattr(measured, "_found", {})
    monkeypatch.setattr(measured, "_path", lambda: None)
    monkeypatch.setattr(measured, "_used", {})
    monkeypatch.setattr(measured, "_imposed", {})
    shape = Shape(4, 32, 32, 64, 64, 3, 1)
    seconds = {TENSORFLOW: 4.0, DIRECT: 3.0, WINOGRAD2: 2.0, WINOGRAD4: 1.0}
    monkeypatch.setattr(measured, "measure", lambda _: measured.Measurement(dict(seconds), 3, 0))
    choose = functools.partial(conv2d_forms.choose, OUTPUT, shape, impl="auto")
    assert (choose(order=0), choose(order=2)) == (WINOGRAD4, WINOGRAD2)
    seconds[TENSORFLOW] = 0.5
    assert choose(order=0) == WINOGRAD4  # once is enough
    with implementation.using("auto"):
        record = implementation.record()
    assert set(record["forms"].values()) == {WINOGRAD4, WINOGRAD2}
    monkeypatch.setattr(measured, "_found", {})
    implementation.impose(record)
    assert (choose(order=0), choose(order=2)) == (WINOGRAD4, WINOGRAD2)
    monkeypatch.setattr(measured, "_imposed", {})
    assert choose(order=0) == TENSORFLOW


def test_small_convolutions_are_not_measured(monkeypatch):
    monkeypatch.setattr(measured, "fastest", lambda *_, **__: pytest.fail("it was measured"))
    small, rgb = Shape(1, 16, 16, 32, 32, 3, 1), Shape(1, 16, 16, 3, 32, 1, 1)
    assert conv2d_forms.choose(OUTPUT, small, 0, "auto") == WINOGRAD4
    assert conv2d_forms.choose(OUTPUT, small, 2, "auto") == WINOGRAD2
    assert conv2d_forms.choose(OUTPUT, rgb, 0, "auto") == DIRECT


def test_without_an_engine_tensorflow_computes_and_one_line_says_so(monkeypatch, caplog):
    fake = types.SimpleNamespace(dualcontrast_conv2d_engine=lambda: b"none")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: fake)
    loaded = library.load()
    with caplog.at_level(logging.WARNING, "dualcontrast"):
        engine = library._engine(loaded.path)
    assert engine is None
    assert [r.getMessage() for r in caplog.records] == [
        "TensorFlow computes all convolutions: this CPU has neither AVX2 nor AVX-512"
    ]
    without = library.Library(loaded.ops, loaded.cuda, loaded.path, None)
    monkeypatch.setattr(library, "load", lambda: without)
    call = functools.partial(conv2d.conv2d, impl="cpu")
    assert traced(call, [1, 8, 8, 16], [3, 3, 16, 16]) == []
    assert implementation.convolutions("cpu") == "ref"


def test_other_types_are_tensorflow_s():
    x, kernel = tf.ones([1, 4, 4, 2], tf.float64), tf.ones([3, 3, 2, 1], tf.float64)
    assert conv2d.conv2d(x, kernel, impl="cpu").numpy()[0, 1, 1, 0] == 18  # 9 taps, 2 channels


# What is refused.

X, KERNEL = np.ones([1, 8, 8, 4], np.float32), np.ones([3, 3, 4, 5], np.float32)


@pytest.mark.parametrize("impl", ["cpu", "ref"])
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda **impl: conv2d.conv2d(X[0], KERNEL, **impl), "x must be .*got .8, 8, 4."),
        (lambda **impl: conv2d.conv2d(X, KERNEL[:, :, :3], **impl), "4 channels of x, got"),
        (lambda **impl: conv2d.conv2d(X, KERNEL[:2], **impl), "1 or 3 taps"),
        (lambda **impl: conv2d.conv2d(X, KERNEL, stride=3, **impl), "stride must be 1, or 2"),
        (lambda **impl: conv2d.conv2d(X[:, :2], KERNEL, stride=2, **impl), "sides of at least 3"),
        (lambda **impl: conv2d.conv2d(X, np.float64(KERNEL), **impl), "one floating type"),
        (lambda **impl: conv2d.conv2d_transpose(X, KERNEL, **impl), "filters, channels"),
        (lambda **impl: conv2d.conv2d_transpose(X, KERNEL[:1, :1], **impl), "1 or 3 taps|3 taps"),
    ],
)
def test_a_wrong_call_is_refused_by_name(call, message, impl):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"conv2d: .*({message})"):
        call(impl=impl)


def raw(name, *tensors, **attributes):
    given = {"form": "direct", "stride": 1, **attributes}
    return lambda ops: getattr(ops, name)(*tensors, **given)


G = np.ones([1, 8, 8, 5], np.float32)
OUT, BY_X, BY_KERNEL = (f"dual_contrast_conv2d{end}" for end in ("", "_input", "_kernel"))
HUGE = 1 << 62
BAD = [
    (raw(OUT, x=X[0], kernel=KERNEL), "x must be .*got .8,8,4"),
    (raw(OUT, x=X, kernel=KERNEL[0]), "kernel must be"),
    (raw(OUT, x=X, kernel=KERNEL[:, :1]), "kernel must be"),
    (raw(OUT, x=X, kernel=KERNEL[:2, :2]), "1 or 3 taps a side, got 2"),
    (raw(OUT, x=X, kernel=KERNEL[:, :, :2]), "the channels of x"),
    (raw(OUT, x=X[..., :0], kernel=KERNEL[:, :, :0]), "at least one channel"),
    (raw(OUT, x=X, kernel=KERNEL, stride=0), "stride must be 1 or 2, got 0"),
    (raw(OUT, x=X, kernel=KERNEL, stride=HUGE), "stride must be 1 or 2"),
    (raw(OUT, x=X, kernel=KERNEL[:1, :1], stride=2), "stride 2 is for"),
    (raw(OUT, x=X, kernel=KERNEL, form="fft"), 'form must be .*got "fft"'),
    (raw(OUT, x=X, kernel=KERNEL, form="winograd2", stride=2), "form must be"),
    (raw(OUT, x=X, kernel=KERNEL[:1, :1], form="winograd4"), "form must be"),
    (raw(BY_X, kernel=KERNEL, g=G, height=7, width=8), "batch and sides .*got"),
    (raw(BY_X, kernel=KERNEL, g=G, height=-1, width=8), "height and width must be"),
    (raw(BY_X, kernel=KERNEL, g=G, height=8, width=HUGE), "height and width must be"),
    (raw(BY_X, kernel=KERNEL, g=G[..., :2], height=8, width=8), "the filters of the kernel"),
    (raw(BY_KERNEL, x=X, g=G[:, 1:], taps=3), "batch and sides"),
    (raw(BY_KERNEL, x=X, g=G[0], taps=3), "g must be"),
    (raw(BY_KERNEL, x=X, g=G, taps=-1), "1 or 3 taps a side, got -1"),
    (raw(BY_KERNEL, x=X, g=G, taps=HUGE), "1 or 3 taps"),
]


@pytest.mark.parametrize("call, message", BAD, ids=[message for _, message in BAD])
def test_the_operation_itself_refuses_by_name_eagerly_and_traced(call, message, compiled):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"conv2d: .*{message}"):
        call(compiled.ops)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=message):
        tf.function(lambda: call(compiled.ops), autograph=False).get_concrete_function()
