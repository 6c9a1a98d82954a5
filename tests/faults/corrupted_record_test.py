"""Damaged TFRecords: named by shard, record and byte, and never other images than were stored."""

import hashlib
import io
import pathlib
import random
import re

import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer.data import dataset_damage, image_stream, manifest, records
from dualcontrast.trainer.errors import UserError

SHARDS, EACH = 3, 8


def encoded(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def write_dataset(folder: pathlib.Path, shards: list[bytes]) -> manifest.Manifest:
    """Writes shards of 8 records each, and the manifest that fits them."""
    folder.mkdir(exist_ok=True)
    described = []
    for index, content in enumerate(shards):
        name = manifest.shard_name(index, len(shards))
        (folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        described.append(manifest.Shard(name, EACH, len(content), digest))
    found = manifest.Manifest(
        folder=folder,
        version=manifest.VERSION,
        count=EACH * len(shards),
        resolution=8,
        channels=3,
        encoding="png",
        crop="none",
        filter="lanczos",
        source="noise",
        rejected=0,
        request={},
        shards=tuple(described),
    )
    (folder / manifest.FILE_NAME).write_text(manifest.to_json(found))
    return found


@pytest.fixture(name="images", scope="module")
def _images() -> np.ndarray:
    draw = np.random.default_rng(5)
    return draw.integers(0, 256, (SHARDS * EACH, 8, 8, 3), np.uint8)


@pytest.fixture(name="frames", scope="module")
def _frames(images) -> list[bytes]:
    """The records as they stand in the files."""
    return [records.frame(records.encode_example(encoded(image), b"x.png")) for image in images]


def damage(content: bytes, rng: random.Random, starts: list[int]) -> tuple[bytes | None, int]:
    """Returns a shard after something happened to it, None for no file, and its first such byte."""
    at = rng.randrange(len(content))
    size = rng.randint(1, 64)
    kind = rng.choice(["bit"] * 4 + ["noise", "zeros", "cut", "between", "twice", "more", "file"])
    if kind == "bit":
        changed = bytearray(content)
        changed[at] ^= 1 << rng.randrange(8)
        return bytes(changed), at
    if kind in ("noise", "zeros"):  # a sector that was lost
        block = rng.randbytes(size) if kind == "noise" else bytes(size)
        changed = bytearray(content)
        changed[at : at + size] = block[: len(content) - at]
        return bytes(changed), at
    if kind == "cut":
        return content[:at], at
    if kind == "between":  # TensorFlow reads on as if nothing were missing
        start = rng.choice(starts)
        return content[:start], start
    if kind == "twice":
        start = rng.choice(starts)
        return content[:start] + content[starts[0] : starts[1]] + content[start:], start
    if kind == "more":
        return content + rng.randbytes(size), len(content)
    return rng.choice([None, b"", b"<html>503</html>\n"]), 0


def record_at(starts: list[int], at: int) -> str:
    index = max(index for index, start in enumerate(starts) if start <= at)
    return f"record {index} (byte {starts[index]})"


@pytest.mark.parametrize("number", [20, pytest.param(300, marks=pytest.mark.faults)])
def test_a_damaged_shard_is_named_and_gives_no_other_images(
    number, frames, images, tmp_path, count_faults
):
    count_faults("corrupted records", number)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    shards = [b"".join(frames[n * EACH : (n + 1) * EACH]) for n in range(SHARDS)]
    for _ in range(number):
        dataset = write_dataset(tmp_path, shards)
        which = rng.randrange(SHARDS)
        sizes = [len(frame) for frame in frames[which * EACH : (which + 1) * EACH]]
        starts = [sum(sizes[:index]) for index in range(EACH)]
        content, at = damage(shards[which], rng, starts)
        path = dataset.path(dataset.shards[which])
        path.unlink() if content is None else path.write_bytes(content)
        if content == shards[which]:
            continue  # the noise was what stood there

        found = dataset_damage.find(dataset)
        assert found is not None and str(path) in found
        if content is not None and len(content) == len(shards[which]):
            assert record_at(starts, first_change(content, shards[which])) in found
        else:
            assert re.search("is missing|has [0-9,]+ bytes, its manifest says [0-9,]+", found), at

        with pytest.raises(UserError) as caught:
            image_stream.first_images(manifest.open_dataset(tmp_path), len(images))
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 2


def first_change(content: bytes, sound: bytes) -> int:
    return next(at for at, (new, old) in enumerate(zip(content, sound)) if new != old)


def test_a_sound_dataset_gives_its_images(frames, images, tmp_path):
    shards = [b"".join(frames[n * EACH : (n + 1) * EACH]) for n in range(SHARDS)]
    dataset = write_dataset(tmp_path, shards)
    assert dataset_damage.find(dataset) is None
    np.testing.assert_array_equal(image_stream.first_images(dataset, len(images)), images)


def example(image: bytes, key: bytes = b"image") -> bytes:
    return records.encode_example(image, b"x").replace(b"image", key)


# A record with right checksums and a wrong content, and what is said of it.
STRANGE = {
    "another size": (example(encoded(np.zeros((16, 16, 3), np.uint8))), "its image is 16x16x3"),
    "another kind": (example(encoded(np.zeros((8, 8), np.uint8))), "its image is 8x8x1"),
    "no picture": (example(b"<html>404</html>"), "its image cannot be decoded"),
    "another format": (example(b"GIF89a\x08\x00\x08\x00"), "its image cannot be decoded"),
    "another feature": (example(b"", b"pixel"), "it has no feature 'image'"),
    "no example": (b"\x0a\xff", "its image cannot be decoded"),
    "nothing": (b"", "its image cannot be decoded"),
    "half a picture": (example(encoded(np.full((8, 8, 3), 7, np.uint8))[:50]), "its image cannot"),
    "a bomb": (example(encoded(np.zeros((4096, 4096), np.uint8))), "its image is 4096x4096x1"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_record_of_something_else_is_named(strange, frames, tmp_path, count_faults):
    count_faults("corrupted records", 1)
    payload, said = STRANGE[strange]
    shard = [*frames[:5], records.frame(payload), *frames[6:EACH]]
    dataset = write_dataset(tmp_path, [b"".join(shard)])
    place = f"is damaged: record 5 (byte {len(b''.join(shard[:5]))}): {said}"
    assert place in dataset_damage.find(dataset)
    with pytest.raises(UserError, match=re.escape(place)):
        image_stream.first_images(dataset, EACH)
