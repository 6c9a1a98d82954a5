"""Frozen graphs of TensorFlow's first years, as a function of today."""

import tensorflow as tf
from google.protobuf import message

from dualcontrast.trainer.trust import operations

# Removed from TensorFlow in 2016 but for graphs that are older, which a tf.function is not.
_OLD_NORMALIZATION = "BatchNormWithGlobalNormalization"


class NotThis(Exception):
    """What a file is in place of the graph that was expected."""


def parse(content: bytes) -> dict[str, tf.compat.v1.NodeDef]:
    """Returns the nodes of a serialised GraphDef by name.

    Raises:
      NotThis: it is none.
    """
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(content)
    except message.DecodeError as error:
        raise NotThis("no frozen graph") from error
    return {node.name: node for node in graph_def.node}


def function(
    nodes: dict[str, tf.compat.v1.NodeDef],
    source: str,
    spec: tf.TensorSpec,
    outputs: list[str],
):
    """Returns the function from the output of one node to those of others.

    Args:
      nodes: by name.
      source: node whose output the caller gives; what is before it is left out.
      spec: of what the caller gives.
      outputs: nodes whose first output is wanted.

    Raises:
      NotThis: a node is missing or does more than compute, or TensorFlow cannot import them.
    """
    graph_def = tf.compat.v1.GraphDef()
    needed = [nodes[name] for name in _needed(nodes, source, outputs)]
    if strange := operations.strange(node.op for node in needed):
        raise NotThis(f"a graph with operations that do more than compute ({strange})")
    for node in needed:
        graph_def.node.extend(_modern(node))
    for node in graph_def.node:
        # Recorded shapes say that there is one image, and import would believe them.
        node.attr.pop("_output_shapes", None)

    def imported(x):
        wanted = [f"{name}:0" for name in outputs]
        return tuple(tf.graph_util.import_graph_def(graph_def, {f"{source}:0": x}, wanted, name=""))

    try:
        return tf.compat.v1.wrap_function(imported, [spec])
    except (ValueError, tf.errors.OpError) as error:
        raise NotThis(f"a graph that cannot be imported ({str(error).splitlines()[0]})") from error


def _needed(nodes: dict, source: str, outputs: list[str]) -> list[str]:
    """Returns the names of the nodes between `source` (left out) and `outputs`."""
    found: dict[str, None] = {}
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in found or name == source:
            continue
        if name not in nodes:
            raise NotThis(f"a graph without {name!r}")
        found[name] = None
        waiting += [_node_of(place) for place in nodes[name].input]
    return list(found)


def _node_of(place: str) -> str:
    return place.lstrip("^").split(":")[0]


def _modern(node: tf.compat.v1.NodeDef) -> list[tf.compat.v1.NodeDef]:
    """Returns a node as it is, or the removed normalization in the steps of its definition.

    (x - mean) * (rsqrt(variance + epsilon) * gamma) + beta
    """
    if node.op != _OLD_NORMALIZATION:
        return [node]
    x, mean, variance, beta, gamma = node.input
    name, kind = node.name, node.attr["T"].type
    epsilon = tf.compat.v1.NodeDef(name=f"{name}/epsilon", op="Const")
    epsilon.attr["dtype"].type = kind
    epsilon.attr["value"].tensor.CopyFrom(
        tf.make_tensor_proto(node.attr["variance_epsilon"].f, kind, shape=[])
    )
    scaled = node.attr["scale_after_normalization"].b
    steps = [
        (f"{name}/sum", "AddV2", [variance, f"{name}/epsilon"]),
        (f"{name}/rsqrt", "Rsqrt", [f"{name}/sum"]),
        (f"{name}/scale", "Mul", [f"{name}/rsqrt", gamma]),
        (f"{name}/centred", "Sub", [x, mean]),
        (f"{name}/scaled", "Mul", [f"{name}/centred", f"{name}/{'scale' if scaled else 'rsqrt'}"]),
        (name, "AddV2", [f"{name}/scaled", beta]),
    ]
    modern = [tf.compat.v1.NodeDef(name=own, op=op, input=inputs) for own, op, inputs in steps]
    for step in modern:
        step.attr["T"].type = kind
    return [epsilon, *modern]
