"""Reads pickles as data: nothing that a file names is looked up, called, or imported.

A pickle is a program for a machine with a stack. This one has the instructions that build numbers,
texts, containers, and objects of the names that it is given; what they stand for are functions of
ours, which see the file's values as data. Every other name and instruction ends the reading.
"""

import pickletools
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

# Instructions, and items of containers that calls are given. A file of networks has some thousands,
# CIFAR-100's images have 300,000; a million empty containers take 70 MB.
_MOST_STEPS = 1_000_000
# Of the keys of dictionaries and the members of sets, which are hashed over and over.
_LONGEST_KEY = 1000
_SHOWN = 60


class Refused(ValueError):
    """The file holds what is not read; the text says what."""


def shown(value: Any) -> str:
    """Returns a value of a file for an error's text: short, in one line, never walked through."""
    if isinstance(value, (str, bytes)):
        return repr(value[:_SHOWN])
    if type(value) is int and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    return f"a {type(value).__name__}"


class Object:
    """What a name of `Machine` may make; a pickle may then give it its state, once.

    Subclasses say in `set_state` what the state may be.
    """

    def set_state(self, state: Any) -> None:
        """Takes the state that the pickle has for this object."""
        raise Refused(f"it gives a state to a {type(self).__name__}, which has none")


class _Name:
    """A name in the file that stands for one of our functions."""

    def __init__(self, name: str, make: Callable):
        self.name, self.make = name, make

    def __call__(self, arguments: Any) -> Any:
        if not isinstance(arguments, tuple):
            raise Refused(f"{self.name} has no list of arguments")
        try:
            return self.make(*arguments)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            if isinstance(error, Refused):
                raise
            reason = str(error)[:_SHOWN]
            raise Refused(f"{self.name} has arguments of another form: {reason}") from error


class _Mark:
    """The beginning of a container's items on the stack."""


_MARK = _Mark()


class Machine:
    """Runs the instructions of one pickle.

    Args:
      names: what makes the object that a name in the file stands for, by MODULE.NAME.
      persistent: what makes the object of a persistent id; None where the file may have none.
    """

    def __init__(
        self, names: Mapping[str, Callable], persistent: Callable[[Any], Any] | None = None
    ):
        self._names, self._persistent = names, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps = 0
        self._bytes_given = 0

    def read(self, file: IO[bytes]) -> Any:
        """Returns what the pickle at the file's position holds, and leaves the file behind it.

        Raises:
          Refused: it is no pickle, is cut, or holds what is not read.
        """
        try:
            begin = file.tell()
            for instruction, argument, _ in pickletools.genops(file):
                if instruction.name == "STOP":
                    return self._pop()
                self._run(instruction.name, argument)
                self._steps += 1
                if self._steps > _MOST_STEPS:
                    raise Refused("it has more than a million values and instructions")
                # Each is given once, and so is a part of the file.
                if self._bytes_given > 2 * (file.tell() - begin):
                    raise Refused("it gives the same bytes again and again")
        except Refused:
            raise
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            text = str(error).partition("\n")[0][:120]
            raise Refused(f"it is no pickle, or a part of one is missing ({text})") from error
        raise Refused("it is no pickle, or a part of one is missing (it does not end)")

    def _run(self, instruction: str, argument: Any) -> None:
        if instruction in _IGNORED:
            return
        if instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction]())
        elif instruction in _LITERALS:
            self._stack.append(argument)
        elif instruction in _METHODS:
            _METHODS[instruction](self, argument)
        else:
            raise Refused(f"it has the instruction {instruction}, which is not run")

    def _pop(self) -> Any:
        if not self._stack:
            raise Refused("it takes a value where there is none")
        value = self._stack.pop()
        if value is _MARK:
            raise Refused("it takes a value where there is none")
        return value

    def _top(self, kind: type) -> Any:
        value = self._pop()
        self._stack.append(value)
        if not isinstance(value, kind):
            raise Refused(f"it adds items to a {type(value).__name__}")
        return value

    def _items(self) -> list[Any]:
        """Takes the values down to the newest mark, and the mark."""
        found: list[Any] = []
        while self._stack:
            value = self._stack.pop()
            if value is _MARK:
                return found[::-1]
            found.append(value)
        raise Refused("it ends a container that it did not begin")

    def _mark(self, _) -> None:
        self._stack.append(_MARK)

    def _pop_top(self, _) -> None:
        self._stack.pop()

    def _pop_items(self, _) -> None:
        self._items()

    def _duplicate(self, _) -> None:
        self._stack.append(self._top(object))

    # What is remembered and fetched again.

    def _put(self, index: Any) -> None:
        self._memo[len(self._memo) if index is None else index] = self._top(object)

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise Refused("it fetches a value that it did not keep")
        self._stack.append(self._memo[index])

    # Containers.

    def _tuple(self, _) -> None:
        self._stack.append(tuple(self._items()))

    def _last(self, count: int) -> None:
        self._stack.append(tuple([self._pop() for _ in range(count)][::-1]))

    def _list(self, _) -> None:
        self._stack.append(self._items())

    def _dictionary(self, _) -> None:
        self._stack.append(pairs(self._items()))

    def _append(self, _) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _extend(self, _) -> None:
        values = self._items()
        self._top(list).extend(values)

    def _set_item(self, _) -> None:
        value, key = self._pop(), self._pop()
        self._top(dict).update(pairs([key, value]))

    def _set_items(self, _) -> None:
        found = pairs(self._items())
        self._top(dict).update(found)

    def _add(self, _) -> None:
        values = members(self._items())
        self._top(set).update(values)

    def _frozen(self, _) -> None:
        self._stack.append(frozenset(members(self._items())))

    # Names and objects.

    def _name(self, name: str) -> None:
        if name not in self._names:
            raise Refused(f"it asks for {name[:100]}, which is not run")
        self._stack.append(_Name(name, self._names[name]))

    def _global(self, argument: str) -> None:
        self._name(argument.replace(" ", ".", 1))

    def _stack_global(self, _) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise Refused("it asks for a name that is no text")
        self._name(f"{module}.{name}")

    def _call(self, _) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, _Name):
            raise Refused(f"it calls a {type(function).__name__}")
        self._count(arguments)
        self._stack.append(function(arguments))

    def _build(self, _) -> None:
        state = self._pop()
        made = self._top(object)
        if not isinstance(made, Object):
            raise Refused(f"it gives a state to a {type(made).__name__}, which has none")
        self._count(state)
        made.set_state(state)

    def _count(self, given: Any) -> None:
        """Counts what a function may copy: a value can be fetched and given any number of times."""
        for value in given if isinstance(given, tuple) else (given,):
            if isinstance(value, (str, bytes, bytearray)):
                self._bytes_given += len(value)
            elif isinstance(value, (tuple, list, dict, set, frozenset)):
                self._steps += len(value)

    def _persistent_id(self, argument: Any) -> None:
        found = self._pop() if argument is None else argument
        if self._persistent is None:
            raise Refused("it has a persistent id, which is not looked up")
        self._stack.append(self._persistent(found))


def pairs(items: Sequence[Any]) -> dict:
    """Returns a dictionary of keys and values in turn."""
    if len(items) % 2:
        raise Refused("a dictionary has a key without a value")
    return dict(zip(members(items[::2]), items[1::2]))


def members(items: Sequence[Any]) -> Sequence[Any]:
    """Returns items that may be keys or members of a set.

    Python's hash of a tuple in a tuple and so on overflows its own stack, or takes for ever.

    Raises:
      Refused: one is not plain.
    """
    if not all(map(is_plain, items)):
        raise Refused("a dictionary or a set has a key of another form than a short name")
    return items


def is_plain(value: Any) -> bool:
    """Returns whether a value is a short text, a number of 64 bits, None, or a few of these."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    return len(parts) <= 8 and all(map(_is_short, parts))


def _is_short(value: Any) -> bool:
    if isinstance(value, (str, bytes)):
        return len(value) <= _LONGEST_KEY
    if type(value) is int:
        return value.bit_length() <= 64
    return value is None or type(value) in (bool, float)


_IGNORED = {"PROTO", "FRAME"}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
# Numbers, texts and bytes, whose values `pickletools` has read.
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_METHODS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": Machine._mark,
    "POP": Machine._pop_top,
    "POP_MARK": Machine._pop_items,
    "DUP": Machine._duplicate,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), Machine._put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine._get),
    "TUPLE": Machine._tuple,
    "TUPLE1": lambda machine, _: machine._last(1),
    "TUPLE2": lambda machine, _: machine._last(2),
    "TUPLE3": lambda machine, _: machine._last(3),
    "LIST": Machine._list,
    "DICT": Machine._dictionary,
    "APPEND": Machine._append,
    "APPENDS": Machine._extend,
    "SETITEM": Machine._set_item,
    "SETITEMS": Machine._set_items,
    "ADDITEMS": Machine._add,
    "FROZENSET": Machine._frozen,
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "REDUCE": Machine._call,
    "NEWOBJ": Machine._call,
    "BUILD": Machine._build,
    "PERSID": Machine._persistent_id,
    "BINPERSID": Machine._persistent_id,
}
