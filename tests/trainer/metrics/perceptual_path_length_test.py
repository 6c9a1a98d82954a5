import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import perceptual_path_length as path

SIZE, SIDE = 6, 4
WEIGHTS = np.random.default_rng(0).standard_normal([SIZE, SIDE * SIDE * 3])


def linear(latents: np.ndarray, batch: int) -> np.ndarray:
    return (latents @ WEIGHTS).reshape(-1, SIDE, SIDE, 3)


def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a - b) ** 2).sum(axis=(1, 2, 3))


def affine(z: np.ndarray, batch: int) -> np.ndarray:
    return 2 * z + 1


def measure(generate=linear, distance=squared, **changes):
    return path.estimate(
        generate, distance, **{"latent_size": SIZE, "pairs": 100, "batch_size": 16, **changes}
    )


def test_the_great_circle_begins_and_ends_at_its_points():
    draw = np.random.default_rng(0)
    a, b = 3 * draw.standard_normal([5, 7]), draw.standard_normal([5, 7])
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    np.testing.assert_allclose(path.slerp(a, b, np.zeros(5)), units[0], atol=1e-12)
    np.testing.assert_allclose(path.slerp(a, b, np.ones(5)), units[1], atol=1e-12)
    between = path.slerp(a, b, np.linspace(0, 1, 5))
    np.testing.assert_allclose(np.linalg.norm(between, axis=1), 1, rtol=1e-12)


def test_halfway_on_a_quarter_circle():
    found = path.slerp(np.array([[2.0, 0.0]]), np.array([[0.0, 5.0]]), np.array([0.5]))
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5]], rtol=1e-12)


def test_the_same_direction_twice_stays_where_it_is():
    a = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(path.slerp(a, 2 * a, np.array([0.3])), [[0.6, 0.8]], rtol=1e-12)


def test_a_line_keeps_the_shape_of_the_latents():
    start, end = np.zeros([2, 3, 4]), np.ones([2, 3, 4])
    found = path.lerp(start, end, np.array([0.25, 0.5]))
    np.testing.assert_allclose(found, np.array([0.25, 0.5])[:, None, None] * end)


@pytest.mark.parametrize("mapping", [None, affine])
@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_generator_that_never_changes_has_the_length_zero(mapping, sampling):
    found = measure(lambda w, _: np.ones([len(w), 4, 4, 3]), mapping=mapping, sampling=sampling)
    assert found.value == found.deviation == 0


def test_a_linear_generator_has_the_closed_form_in_w():
    # |A (w1 - w0)|^2 whatever epsilon is, for the same latents.
    found = measure(mapping=affine, sampling="end")
    draw, steps = np.random.default_rng(0), []
    for _ in range(7):
        z = draw.standard_normal([2, 16, SIZE])
        steps.append(2 * (z[1] - z[0]))
    lengths = ((np.concatenate(steps)[:100] @ WEIGHTS) ** 2).sum(axis=1)
    assert found.value == pytest.approx(path.trimmed(lengths).mean(), rel=1e-6)


def test_the_angle_is_the_length_in_z():
    # For the identity the step on the circle is 2 sin(angle * epsilon / 2), about angle * epsilon.
    found = measure(lambda z, _: z.reshape(-1, 1, 1, SIZE), sampling="end")
    z = np.concatenate([x for x in _pairs(7)], axis=1)[:, :100]
    units = z / np.linalg.norm(z, axis=-1, keepdims=True)
    angles = np.arccos((units[0] * units[1]).sum(axis=-1))
    assert found.value == pytest.approx(path.trimmed(angles**2).mean(), rel=1e-6)


def _pairs(batches: int):
    draw = np.random.default_rng(0)
    return [draw.standard_normal([2, 16, SIZE]) for _ in range(batches)]


# A line is as steep everywhere; a circle bends by as much as the step is long.
@pytest.mark.parametrize("mapping, tolerance", [(affine, 1e-6), (None, 1e-3)])
def test_the_length_of_the_step_does_not_matter(mapping, tolerance):
    values = [
        measure(mapping=mapping, sampling="end", epsilon=epsilon).value for epsilon in (1e-4, 1e-3)
    ]
    assert values[0] == pytest.approx(values[1], rel=tolerance)


def test_full_paths_are_sampled_between_their_ends():
    # images = w^2: the step at t is twice w(t) long, which differs along the path.
    def curved(w, _):
        return (w**2).reshape(-1, 1, 1, SIZE)

    full, end = (measure(curved, mapping=affine, sampling=x).value for x in ("full", "end"))
    assert full < 0.9 * end


def test_both_ends_have_the_same_noise_and_batches_another():
    seen = []

    def noisy(latents, noise):
        seen.append(noise)
        return linear(latents, noise) + np.random.default_rng(noise).standard_normal([4, 4, 3])

    assert measure(noisy, mapping=affine).value == pytest.approx(measure(mapping=affine).value)
    assert seen == [x for batch in range(7) for x in (batch, batch)]


def test_the_lowest_and_the_highest_percent_are_left_out():
    values = np.arange(1000.0)
    # The 1st percentile lies at 9.99: the value below stays; the 99th at 989.01: the one above.
    np.testing.assert_array_equal(path.trimmed(values), np.arange(9, 991))
    np.testing.assert_array_equal(path.trimmed(np.arange(5.0)), np.arange(5.0))


def test_the_face_is_cut_out():
    images = np.arange(16 * 16, dtype=float).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(path.compared(images, True), images[:, 6:14, 4:12])
    assert path.compared(images, False) is images


@pytest.mark.parametrize(
    "side, crop, expected",
    [(511, False, 511), (512, False, 256), (512, True, 256), (1024, True, 256)],
)
def test_large_images_are_averaged_down_by_the_side_that_is_compared(side, crop, expected):
    images = np.random.default_rng(0).standard_normal([1, side, side, 1])
    assert path.compared(images, crop).shape == (1, expected, expected, 1)


def test_averaging_takes_the_mean_of_squares():
    images = np.random.default_rng(0).standard_normal([2, 512, 512, 3])
    found = path.compared(images, False)
    np.testing.assert_allclose(found[1, 3, 5], images[1, 6:8, 10:12].mean(axis=(0, 1)))


def test_more_pairs_begin_with_the_same_ones():
    seen: list[list] = [[], []]
    for kept, pairs in zip(seen, (20, 40)):

        def keep(a, b, kept=kept):
            kept.extend(found := squared(a, b))
            return np.array(found)

        measure(distance=keep, mapping=affine, pairs=pairs)
    assert len(seen[0]) == 20
    np.testing.assert_array_equal(seen[0], seen[1][:20])


def test_few_pairs_are_warned_about():
    found = measure(mapping=affine)
    assert found.fakes == 100 and "100 pairs" in found.warning
    assert "w full" in found.method and "z full" in measure().method


def test_wrong_arguments_and_distances_are_refused():
    with pytest.raises(UserError, match="epsilon 0"):
        measure(epsilon=0)
    with pytest.raises(UserError, match="sampling 'middle': expected 'full' or 'end'"):
        measure(sampling="middle")
    with pytest.raises(UserError, match=r"distances have the shape \[3\], expected \[16\]"):
        measure(distance=lambda a, b: np.zeros(3))
    with pytest.raises(UserError, match="distances hold NaN"):
        measure(distance=lambda a, b: np.full(len(a), np.nan))
