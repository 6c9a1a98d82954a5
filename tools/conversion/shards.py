"""Writing one shard of a dataset, all of it or nothing.

A shard is written under another name, brought to the disk, renamed, and then vouched for by a note
beside the conversion's request. A shard without its note is written again.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from dualcontrast.tools.conversion import example, likeness, pixels, workers
from dualcontrast.tools.conversion.decode_bounds import Bounds, Watch
from dualcontrast.tools.conversion.example import Example
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources.source import Entry, Opener, Source
from dualcontrast.tools.conversion.sources.staging import Part
from dualcontrast.trainer import files
from dualcontrast.trainer.data.manifest import Shard, shard_name

UNFINISHED = "unfinished"  # The folder, inside the dataset's, of notes and half-written shards.


@dataclass(frozen=True)
class Plan:
    """All that decides what a shard holds, but the entries of the source that go into it.

    Attributes:
      source: where the images are.
      rules: how they become alike.
      encoding: "png" or "jpeg".
      shards: how many there are.
      classes: names, in the order of the numbers that label the entries; none without labels.
      bounds: what an image may cost.
    """

    source: Source
    rules: pixels.Rules
    encoding: str
    shards: int
    classes: tuple[str, ...] = ()
    bounds: Bounds = Bounds()


@dataclass(frozen=True)
class Written:
    """A finished shard, and what is to be said about its images.

    Attributes:
      shard: its size and hash.
      rejected: name, reason and bytes of the images that could not go into it.
      notes: name and note of those that could.
      likenesses: the difference hashes of all, in the order of the entries, one behind the other.
    """

    shard: Shard
    rejected: tuple[tuple[str, str, int], ...]
    notes: tuple[tuple[str, str], ...]
    likenesses: str


class Job(NamedTuple):
    """A shard to write: its number, from 0, and the images that go into it, in order."""

    number: int
    part: Part


def write(
    shared: tuple[Plan, Path], job: Job, on_image: workers.Step, lost: workers.Lost
) -> tuple[int, Written]:
    """Writes a shard of a plan and returns its number and its note.

    Args:
      shared: what the shards hold, and the folder of the dataset.
      job: which shard.
      on_image: called after every image.
      lost: images that ended a process, by their number in the shard.

    Raises:
      OSError: the shard cannot be written; the images' own faults are in the note.
    """
    (plan, dest), (index, part) = shared, job
    name = shard_name(index, plan.shards)
    temporary = dest / UNFINISHED / f"{name}.tmp"
    digest, kept, rejected, notes, hashes = hashlib.sha256(), 0, [], [], []
    with open(temporary, "wb") as file:
        with plan.bounds.watching() as watch:
            for entry, found in _examples(plan, part, lost, watch):
                if isinstance(found, Rejected):
                    rejected.append((entry.name, str(found), entry.bytes))
                    hashes.append(likeness.NONE)
                else:
                    file.write(found.record)
                    digest.update(found.record)
                    kept += 1
                    hashes.append(found.likeness)
                    notes += [(entry.name, found.note)] * bool(found.note)
                on_image()
        size = file.tell()
        _flush(file)
    os.replace(temporary, dest / name)
    made = Shard(name, kept, size, digest.hexdigest())
    written = Written(made, tuple(rejected), tuple(notes), "".join(hashes))
    files.write(_note(dest, name), json.dumps(asdict(written)))
    return index, written


def read_note(plan: Plan, index: int, dest: Path) -> Written | None:
    """Returns the note of shard `index` if an earlier run finished it."""
    name = shard_name(index, plan.shards)
    try:
        fields = files.read_object(_note(dest, name))
        size = (dest / name).stat().st_size
        rejected, notes = (tuple(map(tuple, fields[kind])) for kind in ("rejected", "notes"))
        written = Written(Shard(**fields["shard"]), rejected, notes, fields["likenesses"])
    except (FileNotFoundError, files.FileError, KeyError, TypeError):
        return None  # it is written again
    return written if written.shard.bytes == size else None


def _note(dest: Path, name: str) -> Path:
    return dest / UNFINISHED / f"{name}.json"


def _flush(file) -> None:
    file.flush()
    os.fsync(file.fileno())


def _examples(
    plan: Plan, part: Part, lost: workers.Lost, watch: Watch
) -> Iterator[tuple[Entry, Example | Rejected]]:
    """For each entry its record, or why there is none."""
    openers = part.source.openers(part.entries)
    for number, (entry, opener) in enumerate(zip(part.entries, openers, strict=True)):
        if number in lost:
            yield entry, Rejected(plan.bounds.reason(lost[number]))
            continue
        try:
            content = _content(opener)
            with watch:
                made = example.make(content, entry.name, entry.label, plan.rules, plan.encoding)
        except Rejected as why:
            yield entry, why
        else:
            yield entry, made


def _content(opener: Opener) -> bytes:
    with opener() as file:
        try:
            return file.read()
        except Exception as error:  # A failing disk, or a zip member that fails its checksum.
            raise Rejected(f"cannot be read: {error}") from error
