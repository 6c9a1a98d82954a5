"""Rendered scenes to learn from: a few simple solids on a grey ground.

A dataset of any size and resolution that needs no download and has no owner, in the manner of CLEVR
(Johnson et al. 2017): 3 to 8 spheres, cubes and cylinders, large or small, in eight colours, shiny
or matt, under one lamp with a soft shadow. What there is in scene `index` is a function of (seed,
index) and of what scenes are asked for, so that the same scene can be had at every resolution.

    image = scenes.render(seed=0, index=17, resolution=64)      # uint8 [64, 64, 3]
"""

import dataclasses
import math

import numpy as np

from dualcontrast.tools.scenes import raytrace
from dualcontrast.tools.scenes.solids import Cube, Cylinder, Scene, Solid, Sphere

# Reflectance in linear light, the same for red, green and blue apart.
COLOURS = {
    "grey": (0.10, 0.10, 0.10),
    "red": (0.42, 0.018, 0.018),
    "blue": (0.023, 0.065, 0.68),
    "green": (0.012, 0.14, 0.007),
    "brown": (0.22, 0.067, 0.018),
    "purple": (0.22, 0.018, 0.52),
    "cyan": (0.022, 0.40, 0.40),
    "yellow": (0.86, 0.47, 0.014),
}
SHAPES = (Sphere, Cube, Cylinder)
SIZES = {"large": 0.72, "small": 0.42}

_REGION = 2.4  # Centres of objects lie within this distance of the middle of the scene, at zoom 1.
_ROOM = 8  # So many objects always find a place there.
_GAP = 0.18  # Free ground between two objects.
_CAMERA = (0.0, -8.6, 5.6)
_LAMP = (-4.2, -3.4, 8.0)
_JITTER = 0.45  # Camera and lamp move by up to this much in each direction.


@dataclasses.dataclass(frozen=True)
class Kind:
    """What scenes are asked for.

    Attributes:
      fewest, most: solids of a scene, from 1 to `room(zoom, spread)`.
      zoom: factor by which the camera sees less and larger, at least 1; solids stand in what it
        sees.
      size: key of `SIZES` that every solid has; with None each has one of them.
      spread: how far from the middle solids stand at most, as a share of what the camera sees, 0 to
        1.
    """

    fewest: int = 3
    most: int = 8
    zoom: float = 1.0
    size: str | None = None
    spread: float = 1.0


def room(zoom: float, spread: float = 1.0) -> int:
    """Returns how many solids a scene has place for."""
    return max(1, int(_ROOM * (spread / zoom) ** 2))


def render(seed: int, index: int, resolution: int, kind: Kind = Kind()) -> np.ndarray:
    """Returns scene `index` of the sequence `seed`, uint8 [resolution, resolution, 3] in sRGB."""
    return raytrace.picture(compose(seed, index, kind), resolution)


def compose(seed: int, index: int, kind: Kind = Kind()) -> Scene:
    """Returns what there is in scene `index` of the sequence `seed`."""
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index])))
    camera = _jitter(random, _CAMERA)
    lamp = _jitter(random, _LAMP)
    solids = None
    while solids is None:
        solids = _place(random, int(random.integers(kind.fewest, kind.most + 1)), kind)
    return Scene(solids, camera, lamp, kind.zoom)


def largest(scene: Scene) -> Solid:
    """Returns the largest solid; of several, the one that is nearest to the camera."""
    return max(scene.solids, key=lambda solid: (solid.size, -solid.y))


def shape(solid: Solid) -> str:
    """Returns what kind of solid it is, such as "cube"."""
    return type(solid).__name__.lower()


def colour(solid: Solid) -> str:
    """Returns the name of its colour."""
    return next(name for name, reflectance in COLOURS.items() if reflectance == solid.colour)


def _jitter(random: np.random.Generator, point: tuple[float, ...]) -> tuple[float, float, float]:
    return tuple(float(x + random.uniform(-_JITTER, _JITTER)) for x in point)


def _place(random: np.random.Generator, count: int, kind: Kind) -> tuple[Solid, ...] | None:
    """Returns `count` solids that do not touch, or None when there is no room left."""
    placed: list[Solid] = []
    for _ in range(40 * count):
        solid = _draw(random, kind)
        if all(_apart(solid, other) for other in placed):
            placed.append(solid)
        if len(placed) == count:
            return tuple(placed)
    return None


def _draw(random: np.random.Generator, kind: Kind) -> Solid:
    made = SHAPES[random.integers(len(SHAPES))]
    sizes = [size for name, size in SIZES.items() if kind.size in (None, name)]
    distance = _REGION * kind.spread / kind.zoom * math.sqrt(random.uniform())
    bearing = random.uniform(0, 2 * math.pi)
    return made(
        x=distance * math.cos(bearing),
        y=distance * math.sin(bearing),
        size=sizes[random.integers(len(sizes))],
        angle=random.uniform(0, 2 * math.pi),
        colour=tuple(COLOURS.values())[random.integers(len(COLOURS))],
        shiny=bool(random.integers(2)),
    )


def _apart(a: Solid, b: Solid) -> bool:
    return math.hypot(a.x - b.x, a.y - b.y) > a.footprint + b.footprint + _GAP
