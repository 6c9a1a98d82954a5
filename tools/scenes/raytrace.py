"""Draws a scene: which ray of the camera meets what, and how much of the lamp each point sees.

Every step works on all its rays at once. A solid is tried only against rays that can meet it: those
in the part of the picture that holds it, and for shadows those that pass near it on their way to
the lamp.
"""

import math

import numpy as np

from dualcontrast.tools.scenes import shading
from dualcontrast.tools.scenes.solids import (
    Scene,
    Solid,
    Vector,
    advance,
    constant,
    cross,
    dot,
    pick,
    unit,
)

_TARGET = (0.0, -0.25, 0.2)  # The camera looks at this point.
_HALF_VIEW = math.tan(math.radians(16.2))  # Half of the picture's width at distance one, zoom 1.
_FINEST = 128  # A picture that is smaller than this is traced at this size and averaged.
_FLATTEST = -0.02  # The camera's rays all fall; this keeps those of an odd camera from infinity.
_LAMP_RADIUS = 1.0
_LAMP_POINTS = 16
_NO_SOLID = -1


def picture(scene: Scene, resolution: int) -> np.ndarray:
    """Returns the scene as uint8 [resolution, resolution, 3], in sRGB."""
    fine = max(2, math.ceil(_FINEST / resolution))
    light = _trace(scene, resolution * fine)
    light = light.reshape(3, resolution, fine, resolution, fine).mean(axis=(2, 4))
    return _to_srgb(light.transpose(1, 2, 0))


def _to_srgb(light: np.ndarray) -> np.ndarray:
    """Light [...] as uint8 on the sRGB curve (IEC 61966-2-1), white and brighter as 255."""
    light = np.clip(light, 0, 1)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8)


def _trace(scene: Scene, size: int) -> np.ndarray:
    """Light that reaches the camera, [3, size, size]."""
    # Light on the ground changes slowly, so one ray for four is enough there.
    light = np.empty((3, size, size), np.float32)
    light[:] = _ground(scene, size // 2).repeat(2, axis=0).repeat(2, axis=1)
    flat = light.reshape(3, -1)
    direction = _camera_rays(scene, size)
    depth, owner = _first_hits(scene, direction)
    here = np.flatnonzero(owner != _NO_SOLID)
    point = advance(constant(scene.camera), pick(direction, here), depth[here])
    flat[:, here] = _solids(scene, point, pick(direction, here), owner[here])
    return light


def _ground(scene: Scene, size: int) -> np.ndarray:
    """Light of the ground as if the solids, but not their shadows, were invisible, [size, size]."""
    direction = _camera_rays(scene, size)
    point = advance(constant(scene.camera), direction, _ground_depth(scene, direction))
    owner = np.full(size * size, _NO_SOLID)
    light = shading.ground_light(scene, point, _lamp_shares(scene, point, owner))
    return light.reshape(size, size)


def _solids(scene: Scene, point: Vector, toward: Vector, owner: np.ndarray) -> np.ndarray:
    """Light [3, n] of points of the solids `owner`, seen along the unit directions `toward`."""
    shares = _lamp_shares(scene, point, owner)
    light = np.empty((3, owner.size), np.float32)
    for index, solid in enumerate(scene.solids):
        here = np.flatnonzero(owner == index)
        light[:, here] = shading.solid_light(
            scene, solid, pick(point, here), pick(toward, here), shares[here]
        )
    return light


def _camera_rays(scene: Scene, size: int) -> Vector:
    """Unit directions through the middles of size x size pixels, row by row, [size * size]."""
    forward, right, up = _camera_axes(scene)
    step = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1) * _half_view(scene)
    u, v = np.tile(step, size), np.repeat(-step, size)
    return unit(tuple(f + u * r + v * w for f, r, w in zip(forward, right, up)))


def _half_view(scene: Scene) -> np.float32:
    return np.float32(_HALF_VIEW / scene.zoom)


def _camera_axes(scene: Scene) -> tuple[Vector, Vector, Vector]:
    """The directions forward, right and up of the picture."""
    forward = unit(tuple(t - c for t, c in zip(constant(_TARGET), constant(scene.camera))))
    right = unit((forward[1], -forward[0], np.float32(0)))
    return forward, right, cross(right, forward)


def _first_hits(scene: Scene, direction: Vector) -> tuple[np.ndarray, np.ndarray]:
    """How far the camera's rays go, [n], and the number of the solid where they end."""
    size = math.isqrt(direction[0].size)
    depth = _ground_depth(scene, direction).reshape(size, size)
    owner = np.full((size, size), _NO_SOLID, np.int16)
    grid = tuple(x.reshape(size, size) for x in direction)
    for index, solid in enumerate(scene.solids):
        window = _window(scene, solid, size)
        enter, leave = solid.interval(constant(scene.camera), tuple(x[window] for x in grid))
        hit = (enter < leave) & (enter < depth[window])
        np.copyto(depth[window], enter, where=hit)
        np.copyto(owner[window], np.int16(index), where=hit)
    return depth.ravel(), owner.ravel()


def _ground_depth(scene: Scene, direction: Vector) -> np.ndarray:
    """How far the camera's rays go until they meet the ground."""
    return -scene.camera[2] / np.minimum(direction[2], _FLATTEST)


def _window(scene: Scene, solid: Solid, size: int) -> tuple[slice, slice]:
    """Rows and columns of the picture that hold all that can be seen of a solid."""
    forward, right, up = _camera_axes(scene)
    to_middle = tuple(m - c for m, c in zip(solid.middle, scene.camera))
    scale = 1 / (dot(to_middle, forward) * _half_view(scene))
    reach = 1.2 * solid.bound * scale  # 1.2: a ball off the axis looks longer than one on it.
    row, column = -dot(to_middle, up) * scale, dot(to_middle, right) * scale
    return _span(row, reach, size), _span(column, reach, size)


def _span(middle: float, reach: float, size: int) -> slice:
    """The pixels from middle - reach to middle + reach, of a picture from -1 to 1."""
    start, stop = ((middle + sign * reach + 1) / 2 * size for sign in (-1, 1))
    return slice(max(0, int(start)), max(0, min(size, int(stop) + 1)))


def _lamp_shares(scene: Scene, point: Vector, owner: np.ndarray) -> np.ndarray:
    """The share of the lamp that each point sees, [n], in the shade of all solids but its own."""
    hidden = np.zeros((_LAMP_POINTS, point[0].size), bool)
    lamp = tuple(x[:, None] for x in _lamp_points(scene))
    for index, solid in enumerate(scene.solids):
        near = np.flatnonzero(_may_shade(scene, solid, point) & (owner != index))
        origin = pick(point, near)
        enter, leave = solid.interval(origin, unit(tuple(a - b for a, b in zip(lamp, origin))))
        hidden[:, near] |= (enter < leave) & (leave > 0)
    return 1 - hidden.sum(axis=0, dtype=np.float32) / _LAMP_POINTS


def _may_shade(scene: Scene, solid: Solid, point: Vector) -> np.ndarray:
    """Whether the ball about a solid reaches into the cone from a point to the lamp."""
    to_lamp = tuple(a - p for a, p in zip(constant(scene.lamp), point))
    to_solid = tuple(a - p for a, p in zip(constant(solid.middle), point))
    square = dot(to_lamp, to_lamp)
    fraction = dot(to_lamp, to_solid) / square
    off_axis = dot(to_solid, to_solid) - fraction * fraction * square
    reach = solid.bound + _LAMP_RADIUS * np.maximum(fraction, 0)
    return (off_axis < reach * reach) & (fraction > 0)


def _lamp_points(scene: Scene) -> Vector:
    """Points [s] spread evenly over the lamp, a disc that faces the middle of the scene."""
    number = np.arange(_LAMP_POINTS, dtype=np.float32)
    radius = _LAMP_RADIUS * np.sqrt((number + 0.5) / _LAMP_POINTS)
    turn = number * (math.pi * (3 - math.sqrt(5)))  # The golden angle, as in a sunflower.
    axis = unit(constant(scene.lamp))
    across = unit((axis[1], -axis[0], np.float32(0)))
    beyond = cross(across, axis)
    a, b = radius * np.cos(turn), radius * np.sin(turn)
    return tuple(m + a * u + b * v for m, u, v in zip(constant(scene.lamp), across, beyond))
