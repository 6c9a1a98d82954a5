"""Gradients of a loss whose samples are computed in parts: the same as at once, in less memory.

A loss that couples its samples, such as the dual contrastive one, is not the mean of its parts'.
Its gradient is exact all the same: the first pass makes what each sample contributes (its logit),
the derivative of the loss by these numbers is taken over all of them, on all devices, and the
second pass sends that derivative back through each part in turn.
"""

from collections.abc import Callable

import tensorflow as tf

# From the index of a part to one number for each of its samples, a few times: [samples] each.
Outputs = Callable[[tf.Tensor], list[tf.Tensor]]
# From what `Outputs` returns, of all parts, to the loss, a scalar, and what else shall be known.
Loss = Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor]]]


def gradients(
    outputs: Outputs,
    loss: Loss,
    variables: list[tf.Variable],
    *,
    numbers: int,
    parts: int,
    couples: bool,
    replicas: int,
) -> tuple[list[tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
    """Returns the gradients, of which the replicas' sum is wanted, the loss, and what it adds.

    Args:
      outputs: of one part; without side effects.
      loss: of this replica's samples; it may gather those of the others only if `couples`.
      variables: what to derive by. A variable that is not reached has a zero gradient.
      numbers: how many of them `outputs` returns for each sample.
      parts: how many there are.
      couples: whether the loss is more than a mean over samples.
      replicas: how many devices add up their gradients.
    """
    if parts == 1:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            value, extras = loss(*outputs(tf.constant(0)))
            scaled = value / replicas
        return _gradient(tape, scaled, variables), value, extras
    whole = _all(outputs, numbers, parts)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(whole)
        value, extras = loss(*(tf.reshape(output, [-1]) for output in whole))
        scaled = value / replicas
    slopes = tape.gradient(scaled, whole) if couples else None

    def target(part):
        found = outputs(part)
        if not couples:
            return loss(*found)[0] / (parts * replicas)
        reached = [(slope, x) for slope, x in zip(slopes, found) if slope is not None]
        return tf.add_n([tf.reduce_sum(slope[part] * x) for slope, x in reached])

    return _sum_over_parts(target, variables, parts), value, extras


def _all(outputs: Outputs, numbers: int, parts: int) -> list[tf.Tensor]:
    """Returns the outputs of all parts, [parts, samples of a part] each."""
    return tf.map_fn(
        outputs,
        tf.range(parts),
        fn_output_signature=[tf.float32] * numbers,
        parallel_iterations=1,
    )


def _sum_over_parts(target, variables, parts: int) -> list[tf.Tensor]:
    def body(part, *sums):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            value = target(part)
        found = _gradient(tape, value, variables)
        return part + 1, *(total + gradient for total, gradient in zip(sums, found))

    zeros = [tf.zeros(variable.shape, variable.dtype) for variable in variables]
    # One part at a time, or nothing would be spared.
    _, *sums = tf.while_loop(
        lambda part, *_: part < parts, body, (tf.constant(0), *zeros), parallel_iterations=1
    )
    return sums


def _gradient(tape: tf.GradientTape, value: tf.Tensor, variables) -> list[tf.Tensor]:
    return tape.gradient(value, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
