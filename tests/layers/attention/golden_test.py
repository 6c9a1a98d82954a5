"""Every attention layer against values computed by another program, in float64."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import bias_act
from dualcontrast.layers.attention import dfn, reference_attention, sagan, san, vt

CLOSE = {"rtol": 1e-9, "atol": 1e-10}
# The leaky ReLU's slope is an attribute of its operation and so a float32: 0.2 * (1 + 1.5e-8).
NEAR = {"rtol": 2e-7, "atol": 1e-8}
FORMS = {
    "shared": {"reduction": 2, "sharing": 2, "form": "shared"},
    "literal": {"reduction": 1, "sharing": 1, "form": "literal"},
}
PAIRINGS = ("self", *reference_attention.PAIRINGS)
T_SHAPE = (1, 4, 4, 4)


def _layer(form, border, pairing, set_san):
    arguments = {**FORMS[form], "patch_size": 3, "border": border, "dtype": "float64"}
    if pairing == "self":
        layer = san.SAN(**arguments)
    else:
        layer = reference_attention.ReferenceAttention(pairing, **arguments)
    layer.build(T_SHAPE)
    set_san(layer)
    return layer


def _check(out, golden, close):
    np.testing.assert_allclose(tf.reduce_sum(out), golden["sum"], **close)
    np.testing.assert_allclose(tf.reduce_sum(out**2), golden["squares"], **close)
    np.testing.assert_allclose(out[0, 2, 1], golden["pixel"], **close)


def _exact_leaky_relu(x, bias=None, noise=None, *, activation="linear", slope=0.2, clamp=None):
    assert clamp is None
    x = x if bias is None else x + bias
    return x if activation == "linear" else tf.where(x > 0, x, slope * x)


@pytest.fixture(name="close", params=[CLOSE, NEAR], ids=["exact slope", "our slope"])
def _close(request, monkeypatch):
    if request.param is CLOSE:
        monkeypatch.setattr(bias_act, "bias_act", _exact_leaky_relu)
    return request.param


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("border", ["zero", "reflect"])
@pytest.mark.parametrize("form", FORMS)
def test_san_to_the_second_derivative(form, border, pairing, golden, fill, set_san, close):
    layer = _layer(form, border, pairing, set_san)
    wanted = golden["san"][form][border][pairing]
    primary, reference = fill(T_SHAPE, 0.5, 0.61), fill(T_SHAPE, 1.5, 0.43)
    others = [] if pairing == "self" else [reference]
    # The golden weights are the variables times these, so derivatives by them are divided.
    scales = {
        "keys": (layer.to_keys.kernel, layer.to_keys.scale),
        "queries": (layer.to_queries.kernel, layer.to_queries.scale),
        "values": (layer.to_values.kernel, layer.to_values.scale),
        "hidden": (layer.hidden_kernel, (2 / layer.hidden_kernel.shape[0]) ** 0.5),
        "weights": (layer.to_weights.kernel, layer.to_weights.scale / 3),
        "weights_bias": (layer.to_weights.bias, 1 / 3),
    }
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(primary)
            out = layer(primary, *others)
            projected = tf.reduce_sum(out * fill(T_SHAPE, 0.9, 0.37))
        gradient = inner.gradient(projected, primary)
        penalty = tf.reduce_sum(gradient**2)
    _check(out, wanted, close)
    np.testing.assert_allclose(tf.reduce_sum(gradient), wanted["gradient_sum"], **close)
    np.testing.assert_allclose(penalty, wanted["penalty"], **close)
    variables = [variable.value for variable, _ in scales.values()]
    found = outer.gradient(penalty, variables, unconnected_gradients="zero")
    for (name, (_, scale)), slope in zip(scales.items(), found):
        squares = tf.reduce_sum((slope / scale) ** 2)
        np.testing.assert_allclose(
            squares, wanted["penalty_gradients"][name], **close, err_msg=name
        )


@pytest.mark.parametrize("form", FORMS)
def test_san_has_the_parameters_of_the_golden_layer(form, golden, set_san):
    layer = _layer(form, "zero", "self", set_san)
    assert layer.count_params() == golden["san"][form]["parameters"]


@pytest.mark.parametrize("pool", [True, False])
def test_sagan(pool, golden, fill):
    layer = sagan.SAGAN(pool=pool, dtype="float64")
    x = fill((1, 4, 4, 8), 0.5, 0.61)
    layer.build(x.shape)
    kernels = {"query": (0.1, 1.3), "key": (0.2, 1.7), "value": (0.3, 2.1)}
    kernels["output_kernel"] = (0.4, 0.9)
    for name, (a, b) in kernels.items():
        kernel = getattr(layer, name)
        kernel.assign(fill(kernel.shape, a, b, 0.7) * kernel.shape[0] ** 0.5)
    layer.gamma.assign(0.5)
    wanted = golden["sagan"]["pooled" if pool else "unpooled"]
    out = layer(x)
    np.testing.assert_allclose(tf.reduce_sum(out), wanted["sum"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(tf.reduce_sum(out**2), wanted["squares"], rtol=0, atol=1e-9)


def test_vt(golden, fill):
    layer = vt.VT(tokens=2, token_size=6, dtype="float64")
    x = fill(T_SHAPE, 0.5, 0.61)
    layer.build(x.shape)
    names = ["filters", "value", "token_key", "token_query", "token_value", "expand", "contract"]
    names += ["pixel_query", "pixel_key", "pixel_value"]
    for k, name in enumerate(names):
        kernel = getattr(layer, name)
        filled = fill(kernel.shape, 0.1 * (k + 1), 1.1 + 0.1 * k, 0.7)
        kernel.assign(filled * kernel.shape[0] ** 0.5)
    out = layer(x)
    np.testing.assert_allclose(tf.reduce_sum(out), golden["vt"]["sum"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(tf.reduce_sum(out**2), golden["vt"]["squares"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(out[0, 0, 0], golden["vt"]["pixel"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("border", ["zero", "reflect"])
def test_dfn(border, golden, fill, close):
    layer = dfn.DFN(hidden=6, border=border, dtype="float64")
    layer.build(T_SHAPE)
    hidden, filters = layer.to_hidden, layer.to_filters
    hidden.kernel.assign(fill((1, 1, 4, 6), 0.11, 1.3, 0.5) / hidden.scale)
    hidden.bias.assign(fill((6,), 0.2, 0.9, 0.1) / 2**0.5)
    filters.kernel.assign(fill((1, 1, 6, 36), 0.3, 1.7, 0.3) / filters.scale * 3)
    filters.bias.assign(fill((36,), 0.4, 0.5, 0.1) * 3)
    _check(layer(fill(T_SHAPE, 0.5, 0.61)), golden["dfn"][border], close)
