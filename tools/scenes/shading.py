"""How much light leaves each point of a rendered scene: ground, matt solids and shiny ones.

Points, directions and normals are `solids.Vector`s of n entries; light is linear and 1 is white.
"""

import math

import numpy as np

from dualcontrast.tools.scenes.solids import (
    Scene,
    Solid,
    Vector,
    advance,
    constant,
    dot,
    pick,
    unit,
)

_GROUND = 0.46  # Reflectance of the ground.
_SKY = 0.40  # Light from all around.
_LAMP = 0.95  # Light from the lamp on a surface that faces it, at `_LAMP_DISTANCE`.
_LAMP_DISTANCE = 9.5
_FILL = unit(constant((0.75, -0.35, 0.55)))  # Where a broad weak lamp shows in shiny surfaces.
_UP = constant((0.0, 0.0, 1.0))
_FLAT = 0.02  # Directions that fall less than this are taken to meet no ground.


def ground_light(scene: Scene, point: Vector, shares: np.ndarray) -> np.ndarray:
    """Light [n] of points of the ground, of which each sees a share of the lamp."""
    strength, lamp = _lamp(scene, point)
    return _GROUND * (_SKY * _openness(scene, None, point, _UP) + strength * lamp[2] * shares)


def solid_light(
    scene: Scene, solid: Solid, point: Vector, toward: Vector, shares: np.ndarray
) -> np.ndarray:
    """Light [3, n] of points of a solid that are seen along the unit directions `toward`."""
    normal = solid.normal(point)
    strength, lamp = _lamp(scene, point)
    strength = strength * shares
    around = _around(normal) * _openness(scene, solid, point, normal)
    diffuse = around + strength * np.maximum(dot(normal, lamp), 0)
    facing = np.maximum(-dot(normal, toward), 0)
    mirrored = tuple(t + 2 * facing * n for t, n in zip(toward, normal))
    glint = np.maximum(dot(mirrored, lamp), 0)
    colour = _column(solid)
    rim = (1 - facing) ** 4
    if not solid.shiny:
        return colour * diffuse + 0.2 * strength * glint**10 + 0.06 * rim * around
    tint = 1.6 * colour + 0.03 + 0.35 * rim
    arriving = _reflection(scene, solid, point, mirrored)
    highlight = (0.5 + tint) * 2.5 * strength * glint**120
    return 0.2 * colour * diffuse + tint * arriving + highlight


def _lamp(scene: Scene, point: Vector) -> tuple[np.ndarray, Vector]:
    """How strong the lamp is at each point, and in which direction it lies."""
    to_lamp = tuple(a - p for a, p in zip(constant(scene.lamp), point))
    return _LAMP * _LAMP_DISTANCE**2 / dot(to_lamp, to_lamp), unit(to_lamp)


def _around(normal: Vector) -> np.ndarray:
    """Light from all around: the sky from above, what the ground gives back from below."""
    below = _GROUND * 0.75
    return below + (_SKY - below) * (0.5 + 0.5 * normal[2])


def _openness(scene: Scene, own: Solid | None, point: Vector, normal: Vector) -> np.ndarray:
    """The share of all around that is not hidden by other solids, each taken for a ball."""
    hidden = np.zeros_like(point[0])
    for solid in scene.solids:
        if own is None or _is_near(own, solid):
            away = tuple(m - p for m, p in zip(constant(solid.middle), point))
            square = np.maximum(dot(away, away), solid.half_height**2)
            hidden += (
                solid.half_height**2 * np.maximum(dot(away, normal), 0) / (square * np.sqrt(square))
            )
    return 1 - 0.85 * np.minimum(hidden, 1)


def _is_near(own: Solid, other: Solid) -> bool:
    """Whether another solid takes a visible part of what is around: beyond, it is under 4 %."""
    distance = math.hypot(own.x - other.x, own.y - other.y)
    return own is not other and distance < own.footprint + 5 * other.half_height


def _reflection(scene: Scene, own: Solid, point: Vector, direction: Vector) -> np.ndarray:
    """Light [3, n] that arrives at points of a shiny solid from unit directions."""
    light = np.empty((3, point[0].size), np.float32)
    light[:] = _sky_light(scene, direction)
    depth = np.full_like(point[0], np.inf)
    falling = np.flatnonzero(direction[2] < -_FLAT)
    depth[falling] = -point[2][falling] / direction[2][falling]
    light[:, falling] = _mirrored_ground(scene, point, direction, depth, falling)
    for other in scene.solids:
        if other is not own:
            enter, leave = other.interval(point, direction)
            here = np.flatnonzero((enter < leave) & (enter > 0) & (enter < depth))
            depth[here] = enter[here]
            light[:, here] = _mirrored_solid(scene, other, point, direction, depth, here)
    return light


def _sky_light(scene: Scene, direction: Vector) -> np.ndarray:
    """Light of a direction above the horizon: grey, and two soft lamps for the metal to show."""
    key = np.maximum(dot(direction, unit(constant(scene.lamp))), 0)
    fill = np.maximum(dot(direction, _FILL), 0)
    return 0.26 - 0.16 * direction[2] + 1.3 * key**14 + 0.9 * fill**12


def _mirrored_ground(scene, point, direction, depth, here) -> np.ndarray:
    at = advance(pick(point, here), pick(direction, here), depth[here])
    far = np.minimum(depth[here] * 0.08, 1)  # The ground fades into the grey of the horizon.
    near_light = ground_light(scene, at, np.float32(0.8))
    return near_light + (0.22 - near_light) * far


def _mirrored_solid(scene, solid, point, direction, depth, here) -> np.ndarray:
    at = advance(pick(point, here), pick(direction, here), depth[here])
    normal = solid.normal(at)
    strength, lamp = _lamp(scene, at)
    return _column(solid) * (_around(normal) + strength * np.maximum(dot(normal, lamp), 0))


def _column(solid: Solid) -> np.ndarray:
    return np.array(solid.colour, np.float32)[:, None]
