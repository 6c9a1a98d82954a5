"""The steps of training, each compiled once: a network's update by its loss, and its lazy ones."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf

from dualcontrast.layers import batch_normalisation, networks
from dualcontrast.trainer import (
    accumulation,
    adversarial_features,
    cutmix_loss,
    draws,
    growth,
    objective,
    pixel_losses,
)
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.state import State
from dualcontrast.trainer.terms import Augmentation, Part, Term

Metrics = dict[str, tf.Tensor]
GENERATOR, DISCRIMINATOR = "generator", "discriminator"
# Departs from the programs of SNGAN, SAGAN and BigGAN, which move the moments that batch
# normalisation keeps by the same share of a batch from the first one on: after n iterations they
# are mostly those of the last n / 9. By SAGAN's ten thousandth, the zero mean and unit variance of
# the start would else count for tens of thousands of iterations, and the images of a shorter run be
# grey.
_YOUNG = 9.0


class Shown(NamedTuple):
    """What the discriminator is shown in one of its steps, each a value of the strategy.

    Attributes:
      reals: uint8 [batch / replicas, height, width, channels].
      references: likewise, where it compares with images of their own.
      labels: of the reals, int64 [batch / replicas], where the networks are given classes.
    """

    reals: tf.Tensor
    references: tf.Tensor | None = None
    labels: tf.Tensor | None = None


class Step(NamedTuple):
    """An update of a network.

    Attributes:
      network: "generator" or "discriminator".
      phase: of the adversarial objective; None for a lazy step, which has none.
      every: iterations from one to the next; None for an update of every iteration.
      repeat: which of the discriminator's steps in an iteration.
      mixed: whether it has the loss of mixed images in place of the adversarial one.
    """

    network: str
    phase: str | None
    every: int | None = None
    repeat: int = 0
    mixed: bool = False


class Steps:
    """Runs the steps of one iteration on every replica of a strategy.

    Which steps an iteration has is decided in Python, by counting: collectives cannot sit inside
    tf.cond. Losses are divided by the number of replicas, because the optimizers add up the
    replicas' gradients. Part p of P of a replica's share has its samples p, p + P, p + 2P, ..., so
    that the samples that share a minibatch standard deviation stay together.

    Args:
      config: resolved.
      state: made inside the scope of `strategy`.
      strategy: a tf.distribute strategy whose replicas divide the batch.
      class_counts: images of every class of the dataset; none where there are no classes.
    """

    def __init__(
        self,
        config: schema.Config,
        state: State,
        strategy: tf.distribute.Strategy,
        class_counts: tuple[int, ...] = (),
    ):
        self._whole = config
        self._config = config  # as growing networks have it now
        self._state = state
        self._strategy = strategy
        self._replicas = strategy.num_replicas_in_sync
        self._class_counts = class_counts if config.generator.fake_labels == "data" else ()
        self._compiled: dict[Step, Callable] = {}

    def iterate(self, batches: list[Shown], images_seen: int) -> Metrics:
        """Runs one iteration in the schedule's order.

        Args:
          batches: for each step of the discriminator.
          images_seen: before the iteration.

        Returns:
          Scalars by name, means over the replicas; the lazy ones only where they ran.
        """
        self._state.set_rates(images_seen)
        self._grow(images_seen)
        seen = tf.constant(images_seen, tf.int64)
        metrics: Metrics = {}
        phase = objective.phase_at(self._config.loss, images_seen)
        generator_first = self._config.schedule.order == "generator_first"
        if generator_first:
            metrics |= self._update_generator(phase, batches[0], seen)
        for repeat, batch in enumerate(batches):
            step = Step(DISCRIMINATOR, phase, repeat=repeat)
            step = step._replace(mixed=self._mixes(step, images_seen))
            metrics |= self._take(step, seen, batch)
        metrics |= self._lazy(DISCRIMINATOR, batches[-1], seen)
        if not generator_first:
            metrics |= self._update_generator(phase, batches[-1], seen)
        self._state.images_seen.assign_add(self._config.iteration_images)
        after = images_seen + self._config.iteration_images
        if growth.phase_at(self._whole, images_seen) != growth.phase_at(self._whole, after):
            # Now and not before the next iteration: a checkpoint may come between.
            self._state.forget_moments()
        return metrics

    def _mixes(self, step: Step, images_seen: int) -> bool:
        """Returns whether a step is on mixed images alone: a coin for all of its samples."""
        probability = self._state.cutmix.probability_at(images_seen)
        if not probability:
            return False
        chance = self._draws_of_all(step, images_seen, self._batch_size(step))
        return float(chance.named("cutmix").once("step")) < probability

    def _grow(self, images_seen: int) -> None:
        """Makes networks that grow what they are in an iteration that begins at `images_seen`."""
        stage = self._state.generator.stage
        self._state.grow(images_seen)
        self._config = growth.at(self._whole, images_seen)
        if self._state.generator.stage != stage:
            self._compiled.clear()  # traced with other layers

    def _update_generator(self, phase: str, batch: Shown, seen: tf.Tensor) -> Metrics:
        metrics = dict(self._take(Step(GENERATOR, phase), seen, batch))
        metrics |= self._lazy(GENERATOR, batch, seen)
        self.average(int(seen))
        return metrics

    def average(self, images_seen: int) -> None:
        """Moves the released weights, by an iteration that began at `images_seen`."""
        average = self._config.schedule.average
        half_life = average.half_life_images * self._state.burn_in.factor_at(
            "half_life", images_seen
        )
        decay = 0.0
        if images_seen >= average.start_images and half_life > 0:
            decay = 0.5 ** (self._config.iteration_images / half_life)
        # A tensor: with a number, each decay of a burn-in would be traced.
        self._average(tf.constant(decay))

    @tf.function(autograph=False)
    def _average(self, decay: tf.Tensor) -> None:
        """Keeps `decay` of the old weights, and takes the rest from the new ones."""
        old, new = self._state.average, self._state.generator
        pairs = list(zip(old.trainable_variables, new.trainable_variables))
        copied = list(zip(old.non_trainable_variables, new.non_trainable_variables))
        if self._config.schedule.average.moments:
            pairs, copied = pairs + copied, []
        for variable, source in pairs:
            variable.assign(source.value + (variable.value - source.value) * decay)
        for variable, source in copied:
            variable.assign(source.value)

    def _lazy(self, network: str, batch: Shown, seen: tf.Tensor) -> Metrics:
        """Runs the network's lazy steps that fall on this iteration."""
        iteration = int(seen) // self._config.iteration_images
        metrics: Metrics = {}
        for every in self._state.intervals(network):
            if iteration % every == 0:
                metrics |= self._take(Step(network, None, every), seen, batch)
        return metrics

    def _take(self, step: Step, seen: tf.Tensor, batch: Shown) -> Metrics:
        reals, *others = batch
        return self.compiled(step)(reals, seen, *others)

    def compiled(self, step: Step) -> Callable:
        """Returns the function that runs a step, of reals, images seen, references and labels."""
        if step not in self._compiled:
            self._compiled[step] = self._compile(step)
        return self._compiled[step]

    def _compile(self, step: Step):
        terms = self._terms(step)
        ghosts = self._config.training.ghost_batches > 1

        def of_replica(seen, *shown):
            with batch_normalisation.ghost_batches(ghosts):
                return self._run(step, terms, seen, Shown(*shown))

        @tf.function(autograph=False)
        def run(reals, images_seen, references=None, labels=None):
            per_replica = self._strategy.run(
                of_replica, args=(images_seen, reals, references, labels)
            )
            return {
                name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in per_replica.items()
            }

        return run

    def _terms(self, step: Step) -> list[Term]:
        """Returns what the step minimises, the adversarial loss first."""
        own = [term for term in self._state.active(step.network) if term.every == step.every]
        if step.phase is None:
            return own
        loss, section = self._config.loss, self._config.adversarial_features
        if step.mixed:
            return [cutmix_loss.MixedImages(self._config.cutmix, 1.0, alone=True), *own]
        if self._config.discriminator.judges_pixels:
            adversarial = pixel_losses.terms(loss, step.phase)
        else:
            adversarial = objective.of_phase(loss, step.phase).terms()
        if step.network == GENERATOR:
            return [adversarial_features.of_generator(adversarial.generator, section), *own]
        return [adversarial_features.of_discriminator(adversarial.discriminator, section), *own]

    # What follows runs on one replica.

    def _run(self, step: Step, terms: list[Term], images_seen, shown: Shown) -> Metrics:
        share = self._batch_size(step) // self._replicas
        samples = terms[0].samples(share)
        parts = math.gcd(samples, self._config.training.accumulation)
        mine = self._draws(step, images_seen, samples)
        # A fake that is mixed with a real is of its class (Schonfeld et al. 2020, their program).
        beside = step.network == DISCRIMINATOR and self._config.cutmix.weight
        likewise = self._config.generator.fake_labels == "reals" or step.mixed or beside
        if likewise and shown.labels is not None:
            mine = mine.labelled(shown.labels)

        augments = step.network in self._state.augmentation.networks
        augmentation = self._state.augmentation if augments else Augmentation()

        def part_of(index) -> Part:
            return Part(
                self._state.generator,
                self._state.discriminator,
                networks.Batch(
                    self._state.discriminator.shown(_part(shown.reals, index, parts)),
                    _labels(shown, index, parts),
                ),
                _part(shown.references, index, parts),
                mine.share(index, parts),
                augmentation,
            )

        def outputs(index):
            part = part_of(index)
            return [tensor for term in terms for tensor in term.outputs(part)]

        def loss(*found):
            values, extras = [], {}
            for term, own in zip(terms, _groups(found, [term.numbers for term in terms])):
                value, metrics = term.loss(own, self._gather)
                values.append(value)
                extras |= metrics
            return tf.add_n(values) * (step.every or 1), extras

        variables = getattr(self._state, step.network).trainable_variables
        gradients, value, extras = self._gradients(variables, outputs, loss, terms, parts)
        # In between: after what the passes computed with, and by the weights that they had.
        iterations = tf.cast(images_seen, tf.float32) / self._config.iteration_images
        with batch_normalisation.keeping_at_most(iterations / (iterations + _YOUNG)):
            self._update_statistics(terms, mine, parts)
        getattr(self._state, f"{step.network}_optimizer").apply(gradients, variables)
        adversarial = step.phase is not None and not step.mixed
        metrics = {f"loss/{step.network[0].upper()}": value} if adversarial else {}
        for term in terms:
            metrics |= term.finish({name: extras[name] for name in term.metrics})
        return metrics

    def _batch_size(self, step: Step) -> int:
        """Returns the samples of a step over all replicas."""
        if step.network == GENERATOR:
            return self._config.generator_batch_size
        return self._config.training.batch_size

    def _draws(self, step: Step, images_seen, samples: int) -> draws.Draws:
        """Returns this replica's draws of a step: those of its share of the whole batch."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        whole = self._draws_of_all(step, images_seen, samples * self._replicas)
        return whole.share(replica, self._replicas)

    def _draws_of_all(self, step: Step, images_seen, samples: int) -> draws.Draws:
        """Returns the draws of a step's whole batch."""
        purposes = {
            (GENERATOR, False): draws.Purpose.GENERATOR,
            (GENERATOR, True): draws.Purpose.PATH_LENGTH,
            (DISCRIMINATOR, False): draws.Purpose.DISCRIMINATOR,
            (DISCRIMINATOR, True): draws.Purpose.GRADIENT_PENALTY,
        }
        purpose = purposes[step.network, step.phase is None]
        return draws.Draws(
            self._config.training.seed,
            images_seen,
            purpose,
            samples,
            step.repeat,
            self._class_counts,
        )

    def _gather(self, x: tf.Tensor) -> tf.Tensor:
        if self._replicas == 1:
            return x
        return tf.distribute.get_replica_context().all_gather(x, axis=0)

    def _update_statistics(self, terms: list[Term], mine: draws.Draws, parts: int) -> None:
        """Updates what follows the step's passes without a gradient, in both networks."""
        if any(term.makes_fakes for term in terms):
            generator = self._state.generator
            # Of ghost batches each is a pass, as in training.
            passes = parts if self._config.training.ghost_batches > 1 else 1
            for index in range(passes):
                generator.update_statistics(generator.draw(mine.share(index, passes)))
        self._state.discriminator.update_statistics(sum(term.passes for term in terms))

    def _gradients(self, variables, outputs, loss, terms: list[Term], parts: int):
        """Returns gradients, the loss, and what it adds. See `accumulation.gradients`."""
        couples = any(term.couples for term in terms)
        gathers = couples and self._replicas > 1

        def gradients():
            return accumulation.gradients(
                self._in_xla(outputs) if gathers else outputs,
                loss,
                [variable.value for variable in variables],
                numbers=sum(term.numbers for term in terms),
                parts=parts,
                couples=couples,
                named=tuple(itertools.chain(*(term.metrics for term in terms))),
                replicas=self._replicas,
            )

        # XLA knows no gathering from other devices: then it compiles what comes before, and the
        # derivative of that, and the loss of some numbers a sample is left to TensorFlow.
        return gradients() if gathers else self._in_xla(gradients)()

    def _in_xla(self, function: Callable) -> Callable:
        """Returns the function compiled with XLA, its derivatives too, where that was asked for."""
        if not self._config.training.jit_compile:
            return function
        return tf.function(function, autograph=False, jit_compile=True)


def _groups(items: tuple, sizes: list[int]) -> Iterator[list]:
    """Yields the next `size` items for every size."""
    left = iter(items)
    for size in sizes:
        yield list(itertools.islice(left, size))


def _part(images: tf.Tensor | None, index, parts: int) -> tf.Tensor | None:
    """Returns a part of this replica's uint8 images, as float32 in [-1, 1]."""
    if images is None:
        return None
    return tf.cast(draws.share(images, index, parts), tf.float32) / 127.5 - 1.0


def _labels(shown: Shown, index, parts: int) -> tf.Tensor | None:
    """Returns the labels of a part of this replica's reals."""
    return None if shown.labels is None else draws.share(shown.labels, index, parts)
