"""Gradients of a loss whose samples are computed in parts: the same as at once, in less memory.

A loss that couples its samples, such as the dual contrastive one, is not the mean of its parts'.
Its gradient is exact all the same: the first pass makes what each sample contributes (its logit),
the derivative of the loss by these numbers is taken over all of them, on all devices, and the
second pass sends that derivative back through each part in turn. A loss that is a mean over samples
needs no first pass.
"""

from collections.abc import Callable

import tensorflow as tf

# From the index of a part to what each of its samples contributes: [samples, ...] each.
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
    named: tuple[str, ...],
    replicas: int,
) -> tuple[list[tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
    """Returns the gradients, of which the replicas' sum is wanted, the loss, and what it adds.

    Args:
      outputs: of one part; without side effects.
      loss: of this replica's samples; it may gather those of the others only if `couples`.
      variables: what to derive by. A variable that is not reached has a zero gradient.
      numbers: how many tensors `outputs` returns.
      parts: how many there are.
      couples: whether the loss is more than a mean over samples; what it adds, then, may be too.
      named: what `loss` adds, scalars.
      replicas: how many devices add up their gradients.
    """
    if parts == 1:
        return _part(outputs, loss, variables, tf.constant(0), replicas)
    if couples:
        return _coupled(outputs, loss, variables, numbers, parts, replicas)
    return _means(outputs, loss, variables, parts, named, replicas)


def _part(outputs: Outputs, loss: Loss, variables, part, replicas: int):
    """Returns the gradients, the loss and what it adds, of one part."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        value, extras = loss(*outputs(part))
        scaled = value / replicas
    return _gradient(tape, scaled, variables), value, extras


def _means(outputs: Outputs, loss: Loss, variables, parts: int, named, replicas: int):
    """Returns the means over the parts."""

    def add(part, *sums):
        found, value, extras = _part(outputs, loss, variables, part, replicas)
        terms = [*found, value, *(extras[name] for name in named)]
        return [total + term / parts for total, term in zip(sums, terms)]

    scalars = [tf.zeros([])] * (1 + len(named))
    sums = _over_parts(add, [*_zeros(variables), *scalars], parts)
    found, (value, *extras) = sums[: len(variables)], sums[len(variables) :]
    return found, value, dict(zip(named, extras))


def _coupled(outputs: Outputs, loss: Loss, variables, numbers: int, parts: int, replicas: int):
    """Returns the gradients, the loss and what it adds, in two passes."""
    whole = tf.map_fn(
        outputs,
        tf.range(parts),
        fn_output_signature=[tf.float32] * numbers,
        parallel_iterations=1,
    )
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(whole)
        value, extras = loss(*(tf.reshape(output, [-1, *output.shape[2:]]) for output in whole))
        scaled = value / replicas
    slopes = tape.gradient(scaled, whole)

    def add(part, *sums):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            reached = [(slope, x) for slope, x in zip(slopes, outputs(part)) if slope is not None]
            target = tf.add_n([tf.reduce_sum(slope[part] * x) for slope, x in reached])
        return [total + term for total, term in zip(sums, _gradient(tape, target, variables))]

    return _over_parts(add, _zeros(variables), parts), value, extras


def _over_parts(add, zeros: list[tf.Tensor], parts: int) -> list[tf.Tensor]:
    # One part at a time, or nothing would be spared.
    _, *sums = tf.while_loop(
        lambda part, *_: part < parts,
        lambda part, *sums: (part + 1, *add(part, *sums)),
        (tf.constant(0), *zeros),
        parallel_iterations=1,
    )
    return sums


def _zeros(variables) -> list[tf.Tensor]:
    return [tf.zeros(variable.shape, variable.dtype) for variable in variables]


def _gradient(tape: tf.GradientTape, value: tf.Tensor, variables) -> list[tf.Tensor]:
    found = tape.gradient(value, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [tf.convert_to_tensor(gradient) for gradient in found]  # that of an embedding is sparse
