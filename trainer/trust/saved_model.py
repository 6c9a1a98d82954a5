"""A SavedModel is a program: what it would run, found by reading and not by loading.

Loading alone runs functions of the model (tables are filled, objects restored), so the file is read
as the protocol buffer that it is, before TensorFlow sees it.
"""

import pathlib
from collections.abc import Iterable, Iterator

from google.protobuf import message
from tensorflow.core.framework import function_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.trust import operations

FILE_NAME = "saved_model.pb"


def check(folder: pathlib.Path, model: str) -> None:
    """Checks that no function of a SavedModel does anything but compute.

    Args:
      folder: of the model; has a file `FILE_NAME`.
      model: the flag and its value, for the message.

    Raises:
      UserError: a function may do something else, or the model is damaged or not to be examined.
    """
    found = saved_model_pb2.SavedModel()
    try:
        found.ParseFromString((folder / FILE_NAME).read_bytes())
    except (OSError, message.DecodeError) as error:
        raise UserError(f"{model} cannot be loaded: its {FILE_NAME} is damaged") from error
    # Anything else is loaded by a session, which also runs the nodes outside of functions.
    if len(found.meta_graphs) != 1 or not found.meta_graphs[0].object_graph_def.nodes:
        raise operations.refusal(model, "is a SavedModel of TensorFlow 1, which is not examined")
    if strange := operations.strange(_operations(found.meta_graphs[0])):
        raise operations.refusal(model, f"has operations that do more than compute ({strange})")


def _operations(graph: meta_graph_pb2.MetaGraphDef) -> Iterator[str]:
    """Yields the operations of all functions but those that only the saver calls.

    Every model has those two, which write and read checkpoints; `tf.saved_model.load` reads the
    variables itself. If anything else can reach them, they are looked at like all others.
    """
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    waiting = list((functions.keys() - _of_saver(graph)) | _named(graph))
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known or name not in functions:
            continue
        known.add(name)
        waiting += _called(functions[name])
        yield from (node.op for node in functions[name].node_def if node.op not in functions)


def _of_saver(graph: meta_graph_pb2.MetaGraphDef) -> set[str]:
    """Returns the functions that the nodes of the saver call."""
    saver = graph.saver_def
    names = {place.split(":")[0] for place in (saver.save_tensor_name, saver.restore_op_name)}
    nodes = (node for node in graph.graph_def.node if node.name in names)
    return {function for node in nodes for function in _functions_of(node)}


def _named(graph: meta_graph_pb2.MetaGraphDef) -> set[str]:
    """Returns the functions that the objects of the model name."""
    objects = graph.object_graph_def
    found = set(objects.concrete_functions)
    for node in objects.nodes:
        found |= {node.bare_concrete_function.concrete_function_name}
        found |= set(node.function.concrete_functions)
    return found


def _called(function: function_pb2.FunctionDef) -> Iterator[str]:
    for node in function.node_def:
        yield node.op  # A function may be called by its name alone.
        yield from _functions_of(node)


def _functions_of(node: node_def_pb2.NodeDef) -> Iterable[str]:
    """Returns the functions that the attributes of a node name, such as the branches of an If."""
    for value in node.attr.values():
        yield from (named.name for named in (value.func, *value.list.func) if named.name)
