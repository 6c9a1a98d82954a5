"""Frozen graphs: what is between the two ends of the part that is used must only compute."""

import pytest
import tensorflow as tf

from dualcontrast.trainer.features import frozen_graph

SPEC = tf.TensorSpec([None, 4], tf.float32)


def write(x, trace):
    with tf.control_dependencies([tf.io.write_file(trace, "x")]):
        return tf.identity(x)


def read(x, trace):
    return x + tf.cast(tf.strings.length(tf.io.read_file(trace)), tf.float32)


def call_python(x, trace):
    return tf.numpy_function(lambda value: value, [x], tf.float32, stateful=False)


def restore(x, trace):
    return (
        x
        + tf.raw_ops.RestoreV2(
            prefix=trace, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
        )[0]
    )


def nodes(act, trace) -> dict:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [1, 4], name="source")
        tf.identity(2 * act(x, trace), name="end")
        # Beside the part that is used, where it does not run.
        tf.io.write_file(trace, "x", name="aside")
    return frozen_graph.parse(graph.as_graph_def().SerializeToString())


@pytest.mark.parametrize(
    "act, name",
    [(write, "WriteFile"), (read, "ReadFile"), (call_python, "PyFunc"), (restore, "RestoreV2")],
)
def test_a_graph_that_does_more_than_compute_is_refused(tmp_path, act, name):
    trace = tmp_path / "trace"
    with pytest.raises(frozen_graph.NotThis, match=f"do more than compute .{name}"):
        frozen_graph.function(nodes(act, str(trace)), "source", SPEC, ["end"])
    assert not trace.exists()


def test_what_is_not_used_is_not_imported(tmp_path):
    plain = nodes(lambda x, trace: x, str(tmp_path / "trace"))
    function = frozen_graph.function(plain, "source", SPEC, ["end"])
    assert function(tf.ones([2, 4]))[0].numpy().tolist() == [[2.0] * 4] * 2
    assert not (tmp_path / "trace").exists()
