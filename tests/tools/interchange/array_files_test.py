"""Files of arrays: written as the format says, read back to the bit, refused when damaged."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from dualcontrast.tools.interchange import array_files, layout, network_file
from dualcontrast.trainer.errors import UserError


@pytest.fixture(name="found", scope="module")
def _found(nvidia, tmp_path_factory):
    """Networks of a file, with all that such a file can say."""
    path = tmp_path_factory.mktemp("source") / "networks.pkl"
    path.write_bytes(nvidia.pytorch(nvidia.networks(classes=3, clamp=256)))
    found = network_file.read(str(path))
    return array_files.published.Published(found.settings, found.arrays, (), ("a", "b", "ü"))


def test_networks_come_back_to_the_bit(found):
    again = array_files.read_safetensors(array_files.write_safetensors(found))
    assert again.settings == found.settings
    assert again.classes == ("a", "b", "ü") and again.notes == ()
    for network, arrays in found.arrays.items():
        assert again.arrays[network].keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(again.arrays[network][name], array, err_msg=name)


def test_the_file_is_what_the_format_says(found):
    content = array_files.write_safetensors(found)
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    assert size % 8 == 0 and all(isinstance(v, str) for v in header.pop("__metadata__").values())
    ends = 0
    for entry in sorted(header.values(), key=lambda entry: entry["data_offsets"]):
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32" and begin == ends  # no holes
        assert end - begin == 4 * int(np.prod(entry["shape"]))
        ends = end
    assert len(content) == 8 + size + ends
    begin, end = header["D.b4.fc.bias"]["data_offsets"]
    values = np.frombuffer(content[8 + size :][begin:end], "<f4")
    np.testing.assert_array_equal(values, found.arrays["D"]["b4.fc.bias"])


def with_header(change) -> bytes:
    """A small file whose header `change` has had its hands on."""
    header = {"G.a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    encoded = json.dumps(change(header) or header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + b"\0" * 8


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "no safetensors file"),
        (b"\xff" * 8 + b"{}", "no safetensors file"),
        (struct.pack("<Q", 4) + b"{{}}", "no JSON"),
        (struct.pack("<Q", 2) + b"[]", "no JSON object"),
        (with_header(lambda h: h["G.a"].update(shape=[3])), "G.a cannot be read"),
        (with_header(lambda h: h["G.a"].update(shape=[-2])), "G.a cannot be read"),
        (with_header(lambda h: h["G.a"].update(data_offsets=[8, 16])), "values are cut"),
        (with_header(lambda h: h["G.a"].update(dtype="I64")), "no numbers of this kind"),
        (with_header(lambda h: h["G.a"].__delitem__("dtype")), "G.a cannot be read"),
        (with_header(lambda h: {"a.b": h["G.a"]}), "a.b is of no network"),
        (with_header(lambda h: None), "no arrays of D: a run needs G, D and G_ema"),
        (with_header(lambda h: {"__metadata__": {"dualcontrast": "["}} | h), "no arrays of D"),
    ],
)
def test_damaged_files_are_refused(content, words):
    with pytest.raises(UserError, match=words):
        array_files.read_safetensors(content)


def npz(found, text=None, **more) -> bytes:
    """The networks as an .npz file."""
    arrays = {f"{n}.{name}": a for n, of in found.arrays.items() for name, a in of.items()}
    arrays |= {} if text is None else {"dualcontrast": np.array(json.dumps(text))}
    file = io.BytesIO()
    np.savez(file, **(arrays | more))
    return file.getvalue()


def test_npz_says_the_same_and_what_it_leaves_out_is_assumed_aloud(found):
    again = array_files.read_npz(
        npz(found, {"generator.conv_clamp": 256.0, "classes": ["a", "b", "c"]})
    )
    assert again.classes == ("a", "b", "c")
    assert again.settings["generator.conv_clamp"] == 256
    assert again.settings["discriminator.conv_clamp"] is None
    (note,) = again.notes
    assert "discriminator.conv_clamp=none" in note and "generator.conv_clamp" not in note
    np.testing.assert_array_equal(
        again.arrays["G"]["mapping.w_avg"], found.arrays["G"]["mapping.w_avg"]
    )


def with_npy(shape: bytes) -> bytes:
    """A file with an array that says to have a shape, and has four bytes."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': %s}\n" % shape
    content = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + b"1234"
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("G.a.npy", content)
    return file.getvalue()


def test_npz_with_anything_else_is_refused(found):
    class Evil:
        def __reduce__(self):
            raise AssertionError("was pickled")

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("G.a.npy", b"\0" * 10_000_000)
        archive.writestr("G.b.npy", np.random.default_rng(1).bytes(500_000))
    cases = [
        (npz(found)[:-30], "no .npz file"),
        (b"PK", "no .npz file"),
        (npz(found, **{"G.x": np.array([{}], object)}), "no .npz file of numbers"),
        (npz(found, **{"G.x": np.array(["a"])}), "G.x holds something else"),
        (npz(found, dualcontrast=np.zeros(3)), "dualcontrast is no text"),
        (npz(found, {"no": 1}), "has no, expected some of generator.mapping_learning"),
        (npz(found, {"classes": 3}), "no list of names"),
        (
            npz(found, {"generator.conv_clamp": "x" * 99}),
            "clamp='x{60}', expected a number or null",
        ),
        (npz(found, {"generator.conv_clamp": [1]}), "clamp=a list, expected a number or null"),
        (npz(found, {"generator.conv_clamp": 10**99}), "clamp=a number of 329 bits, expected"),
        (bomb.getvalue(), "unpacks to more than 10 times"),
        (npz(found, {"classes": ["a"]}), "names 1 classes, and its networks know 3"),
        (with_npy(b"(9999999999,)"), "values are cut"),
        (with_npy(b"(3"), "no .npz file"),
        (with_npy(b"(-1,)"), "something else than numbers"),
        (npz(found, **{"G.x\x1b[2J": np.zeros(3)}), "is of no network"),
    ]
    for content, words in cases:
        with pytest.raises(UserError, match=words):
            array_files.read_npz(content)


@pytest.mark.parametrize("network", ["G", "D"])
def test_arrays_have_the_names_that_nvidias_own_state_dict_has(nvidia, network):
    stored = nvidia.networks(classes=3)[network].arrays()
    found = {name: stored[name] for name in stored if "resample_filter" not in name}
    shapes = {path: shape for path, shape in _shapes(network).items()}
    values = layout.values_for(network, shapes, found)
    again = layout.arrays_of(network, values)
    assert again.keys() == stored.keys()
    for name, array in stored.items():
        np.testing.assert_allclose(again[name], array, atol=1e-6, err_msg=name)


def _shapes(network: str) -> dict[str, tuple[int, ...]]:
    from dualcontrast.trainer import state
    from dualcontrast.trainer.config import schema

    small = {"fmap_base": 16, "fmap_max": 6}
    fields = {f"{part}.{n}": v for part in ("generator", "discriminator") for n, v in small.items()}
    fields |= {"generator.latent_size": 5, "generator.w_size": 7, "generator.mapping_layers": 2}
    fields |= {"data.resolution": 8, "data.channels": 3, "data.labels": True, "data.classes": 3}
    config = schema.replace(schema.Config(), fields)
    make = state.make_discriminator if network == "D" else state.make_generator
    return {path: tuple(v.shape) for path, v in state.variables_of(make(config)).items()}


def test_networks_that_no_file_of_this_size_holds_are_refused_before_they_are_made(found, tmp_path):
    """The widths are those of the first side of kernels, whose others may be 1."""
    kernels = ("conv0.weight", "conv1.weight")
    arrays = {
        network: {
            name: np.zeros((20_000, 1, 3, 3), np.float32) if name.endswith(kernels) else array
            for name, array in of.items()
        }
        for network, of in found.arrays.items()
    }
    for of in arrays.values():
        of["b4.conv.weight"] = np.zeros((20_000, 1, 3, 3), np.float32)
    wide = array_files.published.Published(found.settings, arrays)
    path = tmp_path / "wide.npz"
    path.write_bytes(npz(wide))
    with pytest.raises(UserError, match=r"would have [\d,]+ numbers, more than it can hold"):
        network_file.read(str(path))


def test_safetensors_with_other_classes_than_they_name_are_refused_in_two_lines(found, tmp_path):
    path = tmp_path / "two.safetensors"
    named = array_files.published.Published(found.settings, found.arrays, (), ("a", "b"))
    path.write_bytes(array_files.write_safetensors(named))
    with pytest.raises(UserError, match="names 2 classes, and its networks know 3") as refusal:
        network_file.read(str(path))
    assert len(str(refusal.value).splitlines()) == 2
