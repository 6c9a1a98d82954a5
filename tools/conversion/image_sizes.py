"""Looks at the size of every image of a source before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass

from dualcontrast.tools.conversion import pixel_formats, pixels, workers
from dualcontrast.tools.conversion.decode_bounds import Bounds
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources.source import Entry, Source
from dualcontrast.trainer.data.manifest import is_resolution
from dualcontrast.trainer.errors import UserError

_ENTRIES_A_JOB = 500

# Sizes (width, height), each with how many images have it and the name of the first.
Sizes = dict[tuple[int, int], tuple[int, str]]


@dataclass(frozen=True)
class _Question:
    source: Source
    crop: str
    max_pixels: int
    bounds: Bounds


def is_needed(rules: pixels.Rules) -> bool:
    """Whether the rules say too little to be applied to images of any size."""
    return rules.resolution is None or rules.crop == "none"


def resolution(
    source: Source,
    entries: list[Entry],
    rules: pixels.Rules,
    bounds: Bounds,
    processes: int,
    on_count: Callable[[int], None],
) -> int:
    """Returns the resolution that the dataset will have.

    Raises:
      UserError: the images differ in size, or are not square, and the rules do not say what to do.
    """
    question = _Question(source, rules.crop, rules.max_pixels, bounds)
    if source.streamed:  # Headers are looked at faster than workers can be given what to look at.
        processes, at_once = 1, len(entries)
    else:
        at_once = _ENTRIES_A_JOB
    starts = range(0, len(entries), at_once)
    jobs = [entries[start : start + at_once] for start in starts]
    found: Sizes = {}
    refused = []
    for sizes, why in workers.run(_look, question, jobs, processes, on_count):
        refused += why
        for size, (count, name) in sizes.items():
            before, first = found.get(size, (0, name))
            found[size] = (before + count, min(first, name))
    return _decide(found, sorted(refused), rules)


def _look(
    question: _Question, entries: list[Entry], step: workers.Step, lost: workers.Lost
) -> tuple[Sizes, list]:
    """The sizes of some images, and (name, reason) for the first that has none."""
    sizes: Sizes = {}
    refused = []
    openers = question.source.openers(entries)
    with question.bounds.watching() as watch:
        for number, (entry, opener) in enumerate(zip(entries, openers, strict=True)):
            try:
                if number in lost:
                    raise Rejected(question.bounds.reason(lost[number]))
                with opener() as file, watch:
                    shown = pixel_formats.shown_size(file, question.max_pixels)
                size = pixels.cropped_size(shown, question.crop)
                count, name = sizes.get(size, (0, entry.name))
                sizes[size] = (count + 1, name)
            except Rejected as why:
                refused.append((entry.name, str(why)))
            step()
    return sizes, refused[:1]


def _decide(found: Sizes, refused: list, rules: pixels.Rules) -> int:
    if not found:
        name, why = refused[0]
        raise UserError(f"No image of --source can be used. The first, {name}, {why}.")
    oblong = [size for size in found if size[0] != size[1]]
    if oblong:
        raise UserError(
            f"--source holds images that are not square: {_listed(found, oblong)}.\n"
            f"Say what to keep: --resolution={rules.resolution or _near(found)} --crop=center"
            " (or squash)"
        )
    if rules.resolution is not None:
        return rules.resolution
    if len(found) > 1:
        raise UserError(
            f"--source holds images of {len(found)} sizes: {_listed(found, list(found))}.\n"
            f"Give them one: --resolution={_near(found)}"
        )
    ((side, _),) = found
    if not is_resolution(side):
        raise UserError(
            f"The images are {side}x{side}; training needs a power of two from 8.\n"
            f"Resize them: --resolution={_near(found)}"
        )
    return side


def _listed(found: Sizes, sizes: list[tuple[int, int]]) -> str:
    """The commonest sizes, each with its first image."""
    sizes = sorted(sizes, key=lambda size: (-found[size][0], size))
    shown = [f"{w}x{h} ({found[w, h][0]}, e.g. {found[w, h][1]})" for w, h in sizes[:3]]
    return ", ".join(shown + ["..."] * (len(sizes) > 3))


def _near(found: Sizes) -> int:
    """The greatest resolution that enlarges no image of the commonest size."""
    commonest = max(found, key=lambda size: (found[size][0], size))
    return max(8, 1 << (min(commonest).bit_length() - 1))
