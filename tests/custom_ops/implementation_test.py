"""Which implementation runs, where the operations run, and that threads change no bit."""

import functools
import itertools
import json
import logging
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import bias_act, busy, implementation, library
from dualcontrast.custom_ops import local_aggregation as aggregation
from dualcontrast.custom_ops import measure, measured, upfirdn2d

X = tf.random.stateless_normal([2, 6, 6, 5], [0, 0])


def all_three(x, impl=None):
    """Every operation in one function of images."""
    y = upfirdn2d.upsample_2d(x, upfirdn2d.lowpass(), impl=impl)
    y = bias_act.bias_act(y, tf.ones(y.shape[-1:], y.dtype), activation="lrelu", impl=impl)
    weights = tf.tile(y[:, 1:-1, 1:-1, None, :1], [1, 1, 1, 9, 1])
    return aggregation.local_aggregation(weights, y, impl=impl)


def operations(impl=None, within=None):
    """The types of the graph's operations that are this project's."""
    traced = tf.function(lambda x: all_three(x, impl), autograph=False)
    with within or implementation.using("auto"):
        graph = traced.get_concrete_function(X).graph
    return {op.type for op in graph.get_operations() if op.type.startswith("DualContrast")}


COMPILED = {"DualContrastUpfirdn2d", "DualContrastBiasAct", "DualContrastLocalAggregation"}


def test_a_call_chooses_for_itself(compiled):
    assert operations("cpu") == COMPILED
    assert operations("ref") == set()


def test_the_process_chooses_for_calls_that_do_not(compiled):
    assert operations(within=implementation.using("cpu")) == COMPILED
    assert operations(within=implementation.using("ref")) == set()
    assert operations("cpu", within=implementation.using("ref")) == COMPILED


def found(ref, cpu, rounds=3):
    return measured.Measurement({"ref": ref, "cpu": cpu}, rounds, 0)


@pytest.fixture(name="unmeasured")
def _unmeasured(compiled, monkeypatch, tmp_path):
    """A machine on which nothing was measured yet; returns where its file will be."""
    monkeypatch.setattr(measured, "_found", None)
    monkeypatch.setattr(measured, "_used", {})
    monkeypatch.setattr(measured, "_imposed", {})
    monkeypatch.setattr(measured, "_path", lambda: tmp_path / "measured.json")
    return tmp_path / "measured.json"


def test_auto_takes_what_was_measured_to_be_faster(unmeasured, monkeypatch):
    times = {"upfirdn2d": found(2.0, 1.0), "bias_act": found(0.9, 1.0, rounds=0)}
    times["local_aggregation"] = found(9.0, 1.0)
    known = {measured.with_threads(f"{name} float32"): times[name] for name in times}
    monkeypatch.setattr(measured, "_found", known)
    assert operations("auto") == COMPILED - {"DualContrastBiasAct"}
    with implementation.using("auto"):
        line = implementation.report()
    assert "3 known here" in line and "1 were measured on a busy machine: " in line


def test_what_is_exported_has_tensorflow_s_operations_only(compiled, tmp_path, caplog):
    assert operations(within=implementation.exportable()) == set()
    module = tf.Module()
    module.call = tf.function(all_three, input_signature=[tf.TensorSpec([None, 6, 6, 5])])
    with implementation.exportable():
        tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.call(X), all_three(X, "ref"), rtol=1e-5, atol=1e-5)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_gpu_that_is_not_there_is_refused(compiled):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is one")
    with pytest.raises(tf.errors.InvalidArgumentError, match="impl='cuda' cannot run here: "):
        all_three(X, "cuda")


def test_without_the_library_auto_is_ref_and_cpu_says_why(monkeypatch):
    monkeypatch.setattr(library, "load", lambda: None)
    monkeypatch.setattr(library, "unavailable_because", lambda: "no compiler: install g++")
    assert operations("auto") == set()
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot run here: no compiler"):
        all_three(X, "cpu")
    with implementation.using("auto"):
        assert implementation.report() == "operations: ref; no compiler: install g++"


def sleepers(**seconds):
    return lambda: {name: functools.partial(time.sleep, s) for name, s in seconds.items()}


def choose(key, functions):
    return measured.fastest(key, functions, allowed=("ref", "cpu"))


def test_a_measurement_is_kept_with_its_quality_and_not_repeated(unmeasured, monkeypatch):
    monkeypatch.setattr(busy, "others_seconds", lambda: 0.0)
    assert choose("sleep", sleepers(ref=0.02, cpu=0.001)) == "cpu"
    assert choose("sleep", sleepers(ref=0.001, cpu=0.02)) == "cpu"
    (kept,) = json.loads(unmeasured.read_text()).values()
    assert kept["rounds"] == 3 and kept["rejected"] == 0
    assert kept["seconds"]["ref"] >= 0.02 and 0.001 <= kept["seconds"]["cpu"] < 0.02
    monkeypatch.setattr(measured, "_found", None)  # as in another process
    assert choose("sleep", sleepers(ref=0.001, cpu=0.02)) == "cpu"


def test_rounds_of_a_busy_machine_are_thrown_away_and_repeated(monkeypatch):
    clock = itertools.count()  # others take a second between any two looks
    monkeypatch.setattr(busy, "others_seconds", lambda: min(next(clock), 3))
    result = measured.measure(sleepers(ref=0.002, cpu=0.001)())
    assert (result.rounds, result.rejected) == (3, 2)  # looks 0 and 1, 2 and 3 were in busy ones


def test_what_a_busy_machine_measured_is_marked_and_repeated_on_request(
    unmeasured, monkeypatch, capsys
):
    name = "upfirdn2d float32"
    clock = itertools.count()
    with monkeypatch.context() as on_a_busy_machine:
        on_a_busy_machine.setattr(busy, "others_seconds", lambda: next(clock))
        assert choose(name, sleepers(ref=0.001, cpu=0.002)) == "ref"
    assert "BUSY machine" in measure.table()
    monkeypatch.setattr(busy, "others_seconds", lambda: 0.0)
    monkeypatch.setattr(measure, "forms", lambda *_: sleepers(ref=0.02, cpu=0.001)())
    monkeypatch.setattr(sys, "argv", ["measure", "--again=busy"])
    measure.main()
    assert choose(name, sleepers(ref=0.001, cpu=0.002)) == "cpu"
    printed = capsys.readouterr().out
    assert "upfirdn2d float32" in printed and "3 quiet rounds" in printed and "BUSY" not in printed


def test_processes_that_measure_at_once_take_the_first_one_s_word(unmeasured, monkeypatch):
    monkeypatch.setattr(busy, "others_seconds", lambda: 0.0)
    assert choose("first", sleepers(ref=0.01, cpu=0.001)) == "cpu"
    before = unmeasured.read_text()
    monkeypatch.setattr(measured, "_found", {})  # of a process that read before the other wrote
    assert choose("first", sleepers(ref=0.001, cpu=0.01)) == "cpu"
    assert unmeasured.read_text() == before


def test_a_damaged_record_of_measurements_is_measured_again(unmeasured):
    unmeasured.write_text('{"sleep, 2 threads": 0.5}')
    assert choose("sleep", sleepers(ref=0.01, cpu=0.001)) == "cpu"


def second_order(x, impl):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.reduce_sum(all_three(x, impl) ** 3)
        energy = tf.reduce_sum(inner.gradient(value, x) ** 2)
    return outer.gradient(energy, x)


def test_second_derivatives_are_the_same_eagerly_traced_and_by_ref(impl):
    eager = second_order(X, impl)
    traced = tf.function(lambda x: second_order(x, impl), autograph=False)(X)
    scale = np.abs(eager).max()
    np.testing.assert_allclose(traced / scale, eager / scale, atol=1e-6)
    np.testing.assert_allclose(second_order(X, "ref") / scale, eager / scale, atol=1e-5)


def test_they_run_under_a_mirrored_strategy(impl):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    @tf.function(autograph=False)
    def step():
        def replica():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            return second_order(X * tf.cast(number + 1, X.dtype), impl)

        return strategy.experimental_local_results(strategy.run(replica))

    for number, found in enumerate(step()):
        expected = second_order(X * (number + 1), impl)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-6)


def test_they_run_beside_functions_that_xla_compiles(compiled):
    squared = tf.function(lambda y: y * y, jit_compile=True)

    @tf.function(autograph=False)
    def outer(x):
        return squared(all_three(squared(x), "cpu"))

    np.testing.assert_allclose(outer(X), all_three(X**2, "ref") ** 2, rtol=1e-4, atol=1e-5)


def test_ref_runs_inside_of_a_function_that_xla_compiles():
    inside = tf.function(lambda x: all_three(x, "ref"), jit_compile=True, autograph=False)
    np.testing.assert_allclose(inside(X), all_three(X, "ref"), rtol=1e-4, atol=1e-5)


THREADS = """
import hashlib, sys
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
from dualcontrast.custom_ops import bias_act, conv2d_forms, library
from dualcontrast.custom_ops import local_aggregation, upfirdn2d
x = tf.random.stateless_normal([3, 40, 40, 40], [0, 0])
weights = tf.random.stateless_normal([3, 40, 40, 9, 8], [0, 1])
bias, noise = tf.ones([40]), tf.ones([1, 40, 40, 1])
digest = hashlib.sha256()
for repeat in range(3):
    with tf.GradientTape() as tape:
        tape.watch([x, weights, bias, noise])
        y = upfirdn2d.filter_2d(x, upfirdn2d.lowpass(), impl="cpu")
        y = bias_act.bias_act(y, bias, noise, activation="lrelu", impl="cpu")
        y = tf.pad(y, [[0, 0], [1, 1], [1, 1], [0, 0]])
        y = local_aggregation.local_aggregation(weights, y, impl="cpu")
    results = [y, *tape.gradient(y, [x, weights, bias, noise], y)]
    digest.update(b"".join(result.numpy().tobytes() for result in results))
for shape in [(3, 40, 40, 40, 24, 3, 1), (3, 41, 41, 40, 24, 3, 2), (3, 40, 40, 40, 24, 1, 1)]:
    shape = conv2d_forms.Shape(*shape)
    for kind in conv2d_forms.Pass if library.load().engine else ():
        first, second = conv2d_forms.operands(kind, shape)
        for form in conv2d_forms.compiled_forms(shape, order=0):
            found = conv2d_forms.run(form, kind, first, second, shape)
            digest.update(found.numpy().tobytes())
print(digest.hexdigest())
"""


def test_the_number_of_threads_changes_no_bit(compiled):
    found = set()
    for threads in ("1", "2", "5"):
        command = [sys.executable, "-c", THREADS, threads]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=120
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1
