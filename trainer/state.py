"""Everything that training changes: networks, averages, optimizers, counters."""

import itertools
import math

import keras
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import (
    adam,
    augmentations,
    burn_in,
    consistency,
    cutmix_loss,
    growth,
    penalties,
    terms,
)
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError


def make_generator(config: schema.Config, name: str = "generator") -> networks.Generator:
    """Returns the generator that `config` describes, with its variables made.

    Args:
      config: resolved, that is with data.resolution and data.channels.
      name: of the model.
    """
    network = config.generator.make(config.images, name=name, dtype=config.training.precision)
    network.build()
    if config.training.freeze_mapping:
        network.mapping.trainable = False
    return network


def make_discriminator(config: schema.Config) -> networks.Discriminator:
    """Returns the discriminator that `config` (resolved) describes, with its variables made."""
    network = config.discriminator.make(
        config.images, name="discriminator", dtype=config.training.precision
    )
    network.build()
    for layer in network.from_the_image[: config.training.freeze_discriminator_layers]:
        layer.trainable = False
    return network


def make_optimizer(rate: schema.OptimizerConfig, intervals: list[int]) -> adam.Adam:
    """Returns Adam with the constants corrected for lazy regularisation.

    Karras et al. 2020, appendix B: with a regulariser every k batches Adam takes k + 1 steps where
    it took k, so its learning rate and decays are adjusted by c = k / (k + 1); with several, k is
    their least common multiple and every one adds its share of k.

    Args:
      rate: the uncorrected constants.
      intervals: k of every lazy step of the network; none without one.
    """
    c = lazy_correction(intervals)
    return adam.Adam(
        learning_rate=rate.learning_rate * c,
        beta_1=rate.adam_beta_1**c,
        beta_2=rate.adam_beta_2**c,
        epsilon=rate.adam_epsilon,
    )


def lazy_correction(intervals: list[int]) -> float:
    """Returns the share of a network's updates that are not lazy ones."""
    cycle = math.lcm(*intervals)
    return cycle / (cycle + sum(cycle // every for every in intervals))


def variables_of(part: keras.Model | keras.optimizers.Optimizer) -> dict[str, tf.Variable]:
    """Returns every variable of a network or optimizer by its path inside it.

    For tf.train.Checkpoint, which looks into dictionaries but not into Keras's lists of layers:
    given the network itself it leaves out most weights, and no check of its own notices.
    """
    # Without the first word, which differs between the networks, and counts a process's optimizers.
    paths = [variable.path.split("/", 1)[1].replace("/", ".") for variable in part.variables]
    named = dict(zip(paths, (variable.value for variable in part.variables), strict=True))
    assert len(named) == len(paths), "two variables have one path"
    return named


def check_names(network: keras.Model, copy: keras.Model) -> None:
    """Checks that a network has the same names each time it is made, as its checkpoints need.

    Raises:
      UserError: a layer was given no name, so that Keras has counted all that a process makes.
    """
    if changed := variables_of(network).keys() - variables_of(copy).keys():
        raise UserError(
            f"{type(network).__name__} of {type(network).__module__}: {min(changed)} has"
            " another name each time, and no checkpoint could be loaded: give every layer a name,"
            " as in Dense(8, name='dense')"
        )


class State:
    """The variables of a run; build it inside `strategy.scope()`.

    Attributes:
      generator, discriminator: the networks in training.
      average: the generator with the exponential moving average of the weights; what is released.
      generator_optimizer, discriminator_optimizer: Adam.
      burn_in: what has other values at the start of the run.
      augmentation: of the images that the discriminator is shown.
      cutmix: when it is shown mixed ones.
      images_seen: reals shown so far, int64 scalar.
      terms: what each network minimises besides the adversarial loss, by the network's name.
    """

    def __init__(self, config: schema.Config):
        keras.utils.set_random_seed(config.training.seed)
        self.generator = make_generator(config)
        self.discriminator = make_discriminator(config)
        self.average = make_generator(config, name="average")
        check_names(self.generator, self.average)
        for variable, source in zip(self.average.variables, self.generator.variables):
            variable.assign(source)
        self.burn_in = burn_in.BurnIn(config.schedule.burn_in)
        self.augmentation = augmentations.of(
            config.augmentation, config.training.batch_size, self.burn_in.augmentation
        )
        self.cutmix = cutmix_loss.Schedule(config.cutmix)
        self.terms = {
            "generator": [
                *config.generator.terms(),
                *consistency.of_generator(config.consistency),
            ],
            "discriminator": [
                *penalties.of_discriminator(config.penalties, self.burn_in.penalties),
                *consistency.of_discriminator(config.consistency),
                cutmix_loss.MixedImages(config.cutmix, config.cutmix.weight, self.cutmix.factor),
                *self.augmentation.terms(),
            ],
        }
        self._config = config
        self.generator_optimizer = self._make_optimizer("generator")
        self.discriminator_optimizer = self._make_optimizer("discriminator")
        self.images_seen = tf.Variable(0, trainable=False, dtype=tf.int64, name="images_seen")
        self.grow(0)

    def _make_optimizer(self, network: str) -> keras.optimizers.Adam:
        optimizer = make_optimizer(getattr(self._config.schedule, network), self.intervals(network))
        optimizer.build(getattr(self, network).trainable_variables)
        if self._beta_2_changes:
            # None of the optimizer's own variables, so that checkpoints are those of any run.
            optimizer.beta_2 = burn_in.variable(optimizer.beta_2, f"{network}_beta_2")
        return optimizer

    @property
    def _beta_2_changes(self) -> bool:
        section = self.burn_in.section
        return bool(section.images) and section.adam_beta_2 is not None

    def active(self, network: str) -> list[terms.Term]:
        """Returns the terms of a network that have a weight."""
        return [term for term in self.terms[network] if term.weight]

    def intervals(self, network: str) -> list[int]:
        """Returns how many iterations there are from one lazy step of a network to the next."""
        return sorted({term.every for term in self.active(network) if term.every})

    def set_rates(self, images_seen: int) -> None:
        """Gives what changes the values of an iteration that begins at `images_seen`."""
        self.burn_in.advance(images_seen)
        self.cutmix.advance(images_seen)
        burns_in = self.burn_in.section
        schedule = growth.at(self._config, images_seen).schedule
        for network in ("generator", "discriminator"):
            rate: schema.OptimizerConfig = getattr(schedule, network)
            c = lazy_correction(self.intervals(network))
            optimizer = getattr(self, f"{network}_optimizer")
            changes = rate.warmup_images or rate.decay_to_images or burns_in.images
            if changes or self._config.generator.grows:
                share = rate_at(rate, images_seen)
                share *= self.burn_in.factor_at("learning_rate", images_seen)
                optimizer.learning_rate.assign(rate.learning_rate * c * share)
            if self._beta_2_changes:
                ends = burns_in.adam_beta_2, rate.adam_beta_2
                optimizer.beta_2.assign(burn_in.value_at(*ends, images_seen, burns_in.images) ** c)

    def grow(self, images_seen: int) -> None:
        """Gives networks that grow the levels of detail they have after so many images."""
        if not self._config.generator.grows:
            return
        lod = growth.lod_at(self._config, images_seen)
        for network in (self.generator, self.discriminator, self.average):
            network.lod.assign(lod)
        # Not of the average, whose passes outlive a stage.
        self.generator.stage = self.discriminator.stage = int(lod)

    def forget_moments(self) -> None:
        """Starts both optimizers anew, but for their step sizes."""
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for variable in optimizer.variables:
                if variable is not optimizer.learning_rate:
                    variable.assign(tf.zeros(variable.shape, variable.dtype))

    def checkpoint(self) -> tf.train.Checkpoint:
        """Returns the checkpoint that saves and restores every variable."""
        parts = {name: variables_of(part) for name, part in self._parts().items()}
        return tf.train.Checkpoint(**parts, **self._single_variables())

    def all_variables(self) -> dict[str, tf.Variable]:
        """Returns every variable by a name that a reader can place, PART/PATH."""
        named = {
            f"{owner}/{path}": variable
            for owner, part in self._parts().items()
            for path, variable in variables_of(part).items()
        }
        return named | self._single_variables()

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns those of `all_variables` that are floating."""
        found = self.all_variables().items()
        return {name: variable for name, variable in found if variable.dtype == tf.float32}

    def _parts(self) -> dict[str, keras.Model | keras.optimizers.Optimizer]:
        names = [
            *("generator", "discriminator", "average"),
            *("generator_optimizer", "discriminator_optimizer"),
        ]
        return {name: getattr(self, name) for name in names}

    def _single_variables(self) -> dict[str, tf.Variable]:
        found = {"images_seen": self.images_seen}
        for term in itertools.chain(*self.terms.values()):
            found |= term.variables()
        return found


def rate_at(rate: schema.OptimizerConfig, images_seen: int) -> float:
    """Returns the share of the full step size once `images_seen` reals have been shown, 0 to 1."""
    share = 1.0
    if images_seen < rate.warmup_images:
        share = images_seen / rate.warmup_images
    if rate.decay_to_images is not None and images_seen > rate.decay_from_images:
        left = rate.decay_to_images - images_seen
        share *= max(0.0, left / (rate.decay_to_images - rate.decay_from_images))
    return share
