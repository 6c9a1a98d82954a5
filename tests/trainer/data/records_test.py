"""Records are TensorFlow's, byte for byte, and damage is found and placed."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.data import records


@pytest.fixture
def payloads() -> list[bytes]:
    random = np.random.default_rng(0)
    return [random.bytes(size) for size in (0, 1, 127, 128, 5000, 70_000)]


@pytest.fixture
def path(tmp_path, payloads):
    (tmp_path / "file").write_bytes(b"".join(map(records.frame, payloads)))
    return tmp_path / "file"


def test_a_file_is_the_one_that_tensorflow_writes(tmp_path, path, payloads):
    with tf.io.TFRecordWriter(str(tmp_path / "tensorflow")) as writer:
        for payload in payloads:
            writer.write(payload)
    assert path.read_bytes() == (tmp_path / "tensorflow").read_bytes()


def test_what_was_written_is_read(path, payloads):
    found = list(records.read(path))
    assert [record.payload for record in found] == payloads
    assert [record.index for record in found] == list(range(6))
    assert [record.offset for record in found[:3]] == [0, 16, 33]


def test_every_flipped_bit_is_found_at_its_record(path, payloads):
    data, random = path.read_bytes(), np.random.default_rng(1)
    starts = np.cumsum([0] + [len(payload) + 16 for payload in payloads])
    for place in [*range(60), *random.integers(0, len(data), 60)]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(records.DamagedRecord) as caught:
            list(records.read(path))
        index = int(np.searchsorted(starts, place, side="right")) - 1
        assert (caught.value.index, caught.value.offset) == (index, starts[index])


def test_every_cut_inside_a_record_is_found(path):
    data = path.read_bytes()
    for size in [1, 7, 11, 13, 15, 17, 20, len(data) - 1, len(data) - 5, len(data) - 5000]:
        path.write_bytes(data[:size])
        with pytest.raises(records.DamagedRecord, match="the file ends inside"):
            list(records.read(path))


def test_an_example_is_the_one_that_tensorflow_reads(payloads):
    for payload in payloads:
        example = tf.train.Example.FromString(records.encode_example(payload, b"a/b.png"))
        features = example.features.feature
        assert sorted(features) == ["image", "name"]
        assert list(features["image"].bytes_list.value) == [payload]
        assert list(features["name"].bytes_list.value) == [b"a/b.png"]


def test_an_example_of_tensorflow_is_read(payloads):
    def feature(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    for payload in payloads:
        features = {"image": feature(payload), "name": feature(b"name")}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        expected = {"image": payload, "name": b"name"}
        assert records.decode_example(example.SerializeToString()) == expected


def example_of(**features) -> bytes:
    """A serialised example of TensorFlow's own."""
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.mark.parametrize("label", [0, 1, 127, 128, 999, 21_840, 2**40])
def test_a_label_is_the_one_that_tensorflow_reads_and_writes(label):
    payload = records.encode_example(b"image", b"name", label)
    found = tf.train.Example.FromString(payload).features.feature
    assert sorted(found) == ["image", "label", "name"]
    assert list(found["label"].int64_list.value) == [label]
    assert records.label_of(payload) == label
    assert records.decode_example(payload) == {"image": b"image", "name": b"name"}
    written = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    assert records.label_of(example_of(label=written)) == label


def test_a_record_without_a_label_is_what_it_was_before_there_were_labels():
    # Field 1 of an Example (its features) has an entry (key, value) for each feature.
    expected = b"\x0a\x2a" + b"\x0a\x14\x0a\x05image\x12\x0b\x0a\x09\x0a\x07picture"
    expected += b"\x0a\x12\x0a\x04name\x12\x0a\x0a\x08\x0a\x06a/b.pg"
    assert records.encode_example(b"picture", b"a/b.pg") == expected
    assert records.label_of(expected) is None


@pytest.mark.parametrize(
    "label, what",
    [
        (tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"3"])), "no number"),
        (tf.train.Feature(float_list=tf.train.FloatList(value=[3.0])), "no number"),
        (tf.train.Feature(int64_list=tf.train.Int64List(value=[3, 4])), "several numbers"),
    ],
    ids=["bytes", "float", "two"],
)
def test_a_label_of_another_kind_is_a_value_error(label, what):
    with pytest.raises(ValueError, match=what):
        records.label_of(example_of(label=label))


@pytest.mark.parametrize("payload", [b"", b"\x08\x01", b"\x0a\xff", b"\x0a\x05abc", b"\x0a" * 30])
@pytest.mark.parametrize("decode", [records.decode_example, records.label_of])
def test_what_is_no_example_is_a_value_error(decode, payload):
    with pytest.raises(ValueError):
        decode(payload)


def test_damaged_examples_raise_nothing_but_value_errors():
    example, random = records.encode_example(b"image" * 20, b"name", 300), np.random.default_rng(2)
    for _ in range(1000):
        damaged = bytearray(example)
        damaged[random.integers(len(example))] = random.integers(256)
        try:
            assert isinstance(records.decode_example(bytes(damaged)), dict)
            assert isinstance(records.label_of(bytes(damaged)), int | None)
        except ValueError:
            pass
