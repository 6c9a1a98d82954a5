"""A pickle is read as data: what a hostile one asks for is named, and nothing of it happens."""

import collections
import io
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest

from dualcontrast.tools.interchange import pickle_machine, pickled_arrays, pickled_networks
from dualcontrast.tools.interchange.pickle_machine import Refused, shown

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


# Tuples in tuples to no end, two by two, of many, and a long text: Python's hash of each overflows
# the stack of the process, or takes for ever when it is asked for again and again.
KEYS = {
    "deep": b")" + b"\x85" * 3000,
    "doubled": b")" + b"2\x86" * 60,
    "wide": b"(" + b"N" * 9 + b"t",
    "long": opcode("BINUNICODE") + struct.pack("<I", 2000) + b"x" * 2000,
    "large": opcode("LONG1") + b"\x09" + b"\x01" * 9,
}


@pytest.mark.parametrize("key", KEYS)
def test_keys_and_members_are_short(key):
    call = b"ccollections\nOrderedDict\n"
    for before, after in (
        (b"}", b"Ns."),
        (b"}(", b"Nu."),
        (b"(", b"Nd."),
        (b"\x8f(", b"\x90."),
        (b"(", b"\x91."),
        (call + b"](", b"N\x86e\x85R."),
        (b"cbuiltins\nset\n((", b"ltR."),
    ):
        with pytest.raises(Refused, match="a key of another form"):
            pickled_networks.read(before + KEYS[key] + after)


def test_values_are_shown_short_and_never_walked_through():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value, text in (
        (deep, "a list"),
        (10**10_000, "a number of 33220 bits"),
        ("x" * 1000, repr("x" * 60)),
        ("a\nb\x1b[2J", r"'a\nb\x1b[2J'"),
        (b"ab", "b'ab'"),
        (True, "True"),
        (0.5, "0.5"),
        (None, "None"),
    ):
        assert shown(value) == text


def kept(content: bytes) -> bytes:
    """Makes a value, keeps it as number 0, and takes it off the stack."""
    return content + b"q\x000"


def test_nothing_is_copied_again_and_again(nvidia):
    """A few bytes fetch a value that was kept; a call that copied it each time would be a bomb."""
    text = opcode("BINUNICODE") + struct.pack("<I", 10_000) + b"x" * 10_000
    numbers = nvidia.storage_bytes(np.zeros(3000))
    storage = opcode("BINBYTES") + struct.pack("<I", len(numbers)) + numbers
    pairs = b"](" + b"NN\x86" * 5000 + b"e"
    for value, call, words in (
        (text, b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R", "the same bytes"),
        (storage, b"ctorch.storage\n_load_from_bytes\nh\x00\x85R", "the same bytes"),
        (pairs, b"ccollections\nOrderedDict\nh\x00\x85R", "more than a million"),
    ):
        with pytest.raises(Refused, match=words):
            pickled_networks.read(kept(value) + b"(" + call * 300 + b"t.")


def test_a_pickle_has_an_end(monkeypatch):
    monkeypatch.setattr(pickle_machine, "_MOST_STEPS", 1000)
    assert pickled_networks.read(b"N0" * 400 + b"N.") is None
    with pytest.raises(Refused, match="more than a million values and instructions"):
        pickled_networks.read(b"N0" * 600 + b"N.")


def test_what_is_said_of_a_storage_that_nothing_uses_is_not_walked_through(nvidia):
    whole = nvidia.storage_bytes(np.arange(3.0))
    named = pickle.dumps(["7"], protocol=2)
    deep = b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b"."
    assert whole.count(named) == 1
    with pytest.raises(Refused, match="lacks storages"):
        pickled_arrays._storage_of_bytes(whole.replace(named, deep))


def test_a_storage_in_an_archive_is_read(nvidia):
    values = np.arange(6.0)
    found = pickled_arrays._storage_of_bytes(nvidia.archive_of_storage(values))
    np.testing.assert_array_equal(found.values, values)


def test_tensors_of_one_storage_in_an_archive_share_its_numbers(nvidia):
    found = pickled_networks.read(nvidia.archive([np.arange(6.0)]))
    (alone,) = (pickled_arrays.value_of(one, "x") for one in found)
    np.testing.assert_array_equal(alone, np.arange(6.0))
    content = nvidia.archive([np.arange(6.0), np.arange(6.0) + 1])
    # The second one names the storage of the first.
    second = opcode("BINUNICODE") + struct.pack("<I", 1) + b"1"
    assert content.count(second) == 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["archive/data.pkl"] = parts["archive/data.pkl"].replace(second, second[:-1] + b"0")
    with zipfile.ZipFile(changed := io.BytesIO(), "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    one, other = (
        pickled_arrays.value_of(x, "x") for x in pickled_networks.read(changed.getvalue())
    )
    assert np.shares_memory(one, other) and not one.flags.writeable


def test_archives_that_hold_more_than_they_are_long_are_refused(nvidia):
    content = [np.zeros(2000)]
    with pytest.raises(Refused, match="compressed parts"):
        pickled_networks.read(nvidia.archive(content, zipfile.ZIP_DEFLATED))
    file = io.BytesIO(nvidia.archive(content))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more", "")
        archive.filelist.append(archive.getinfo("archive/data/0"))
    with pytest.raises(Refused, match="parts inside each other"):
        pickled_networks.read(file.getvalue())


def test_tensors_are_no_copies_of_their_storage(nvidia):
    storage = pickled_arrays._storage_of_bytes(nvidia.storage_bytes(np.arange(12.0)))
    found = pickled_arrays._tensor(storage, 1, (2, 3), (1, 3), False, {})
    assert np.shares_memory(found.value, storage.values)


@pytest.mark.parametrize("size, stride, offset", [((1,), (2**60,), 0), ((2**60,), (1,), 0)])
def test_sides_of_any_size_are_not_multiplied(nvidia, size, stride, offset):
    storage = pickled_arrays._storage_of_bytes(nvidia.storage_bytes(np.arange(3.0)))
    with pytest.raises(Refused, match="with a side of"):
        pickled_arrays._tensor(storage, offset, size, stride, False, {})
