"""Consistency regularisation as terms: CR, bCR, zCR, and ICR, which is bCR and zCR.

What is changed are the images that the discriminator is shown, after an augmentation: the clean
logits are those that the adversarial loss has, and nothing is judged twice. The changed images are
compared with the same references, have the same labels, and are judged by the same kernels as the
clean ones: in spectral normalisation they are passes from the same u, though they move it on.
"""

import tensorflow as tf

from dualcontrast.augmentation import flip_shift
from dualcontrast.layers.networks import Batch
from dualcontrast.trainer.config.consistency_section import ConsistencyConfig
from dualcontrast.trainer.terms import Gather, Part, Term


def of_discriminator(section: ConsistencyConfig) -> list[Term]:
    """Returns the discriminator's terms; some have no weight."""
    return [
        ImageConsistency(section.real_weight, section.fake_weight, section.shift),
        LatentConsistency(section.latent_weight, section.latent_noise),
    ]


def of_generator(section: ConsistencyConfig) -> list[Term]:
    """Returns the generator's terms; some have no weight."""
    return [LatentDifference(section.generator_weight, section.latent_noise)]


class ImageConsistency(Term):
    """Equal logits for an image and the same flipped and moved.

    Of reals alone it is CR (Zhang et al. 2020, equation 3), of reals and fakes bCR (Zhao et al.
    2021, algorithm 1). The gradient goes through both logits.

    Departs from bCR's programs, which judge changed reals and fakes as one batch: here they are
    passes of their own, as the clean ones are.

    Args:
      real_weight, fake_weight: of the mean squared differences; 0 is off.
      shift: most that images are moved by, as a share of their side.
    """

    def __init__(self, real_weight: float, fake_weight: float, shift: float):
        weights = {"consistency/real": real_weight, "consistency/fake": fake_weight}
        self._weights = {name: weight for name, weight in weights.items() if weight}
        self.weight = max(real_weight, fake_weight)
        self.metrics = tuple(self._weights)
        self.numbers = self.passes = len(self._weights)
        self._shift = shift

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the squared differences of reals, and of fakes, as there are weights."""
        changed = part.discriminator.compare(
            self._change(part, part.shown_reals, "reals"),
            self._change(part, part.shown_fakes, "fakes"),
            _references(part),
            judge_reals=True,
        )
        found = {
            name: tf.math.squared_difference(clean.logits, other.logits)
            for name, clean, other in zip(
                ("consistency/real", "consistency/fake"), part.outputs_of_both, changed
            )
        }
        return [found[name] for name in self._weights]

    def _change(self, part: Part, batch: Batch, name: str) -> Batch:
        draws = part.draws.named("consistency").named(name)
        return batch._replace(images=flip_shift.flip_shift(batch.images, draws, shift=self._shift))

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the weighted sum of the means, and the means."""
        means = {name: tf.reduce_mean(x) for name, x in zip(self._weights, outputs)}
        return tf.add_n([means[name] * weight for name, weight in self._weights.items()]), means


class LatentConsistency(Term):
    """Equal logits for the fakes of neighbouring latents: zCR's discriminator (Zhao et al. 2021).

    Departs from ADA's program, which shows its discriminator the neighbours without augmentation:
    here they are augmented as the fakes beside them.

    Args:
      weight: of the mean squared difference; 0 is off.
      noise: standard deviation of what is added to z.
    """

    metrics = ("consistency/latent",)
    passes = 1

    def __init__(self, weight: float, noise: float):
        self.weight, self._noise = weight, noise

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the squared differences of fakes."""
        beside = part.shown(_beside(part, self._noise), "fakes")
        # Beside the reals, as the fakes were; what nobody asks for is not computed.
        _, found = part.discriminator.compare(
            part.shown_reals,
            part.shown_fakes._replace(images=beside),
            _references(part),
            judge_reals=True,
        )
        return [tf.math.squared_difference(part.outputs_of_both[1].logits, found.logits)]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the weighted mean, and the mean."""
        mean = tf.reduce_mean(outputs[0])
        return mean * self.weight, {self.metrics[0]: mean}


class LatentDifference(Term):
    """Unequal images for neighbouring latents: zCR's generator (Zhao et al. 2021).

    Args:
      weight: of the mean squared difference of pixels, which is made large; 0 is off.
      noise: standard deviation of what is added to z.
    """

    metrics = ("consistency/generator",)

    def __init__(self, weight: float, noise: float):
        self.weight, self._noise = weight, noise

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns every fake's mean squared difference of pixels."""
        beside = _beside(part, self._noise)
        return [tf.reduce_mean(tf.math.squared_difference(part.fakes.images, beside), [1, 2, 3])]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the mean times -weight, and the mean."""
        mean = tf.reduce_mean(outputs[0])
        return -mean * self.weight, {self.metrics[0]: mean}


def _beside(part: Part, noise: float) -> tf.Tensor:
    """Returns the images of z + noise; all else that they are made of is that of the fakes."""
    inputs = part.generator.draw(part.draws)
    normal = part.draws.named("consistency").normal("latents", (part.generator.latent_size,))
    return part.generator.images(inputs | {"z": inputs["z"] + noise * normal})


def _references(part: Part) -> tf.Tensor | None:
    """Returns what changed images are compared with: the references of the clean ones."""
    if part.discriminator.takes_references and part.references is None:
        return tf.roll(part.shown_reals.images, -1, axis=0)
    return part.shown_references
