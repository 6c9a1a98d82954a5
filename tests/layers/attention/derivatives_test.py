"""First and second derivatives of every attention layer and pairing, by differences in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import dfn, reference_attention, sagan, san, vt

SHAPE = (2, 4, 4, 4)
SMALL = {"patch_size": 3, "reduction": 2, "sharing": 2, "dtype": "float64"}
LAYERS = {
    "san shared": lambda: san.SAN(**SMALL),
    "san literal": lambda: san.SAN(**SMALL, form="literal", border="zero"),
    **{
        pairing: lambda pairing=pairing: reference_attention.ReferenceAttention(pairing, **SMALL)
        for pairing in reference_attention.PAIRINGS
    },
    "sagan code": lambda: sagan.SAGAN(dtype="float64"),
    "sagan paper": lambda: sagan.SAGAN(pool=False, value_reduction=8, dtype="float64"),
    "dfn": lambda: dfn.DFN(hidden=5, sharing=2, dtype="float64"),
    "vt filter": lambda: vt.VT(3, 4, "filter", dtype="float64"),
    "vt recurrent": lambda: vt.VT(3, 4, "recurrent", dtype="float64"),
}


def _values(layer, count):
    """Gives the layer other variables than its first ones, all of them different from zero."""
    draw = np.random.default_rng(3)
    for variable in layer.trainable_variables:
        variable.assign(draw.standard_normal(variable.shape))
    return [tf.constant(draw.standard_normal(SHAPE)) for _ in range(count)]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_match_finite_differences(name, order):
    keras.utils.set_random_seed(0)
    layer = LAYERS[name]()
    layer.build(SHAPE)
    inputs = _values(layer, 2 if name in reference_attention.PAIRINGS else 1)
    variables = [variable.value for variable in layer.trainable_variables]
    y = tf.constant(np.cos(np.arange(np.prod(SHAPE))).reshape(SHAPE))

    def projected(inputs):
        return tf.reduce_sum(layer(*inputs) ** 2 * y)

    def penalty(inputs):
        # As R1: of the primary's gradient alone.
        with tf.GradientTape() as tape:
            tape.watch(inputs[0])
            value = projected(inputs)
        return tf.reduce_sum(tape.gradient(value, inputs[0]) ** 2)

    function = projected if order == 1 else penalty
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(inputs)
    gradients = tape.gradient(value, [*inputs, *variables], unconnected_gradients="zero")
    draw = np.random.default_rng(1)
    points = [*inputs, *(tf.identity(variable) for variable in variables)]
    directions = [tf.constant(draw.standard_normal(point.shape)) for point in points]

    def at(step):
        moved = [point + step * d for point, d in zip(points, directions)]
        for variable, value in zip(variables, moved[len(inputs) :]):
            variable.assign(value)
        return function(moved[: len(inputs)])

    slope = sum(tf.reduce_sum(g * d) for g, d in zip(gradients, directions))
    assert abs(slope) > 1e-6
    np.testing.assert_allclose(slope, (at(1e-6) - at(-1e-6)) / 2e-6, rtol=1e-6)
