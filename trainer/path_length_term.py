"""StyleGAN2's path length regulariser as a term of its generator."""

import tensorflow as tf

from dualcontrast.losses import path_length
from dualcontrast.trainer.terms import Gather, Part, Term


class PathLength(Term):
    """Equal steps in w, equal changes of the image (Karras et al. 2020, section 3.2).

    Args:
      weight: of the penalty.
      every: iterations from one to the next.
      decay: share of the newest batch in the running mean.
      batch_shrink: its batch is smaller by this factor.
    """

    metrics = ("path_length", "path_length/mean", "path_length/penalty")
    # The mean is of all replicas' samples: one device with the whole batch has no other.
    couples = True

    def __init__(self, weight: float, every: int, decay: float, batch_shrink: int):
        self.weight, self.every = weight, every
        self._decay, self._shrink = decay, batch_shrink
        self._mean = tf.Variable(
            0.0, trainable=False, aggregation=tf.VariableAggregation.MEAN, name="path_length_mean"
        )

    def samples(self, share: int) -> int:
        """Returns the size of its smaller batch."""
        return max(1, share // self._shrink)

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the length of every sample."""
        generator = part.generator
        inputs = generator.draw(part.draws)
        lengths = path_length.path_lengths(
            lambda w: generator.synthesis(w, noise=inputs["noise"]),
            generator.mixed_latents(inputs),
            part.draws.directions(generator.resolution, generator.channels),
        )
        return [lengths]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the weighted penalty, the lengths' mean and the moved mean."""
        (lengths,) = outputs
        mean = path_length.track_mean(self._mean, gather(lengths), self._decay)
        penalty = tf.reduce_mean(path_length.path_length_penalty(lengths, mean))
        values = (tf.reduce_mean(lengths), mean, penalty)
        return penalty * self.weight, dict(zip(self.metrics, values))

    def finish(self, metrics):
        """Keeps the moved mean."""
        self._mean.assign(metrics.pop("path_length/mean"))
        return metrics

    def variables(self) -> dict[str, tf.Variable]:
        """Returns the running mean."""
        return {"path_length_mean": self._mean}
