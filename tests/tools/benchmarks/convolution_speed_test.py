"""The convolutions' gain is a ratio of whole iterations."""

import pytest
import tensorflow as tf

from dualcontrast.configs import demo
from dualcontrast.custom_ops import conv2d_forms, library
from dualcontrast.tools.benchmarks import convolution_speed, training_iteration
from dualcontrast.tools.benchmarks.training_iteration import SHARES


@pytest.mark.parametrize("gain, exit_code", [(2.5, 0), (2.4, 1)])
def test_an_iteration_that_falls_short_is_the_exit_code(gain, exit_code, capsys):
    names = [*SHARES, "generator"]
    seconds = {("ours", name): 2.0 for name in names}
    seconds |= {("TensorFlow's", name): 2.0 * gain for name in names}
    targets = {"iteration": 2.5, "generator": 2.0}
    assert convolution_speed.report("title", seconds, targets) == exit_code
    out = capsys.readouterr().out
    assert f"title iteration: {gain:.2f} times as fast (target 2.5)" in out
    assert ("MISSED" in out) == bool(exit_code)


def test_steps_count_as_often_as_they_run(capsys):
    # One of 1 + 1/4 + 1 + 1 + 1/16 steps is three times as fast: 2 / 3.3125 of the time is gained.
    seconds = {(whose, name): 3.0 for whose in ("ours", "TensorFlow's") for name in SHARES}
    seconds["ours", "D"] = 1.0
    seconds |= {("ours", "generator"): 1.0, ("TensorFlow's", "generator"): 1.0}
    convolution_speed.report("title", seconds, {"iteration": 1.2})
    assert "iteration: 1.25 times" in capsys.readouterr().out  # 9.9375 / 7.9375


def test_the_narrow_networks_are_those_of_the_demo():
    config = training_iteration.config(32, "float32", convolution_speed._NARROW)
    networks = demo.get_config()
    for measured, trained in (
        (config.generator, networks.generator),
        (config.discriminator, networks.discriminator),
    ):
        assert (measured.fmap_base, measured.fmap_max) == (trained.fmap_base, trained.fmap_max)
    assert config.generator.mapping_layers == networks.generator.mapping_layers


def test_tensorflow_s_convolutions_are_traced_inside_of_the_block(compiled_engine):
    assert conv2d_forms.may_be_compiled(tf.float32, "cpu")
    with conv2d_forms.all_tensorflow_s():
        assert not conv2d_forms.may_be_compiled(tf.float32, "cpu")


@pytest.fixture(name="compiled_engine")
def _compiled_engine():
    ops = library.load()
    if ops is None or ops.engine is None:
        pytest.skip("no compiled convolutions here")
