"""Scenes that are rendered (tools/scenes/scenes.py)."""

import functools
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from dualcontrast.tools.conversion.sources import raw_pixels, source
from dualcontrast.tools.conversion.sources.source import Entry, Labels, Listing, Opener
from dualcontrast.tools.scenes import scenes


@dataclass(frozen=True)
class Scenes(source.Source):
    """Rendered scenes."""

    count: int
    resolution: int
    seed: int
    kind: scenes.Kind = scenes.Kind()
    shuffles = False
    has_profiles = False
    label_names = ("shape", "colour")

    def listing(self) -> Listing:
        """One entry a scene; they are independent draws, so their order means nothing."""
        kind = self.kind
        what = f", {kind.fewest} to {kind.most} solids, zoom {kind.zoom:g}"
        if kind.size is not None:
            what += f", {kind.size}"
        if kind.spread != 1:
            what += f", spread {kind.spread:g}"
        of_seed = f"of seed {self.seed}{what if kind != scenes.Kind() else ''}"
        names = (f"scene {place} {of_seed}" for place in range(self.count))
        return Listing([Entry(name, place, 0) for place, name in enumerate(names)])

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that renders it."""
        for entry in entries:
            yield functools.partial(self._render, entry.place)

    def labels(self, wanted: str) -> Labels | None:
        """The classes, and that of every scene: the shape or the colour of its largest solid."""
        if wanted not in self.label_names:
            return None
        shapes = [kind.__name__.lower() for kind in scenes.SHAPES]
        names = {"shape": shapes, "colour": list(scenes.COLOURS)}[wanted]
        name_of = {"shape": scenes.shape, "colour": scenes.colour}[wanted]
        composed = (scenes.compose(self.seed, index, self.kind) for index in range(self.count))
        return names, [names.index(name_of(scenes.largest(scene))) for scene in composed]

    def _render(self, index: int) -> BinaryIO:
        pixels = scenes.render(self.seed, index, self.resolution, self.kind)
        return io.BytesIO(raw_pixels.as_file(pixels))
