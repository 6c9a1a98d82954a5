"""The shards of a dataset written by a pipeline of Apache Beam, wherever its runner has machines.

An element of the pipeline is a shard: the images and the folder of the dataset are where every
machine finds them by the same path. So the order is kept, a shard that failed is written again by
itself, and the notes in the folder say what is done, as they do for the runner of one machine.

    DEST/unfinished/jobs.tmp    the entries of each shard, one line of JSON a shard

What a job graph may hold is little (10 MB in Dataflow), so it holds places in that file only.
"""

import contextlib
import functools
import io
import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from dualcontrast.tools.conversion import conversion, shards, workers
from dualcontrast.tools.conversion.shards import UNFINISHED, Job, Plan, Written
from dualcontrast.tools.conversion.sources.source import Entry
from dualcontrast.tools.conversion.sources.staging import Part, Staged
from dualcontrast.trainer.errors import UserError

LOCAL = "DirectRunner"
# What Beam has under that name would first download another runner, Prism, and fall back to this.
_LOCAL = "FnApiRunner"
# Around what an error says: our class, and where in the pipeline it was raised.
_NOT_FOR_PEOPLE = re.compile(r"^dualcontrast\.[\w.]+: | \[while running '.*'\]$")


class Place(NamedTuple):
    """Where in the file of jobs one is, bytes."""

    start: int
    size: int


def runner(name: str, options: Sequence[str], processes: int) -> conversion.Runner:
    """Returns the runner that Beam has under a name.

    Args:
      name: such as "DataflowRunner".
      options: of Beam and of that runner, as `name=value`.
      processes: that work at the same time on this machine, for Beam's local runner.

    Raises:
      UserError: Beam has no such runner, or refuses the options.
    """
    words = [f"--{option}" for option in options]
    if name == LOCAL:
        # What Beam logs of an error is the traceback that the error also holds.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        # Each thread waits for a process of its own, which `_write` starts.
        words += ["--direct_running_mode=multi_threading", f"--direct_num_workers={processes}"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed = PipelineOptions(words)
            parsed.get_all_options()  # Each kind would otherwise be looked at when it is used.
            pipeline = beam.Pipeline(runner=_LOCAL if name == LOCAL else name, options=parsed)
    except SystemExit as error:  # Of argparse, which ends with PROGRAM: error: WHY.
        raise UserError(_refused(name, said.getvalue().rpartition("error: ")[2])) from error
    except (ValueError, ImportError) as error:
        raise UserError(_refused(name, str(error))) from error
    return functools.partial(_run, pipeline)


def _refused(name: str, why: str) -> str:
    return (
        f"Beam refuses --runner={name} with these --runner_options: {' '.join(why.split())}\n"
        "What each runner needs: docs/beam.md. --runner=DirectRunner needs nothing."
    )


def _run(
    pipeline: beam.Pipeline,
    plan: Plan,
    dest: Path,
    jobs: Iterable[Job],
    on_count: conversion.OnCount,
) -> Iterator[tuple[int, Written]]:
    """A `conversion.Runner`, but for the pipeline."""
    places = _put_down(jobs, dest)
    _ = (
        pipeline
        | "Shards" >> beam.Create(list(places.values()))
        | "Spread" >> beam.Reshuffle()
        | "Write" >> beam.Map(functools.partial(_write, plan, dest.absolute()))
    )
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # Whatever a runner may raise: Beam has no base class for it.
        raise UserError(f"The pipeline has failed: {_last_line(error)}\n{_KEPT}") from error
    done = 0
    for index in places:
        note = shards.read_note(plan, index, dest)
        if note is None:
            raise UserError(
                f"The pipeline has ended, and shard {index} is not in {dest}.\n"
                "Give a --dest that all its machines write to by the same path."
            )
        done += note.shard.records + len(note.rejected)
        on_count(done)
        yield index, note


_KEPT = "Mend that and run the same command again; shards that are finished are kept."


def _last_line(error: Exception) -> str:
    """What went wrong on a machine: runners hand its traceback on, followed by their own notes."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    own = [line for line in lines if line[0].isalpha() and ": " in line]
    line = (own or lines or [type(error).__name__])[-1]
    return _NOT_FOR_PEOPLE.sub("", line).rstrip(".") + "."


def _put_down(jobs: Iterable[Job], dest: Path) -> dict[int, Place]:
    """Writes the jobs to the disk and returns the place of each, by the number of its shard."""
    places = {}
    with open(_path(dest), "wb") as file:
        for job in jobs:
            source = job.part.source
            fields = {
                "number": job.number,
                "entries": [[e.name, e.place, e.bytes, e.label] for e in job.part.entries],
                "staged": [source.path, source.contents] if isinstance(source, Staged) else None,
            }
            line = json.dumps(fields).encode() + b"\n"
            places[job.number] = Place(file.tell(), file.write(line))
    return places


def _taken_up(plan: Plan, dest: Path, place: Place) -> Job:
    with open(_path(dest), "rb") as file:
        file.seek(place.start)
        fields = json.loads(file.read(place.size))
    source, staged = plan.source, fields["staged"]
    if staged:
        path, contents = staged
        source = Staged(path, tuple(c if isinstance(c, str) else tuple(c) for c in contents))
    entries = [Entry(*values) for values in fields["entries"]]
    return Job(fields["number"], Part(source, entries))


def _path(dest: Path) -> Path:
    return dest / UNFINISHED / "jobs.tmp"


def _write(plan: Plan, dest: Path, place: Place) -> None:
    """Writes one shard, in a process that an image may end."""
    job = _taken_up(plan, dest, place)
    for _ in workers.run_apart(shards.write, (plan, dest), [job], 1, lambda count: None):
        pass
