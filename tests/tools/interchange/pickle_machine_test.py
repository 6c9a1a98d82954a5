"""A pickle is read as data: what a hostile one asks for is named, and nothing of it happens."""

import collections
import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest

from dualcontrast.tools.interchange import pickle_machine, pickled_arrays, pickled_networks
from dualcontrast.tools.interchange.pickle_machine import Refused

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """Calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.fixture(name="trap")
def _trap(tmp_path):
    """A command that leaves a file, and the file."""
    return f"touch {tmp_path}/sprung", tmp_path / "sprung"


def opcode(name: str) -> bytes:
    """The byte of an instruction."""
    return next(o.code for o in pickletools.opcodes if o.name == name).encode("latin-1")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_are_what_pickle_reads(protocol):
    shared = [1, -(2**70), 0.5]
    data = {
        "texts": ["", "ä€𝄞", "a\nb'\\"],
        "numbers": (0, 255, 256, -1, 2**31, 1.5, True, False, None),
        "nested": {(1, "a", None): [{}, [], set(), {1, 2}]},
        "twice": [shared, shared],
        "ordered": collections.OrderedDict(a=1, b=2),
    }
    content = pickle.dumps(data, protocol=protocol)
    try:
        found = pickled_networks.read(content)
    except Refused as error:
        # Sets of the old protocols call copy_reg; a published network has none.
        assert protocol < 2 and "copy" in str(error)
        return
    assert found == pickle.loads(content) == data
    assert found["twice"][0] is found["twice"][1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", "i8", "u1", "?"])
def test_arrays_are_numpys_of_every_protocol(protocol, dtype):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for array in (
        values,
        np.asfortranarray(values),
        values[..., 0],
        np.array(values[0, 0, 0]),
        np.einsum("abc->bca", values),
    ):
        content = pickle.dumps(array, protocol=protocol)
        found = pickled_arrays.value_of(pickled_networks.read(content), "x")
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_something_else_than_numbers_are_refused(protocol):
    for array in (
        np.array([Calls(os.system, "true")], object),
        np.array(["a"]),
        np.array([(1, 2)], [("a", "i4"), ("b", "i4")]),
        np.array(["2020-01-01"], "M8[D]"),
    ):
        with pytest.raises(Refused):
            pickled_networks.read(pickle.dumps(array, protocol=protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_function_is_refused_by_name_and_not_called(protocol, trap):
    command, sprung = trap
    for evil, name in ((os.system, "system"), (eval, "eval"), (__import__, "__import__")):
        for data in (Calls(evil, command), [{"deep": (Calls(evil, command),)}]):
            with pytest.raises(Refused, match=f"asks for .*{name}"):
                pickled_networks.read(pickle.dumps(data, protocol=protocol))
    assert not sprung.exists()


def test_names_are_refused_that_only_begin_like_known_ones():
    for name in (b"collections\nOrderedDict.fromkeys", b"torch\nload", b"numpy\nload", b"torch\n"):
        with pytest.raises(Refused, match="asks for"):
            pickled_networks.read(b"c" + name + b"\n.")


def test_instructions_that_make_objects_otherwise_are_refused():
    inst = b"(S'true'\nios\nsystem\n."
    obj = b"(cos\nsystem\nS'true'\no."
    extension = opcode("EXT1") + b"\x01."
    keywords = b"\x80\x04ccollections\nOrderedDict\n)}" + opcode("NEWOBJ_EX") + b"."
    buffer = b"\x80\x05" + opcode("NEXT_BUFFER") + b"."
    for content, words in (
        (inst, "INST"),
        (obj, "os.system"),
        (extension, "EXT1"),
        (keywords, "NEWOBJ_EX"),
        (buffer, "NEXT_BUFFER"),
    ):
        with pytest.raises(Refused, match=words):
            pickled_networks.read(content)


def test_a_state_is_for_objects_that_have_one():
    for content, kind in (
        (b"}}b.", "dict"),
        (b"]}b.", "list"),
        (b"ccollections\nOrderedDict\n}b.", "_Name"),  # would change a class
    ):
        with pytest.raises(Refused, match=f"gives a state to a {kind}"):
            pickled_networks.read(content)


def test_only_names_are_called():
    for content in (b"}(tR.", b"S'os.system'\n(tR.", b"]\x81."):
        with pytest.raises(Refused):
            pickled_networks.read(content)
    with pytest.raises(Refused, match="no list of arguments"):
        pickled_networks.read(b"ccollections\nOrderedDict\n]R.")


def test_persistent_ids_are_refused():
    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return "somewhere" if isinstance(value, Calls) else None

    for protocol in PROTOCOLS:
        file = io.BytesIO()
        Pickler(file, protocol=protocol).dump([Calls(os.system)])
        with pytest.raises(Refused, match="persistent id"):
            pickled_networks.read(file.getvalue())


def test_what_is_in_a_storage_is_read_as_strictly(nvidia, trap):
    command, sprung = trap
    inside = pickle.dumps(Calls(os.system, command), protocol=2)
    whole = nvidia.storage_bytes(np.arange(3.0))
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    for content, words in (
        (inside, "system"),
        (magic + inside, "system"),
        (whole.replace(b"FloatStorage", b"LoadStorages"), "LoadStorages"),
        (whole[:-1], "cut"),
        (b"PK\x03\x04" + whole, "archive"),
        (whole.replace(b"storage", b"missing"), "else than a storage"),
        (b"", "no pickle"),
    ):
        with pytest.raises(Refused, match=words):
            pickled_arrays._storage_of_bytes(content)
    assert not sprung.exists()


def test_a_storage_is_not_a_file_inside_itself():
    names = pickled_networks.NAMES
    inner = b"ctorch.storage\n_load_from_bytes\n(S'x'\ntR."
    assert "torch.storage._load_from_bytes" in names
    with pytest.raises(Refused, match="_load_from_bytes"):
        pickle_machine.Machine({}).read(io.BytesIO(inner))


@pytest.mark.parametrize(
    "offset, size, stride",
    [
        (1, (3,), (1,)),
        (0, (4,), (1,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (10**9,), (0,)),
        (0, (2, 2), (2, 2)),
        (0, (2,), (1, 1)),
        (0, (True,), (1,)),
        (0, 2, 1),
        (2**70, (1,), (1,)),
    ],
)
def test_tensors_do_not_look_beside_their_storage(nvidia, offset, size, stride):
    storage = pickled_arrays._storage_of_bytes(nvidia.storage_bytes(np.arange(3.0)))
    with pytest.raises(Refused):
        pickled_arrays._tensor(storage, offset, size, stride, False, {})


def test_tensors_are_views_of_their_storage(nvidia):
    storage = pickled_arrays._storage_of_bytes(nvidia.storage_bytes(np.arange(12.0)))
    found = pickled_arrays._tensor(storage, 1, (2, 3), (1, 3), False, {})
    np.testing.assert_array_equal(found.value, [[1, 4, 7], [2, 5, 8]])
    assert pickled_arrays._tensor(storage, 5, (), (), False, {}).value == 5
    assert pickled_arrays._tensor(storage, 0, (0, 3), (3, 1), False, {}).value.shape == (0, 3)


def test_every_cut_and_most_changed_bytes_end_in_a_refusal(nvidia):
    """Never in another error; a change inside of a number may pass."""
    content = nvidia.tensorflow({"a": np.arange(4.0), "b": [1, "x", (2.5, None)]}, protocol=4)
    for end in range(len(content)):
        with pytest.raises(Refused):
            pickled_networks.read(content[:end])
    random = np.random.default_rng(1)
    for _ in range(3000):
        changed = bytearray(content)
        changed[random.integers(len(content))] = random.integers(256)
        try:
            pickled_networks.read(bytes(changed))
        except Refused:
            pass


def test_no_short_file_asks_for_much_memory():
    for content in (
        opcode("LONG_BINPUT") + struct.pack("<I", 2**32 - 1),
        b"]" + opcode("LONG_BINPUT") + struct.pack("<I", 2**32 - 1) + b"0",
        opcode("BINBYTES8") + struct.pack("<Q", 2**62),
        opcode("LONG4") + struct.pack("<i", 2**31 - 1),
        opcode("BINUNICODE8") + struct.pack("<Q", 2**62),
    ):
        with pytest.raises(Refused):
            pickled_networks.read(content + b".")
