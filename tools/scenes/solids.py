"""The solids of the rendered scenes: where a ray enters and leaves them, and their normals.

All are convex, so a ray meets each in one interval. A vector is a tuple of three float32 arrays of
one shape (x, y, z): numpy is fastest on arrays that lie together.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Vector = tuple[np.ndarray, np.ndarray, np.ndarray]

_EDGE = 0.93  # Edges are shaded as if they were rounded from this fraction of the half width on.
_TINY = 1e-12


@dataclass(frozen=True)
class Solid:
    """A solid that stands on the ground, z = 0.

    Attributes:
      x, y: where its middle stands.
      size: radius of a sphere or a cylinder; a cube gets a little less than that as half width.
      angle: turn about the vertical, radians.
      colour: reflectance of red, green and blue in linear light.
      shiny: metal rather than rubber.
    """

    x: float
    y: float
    size: float
    angle: float
    colour: tuple[float, float, float]
    shiny: bool

    @property
    def half_height(self) -> float:
        return self.size

    @property
    def footprint(self) -> float:
        """Radius of the circle on the ground that holds it."""
        return self.size

    @property
    def middle(self) -> tuple[float, float, float]:
        """Its centre."""
        return self.x, self.y, self.half_height

    @property
    def bound(self) -> float:
        """Radius of the sphere about its middle that holds it."""
        return math.hypot(self.footprint, self.half_height)

    @cached_property
    def _turn(self) -> tuple[np.float32, np.float32]:
        return np.float32(math.cos(self.angle)), np.float32(math.sin(self.angle))

    def interval(self, origin: Vector, direction: Vector) -> tuple[np.ndarray, np.ndarray]:
        """Distances at which rays (unit directions) enter and leave; enter > leave if they miss."""
        raise NotImplementedError

    def normal(self, point: Vector) -> Vector:
        """Unit normals at points of the surface."""
        raise NotImplementedError

    def to_local(self, point: Vector) -> Vector:
        """Points of the world as seen from the middle of the solid, turned with it."""
        x, y, z = point
        moved = (x - self.x, y - self.y, z - self.half_height)
        return self.turn(moved)

    def turn(self, direction: Vector) -> Vector:
        """Directions of the world in the solid's own frame."""
        (cos, sin), (x, y, z) = self._turn, direction
        return cos * x + sin * y, cos * y - sin * x, z

    def turn_back(self, direction: Vector) -> Vector:
        """Directions of the solid's own frame in the world."""
        (cos, sin), (x, y, z) = self._turn, direction
        return cos * x - sin * y, cos * y + sin * x, z


@dataclass(frozen=True)
class Sphere(Solid):
    """A ball of radius `size`."""

    @property
    def bound(self) -> float:
        return self.size

    def interval(self, origin: Vector, direction: Vector) -> tuple[np.ndarray, np.ndarray]:
        local = self.to_local(origin)
        along = -dot(local, self.turn(direction))
        square = along * along - dot(local, local) + self.size**2
        return _between(along, square)

    def normal(self, point: Vector) -> Vector:
        return self.turn_back(unit(self.to_local(point)))


@dataclass(frozen=True)
class Cube(Solid):
    """A cube whose edges look rounded."""

    @property
    def half_height(self) -> float:
        return self.size / math.sqrt(1.5)

    @property
    def footprint(self) -> float:
        return self.half_height * math.sqrt(2)

    def interval(self, origin: Vector, direction: Vector) -> tuple[np.ndarray, np.ndarray]:
        enter, leave = -np.inf, np.inf
        for o, d in zip(self.to_local(origin), self.turn(direction)):
            near, far = _slab(o, d, self.half_height)
            enter, leave = np.maximum(enter, near), np.minimum(leave, far)
        return enter, leave

    def normal(self, point: Vector) -> Vector:
        local = self.to_local(point)
        sides = tuple(np.copysign(_rounded(abs(x), self.half_height), x) for x in local)
        return self.turn_back(unit(sides))


@dataclass(frozen=True)
class Cylinder(Solid):
    """An upright cylinder, as high as it is wide, whose rims look rounded."""

    @property
    def half_height(self) -> float:
        return self.size * 0.95

    def interval(self, origin: Vector, direction: Vector) -> tuple[np.ndarray, np.ndarray]:
        (x, y, z), (dx, dy, dz) = self.to_local(origin), self.turn(direction)
        scale = 1 / np.maximum(dx * dx + dy * dy, _TINY)
        along = -(x * dx + y * dy) * scale
        square = along * along - (x * x + y * y - self.size**2) * scale
        enter, leave = _between(along, square)
        near, far = _slab(z, dz, self.half_height)
        return np.maximum(enter, near), np.minimum(leave, far)

    def normal(self, point: Vector) -> Vector:
        x, y, z = self.to_local(point)
        radius = np.sqrt(x * x + y * y)
        side = _rounded(radius, self.size) / np.maximum(radius, _TINY)
        top = np.copysign(_rounded(abs(z), self.half_height), z)
        return self.turn_back(unit((x * side, y * side, top)))


@dataclass(frozen=True)
class Scene:
    """What there is to see: solids, and where the camera and the middle of the lamp are.

    With `zoom` the picture is narrower by this factor, and what is in it is larger.
    """

    solids: tuple[Solid, ...]
    camera: tuple[float, float, float]
    lamp: tuple[float, float, float]
    zoom: float = 1.0


def constant(point: tuple[float, float, float]) -> Vector:
    """One point as a vector that goes with any number of others."""
    return tuple(np.float32(x) for x in point)


def pick(a: Vector, where: np.ndarray) -> Vector:
    """The entries of a vector at the indices `where`."""
    return a[0][where], a[1][where], a[2][where]


def advance(origin: Vector, direction: Vector, distance: np.ndarray) -> Vector:
    """The points at a distance from origins along unit directions."""
    return tuple(o + distance * d for o, d in zip(origin, direction))


def cross(a: Vector, b: Vector) -> Vector:
    """Outer products."""
    (ax, ay, az), (bx, by, bz) = a, b
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def dot(a: Vector, b: Vector) -> np.ndarray:
    """Inner products."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(a: Vector) -> Vector:
    """Vectors of length one in the same directions."""
    scale = 1 / np.sqrt(np.maximum(dot(a, a), _TINY))
    return a[0] * scale, a[1] * scale, a[2] * scale


def _between(middle: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The interval middle -+ sqrt(square), empty (inf, -inf) where the square is negative."""
    half = np.sqrt(np.maximum(square, 0))
    missed = square < 0
    return np.where(missed, np.inf, middle - half), np.where(missed, -np.inf, middle + half)


def _slab(o: np.ndarray, d: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval in which |o + t d| <= half."""
    inverse = 1 / np.where(abs(d) < _TINY, _TINY, d)
    middle, reach = -o * inverse, abs(inverse) * half
    return middle - reach, middle + reach


def _rounded(distance: np.ndarray, half: float) -> np.ndarray:
    """How much a face pulls the normal: 0 inside, rising to 1 from `_EDGE` to the face itself."""
    return np.maximum(distance * (1 / half) - _EDGE, 0) * (1 / (1 - _EDGE))
