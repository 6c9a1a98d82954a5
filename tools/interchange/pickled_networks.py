"""The objects of NVIDIA's files: networks with their state, and the source in them as a text."""

import io
import re
from typing import Any

from dualcontrast.tools.interchange import pickle_machine, pickled_arrays
from dualcontrast.tools.interchange.pickle_machine import Object, Refused

_NAME = re.compile(r"[\w/]{1,80}", re.ASCII)


class Module(Object):
    """A module of PyTorch as torch_utils.persistence keeps it.

    Attributes:
      kind: the name of its class.
      attributes: what it had, by name.
    """

    def __init__(self, meta: Any):
        if not isinstance(meta, dict) or meta.get("type") != "class":
            raise Refused("it has a persistent object of another form")
        self.kind, self.attributes = meta.get("class_name"), meta.get("state")
        if not isinstance(self.kind, str) or not isinstance(self.attributes, dict):
            raise Refused("it has a persistent object of another form")
        if not all(isinstance(name, str) for name in self.attributes):
            raise Refused("it has a persistent object with an attribute without a name")


class Network(Object):
    """A network of dnnlib.tflib.

    Attributes:
      state: what it had, by name.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def set_state(self, state: Any) -> None:
        """Takes the dictionary of its fields."""
        if not isinstance(state, dict) or self.state:
            raise Refused("it has a network of another form")
        self.state = state


def _dictionary(items: Any = ()) -> dict:
    """Returns a dictionary of pairs, as OrderedDict takes them."""
    if isinstance(items, dict):
        return dict(items)
    return pickle_machine.pairs([part for key, value in items for part in (key, value)])


def _set(items: Any = ()) -> set:
    return set(pickle_machine.members(list(items)))


NAMES = {
    **pickled_arrays.NAMES,
    "builtins.set": _set,
    "__builtin__.set": _set,
    "collections.OrderedDict": _dictionary,
    "dnnlib.util.EasyDict": _dictionary,
    "dnnlib.tflib.network.Network": Network,
    "torch_utils.persistence._reconstruct_persistent_obj": Module,
}


def is_name(found: Any) -> bool:
    """Returns whether a value is a name as NVIDIA's modules and variables have."""
    return isinstance(found, str) and _NAME.fullmatch(found) is not None


def read(content: bytes) -> Any:
    """Returns what a pickle holds, or what torch.save wrote.

    Raises:
      Refused: it holds something else than the objects of published networks.
    """
    if content.startswith(b"PK"):
        return pickled_arrays.read_torch(content, NAMES)
    return pickle_machine.Machine(NAMES).read(io.BytesIO(content))
