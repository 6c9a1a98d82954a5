"""What both U-Nets are held to."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def check_second_derivatives():
    """Holds those of R1 of the scores against differences of so small a step."""
    return _check


def _check(network, batch, step):
    # P = |gradient of the scores in the images|^2, along one direction of all variables.
    variables = network.trainable_variables
    before = [tf.identity(variable.value) for variable in variables]
    draw = np.random.default_rng(2)
    directions = [tf.constant(draw.standard_normal(v.shape)) for v in before]

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(batch.images)
            score = network.outputs(batch).score
        return tf.reduce_sum(tape.gradient(score, batch.images) ** 2)

    with tf.GradientTape() as tape:
        found = penalty()
    slopes = tape.gradient(
        found,
        [variable.value for variable in variables],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    still = [v.path for v, slope in zip(variables, slopes) if not np.any(slope)]
    # Where an activation is linear, a bias does not change a slope.
    assert [path for path in still if "bias" not in path] == []
    slope = sum(tf.reduce_sum(s * d) for s, d in zip(slopes, directions))

    def at(along):
        for variable, value, direction in zip(variables, before, directions):
            variable.assign(value + along * direction)
        return penalty()

    np.testing.assert_allclose(slope, (at(step) - at(-step)) / (2 * step), rtol=1e-5)
