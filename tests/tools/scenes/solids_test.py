"""Where rays meet the solids, compared with walking along them in small steps."""

import math

import numpy as np
import pytest

from dualcontrast.tools.scenes import solids
from dualcontrast.tools.scenes.solids import Cube, Cylinder, Sphere

SHAPES = [Sphere, Cube, Cylinder]


def make(shape) -> solids.Solid:
    return shape(x=0.4, y=-0.3, size=0.7, angle=0.5, colour=(1, 0, 0), shiny=False)


def is_inside(solid: solids.Solid, point: np.ndarray) -> np.ndarray:
    """Whether points [..., 3] lie in a solid, from what the shape means."""
    x, y, z = np.moveaxis(point, -1, 0)
    x, y, z = x - solid.x, y - solid.y, z - solid.half_height
    cos, sin = math.cos(solid.angle), math.sin(solid.angle)
    x, y = cos * x + sin * y, cos * y - sin * x
    if isinstance(solid, Sphere):
        return x * x + y * y + z * z < solid.size**2
    if isinstance(solid, Cube):
        return np.maximum(np.maximum(abs(x), abs(y)), abs(z)) < solid.half_height
    return (x * x + y * y < solid.size**2) & (abs(z) < solid.half_height)


def rays(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Origins and unit directions [count, 3] of rays through the neighbourhood of the solid."""
    random = np.random.default_rng(0)
    origin = random.normal(size=(count, 3)) * 3 + (0, 0, 4)
    target = random.uniform(-1, 1, (count, 3)) * 1.2 + (0.4, -0.3, 0.6)
    direction = target - origin
    return origin, direction / np.linalg.norm(direction, axis=1, keepdims=True)


def as_vector(points: np.ndarray) -> solids.Vector:
    return tuple(points.T.astype(np.float32))


@pytest.mark.parametrize("shape", SHAPES)
def test_rays_enter_and_leave_where_the_solid_begins_and_ends(shape):
    solid, (origin, direction) = make(shape), rays(400)
    enter, leave = solid.interval(as_vector(origin), as_vector(direction))
    distance = np.arange(-2, 14, 0.004)
    points = origin[:, None] + distance[:, None] * direction[:, None]
    inside = is_inside(solid, points)
    hit = inside.any(axis=1)
    assert 50 < hit.sum() < 350
    assert (hit == (enter < leave))[abs(leave - enter) > 0.02].all()
    first, last = distance[inside.argmax(axis=1)], distance[-1 - inside[:, ::-1].argmax(axis=1)]
    np.testing.assert_allclose(enter[hit], first[hit], atol=0.01)
    np.testing.assert_allclose(leave[hit], last[hit], atol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_ray_along_an_axis_is_no_special_case(shape):
    solid = make(shape)
    point = np.array([[solid.x, solid.y, 5.0]])
    enter, leave = solid.interval(as_vector(point), as_vector(np.array([[0.0, 0.0, -1.0]])))
    np.testing.assert_allclose(enter, 5 - 2 * solid.half_height, atol=1e-5)
    np.testing.assert_allclose(leave, 5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_normals_are_of_length_one_and_point_outward(shape):
    solid, (origin, direction) = make(shape), rays(400)
    enter, leave = solid.interval(as_vector(origin), as_vector(direction))
    hit = enter < leave
    point = (origin + enter[:, None] * direction)[hit]
    normal = np.stack(solid.normal(as_vector(point)), axis=1)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-4)
    assert is_inside(solid, point - 0.02 * normal).mean() > 0.98
    assert not is_inside(solid, point + 0.02 * normal).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_bounds_hold_the_solid(shape):
    solid = make(shape)
    points = np.random.default_rng(1).uniform(-1, 2, (20_000, 3))
    points = points[is_inside(solid, points)]
    assert len(points) > 500
    away = points - solid.middle
    assert np.linalg.norm(away, axis=1).max() <= solid.bound
    assert np.linalg.norm(away[:, :2], axis=1).max() <= solid.footprint
    assert points[:, 2].min() >= 0
