"""The four steps of training, each compiled once: G, its regulariser, D, its regularisers."""

import math
from collections.abc import Callable

import tensorflow as tf

from dualcontrast.losses import gradient_penalty, path_length, r1
from dualcontrast.trainer import accumulation, draws, objective
from dualcontrast.trainer import state as states
from dualcontrast.trainer.config import schema

Metrics = dict[str, tf.Tensor]


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
    """

    def __init__(
        self, config: schema.Config, state: states.State, strategy: tf.distribute.Strategy
    ):
        self._config = config
        self._state = state
        self._strategy = strategy
        self._replicas = strategy.num_replicas_in_sync
        self._parts = config.training.accumulation
        self._compiled: dict[tuple, Callable] = {}

    def iterate(self, reals, images_seen: int, references=None) -> Metrics:
        """Runs one iteration in StyleGAN2's order: G, path length, average, D, R1.

        Args:
          reals: the strategy's value of uint8 [batch / replicas, height, width, channels].
          images_seen: before the iteration.
          references: likewise, where the discriminator compares with images of their own.

        Returns:
          Scalars by name, means over the replicas; the lazy ones only where they ran.
        """
        g, d = self._config.generator, self._config.discriminator
        batches = images_seen // self._config.training.batch_size
        game = objective.game_at(self._config.loss, images_seen)
        inputs = reals, tf.constant(images_seen, tf.int64), references
        metrics = dict(self.compiled("G", game)(*inputs))
        if g.path_length_weight and batches % g.regularize_every == 0:
            metrics |= self.compiled("path_length", None)(*inputs)
        self.average()
        metrics |= self.compiled("D", game)(*inputs)
        penalised = d.r1_gamma or d.gradient_penalty_weight
        if penalised and batches % d.regularize_every == 0:
            metrics |= self.compiled("R1", None)(*inputs)
        self._state.images_seen.assign_add(self._config.training.batch_size)
        return metrics

    def compiled(self, step: str, game: objective.Game | None) -> Callable:
        """Returns the function of (reals, images seen, references or None) that runs one step.

        Args:
          step: "G", "path_length", "D" or "R1" (the discriminator's penalties, whichever are on).
          game: for G and D; the regularisers have none.
        """
        key = step, game and game.phase
        if key not in self._compiled:
            self._compiled[key] = self._compile(step, game)
        return self._compiled[key]

    def _compile(self, step: str, game: objective.Game | None):
        body = {
            "G": lambda *inputs: self._generator_step(game, *inputs),
            "path_length": lambda reals, seen, references: self._path_length_step(seen),
            "D": lambda *inputs: self._discriminator_step(game, *inputs),
            "R1": self._penalty_step,
        }[step]

        @tf.function(autograph=False)
        def run(reals, images_seen, references=None):
            per_replica = self._strategy.run(body, args=(reals, images_seen, references))
            return {
                name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in per_replica.items()
            }

        return run

    # The bodies below run on one replica.

    def _generator_step(self, game: objective.Game, reals, images_seen, references) -> Metrics:
        draw = self._draws(draws.Purpose.GENERATOR, images_seen)

        def logits(part):
            fakes = self._fakes(draw, part, self._parts)
            compared = self._part(references, part)
            return self._logits(self._part(reals, part), fakes, compared, game.generator_sees_reals)

        def loss(*found):
            found = [self._contrasted(game, x) for x in found]
            real_logits = found[0] if game.generator_sees_reals else None
            return game.generator_loss(real_logits, found[-1]), {}

        numbers = 2 if game.generator_sees_reals else 1
        self._track_w(draw)
        value, _ = self._learn("generator", logits, loss, numbers, game.couples, ())
        return {"loss/G": value}

    def _discriminator_step(self, game: objective.Game, reals, images_seen, references) -> Metrics:
        draw = self._draws(draws.Purpose.DISCRIMINATOR, images_seen)

        def logits(part):
            fakes = self._fakes(draw, part, self._parts)
            return self._logits(self._part(reals, part), fakes, self._part(references, part), True)

        def loss(real_logits, fake_logits):
            real_logits = self._contrasted(game, real_logits)
            fake_logits = self._contrasted(game, fake_logits)
            means = {
                "logits/real": tf.reduce_mean(real_logits),
                "logits/fake": tf.reduce_mean(fake_logits),
            }
            return game.discriminator_loss(real_logits, fake_logits), means

        self._track_w(draw)
        value, means = self._learn(
            "discriminator", logits, loss, 2, game.couples, ("logits/real", "logits/fake")
        )
        return {"loss/D": value} | means

    def _path_length_step(self, images_seen) -> Metrics:
        state, g = self._state, self._config.generator
        local = self._config.training.batch_size // self._replicas
        samples = max(1, local // g.path_length_batch_shrink)
        parts = math.gcd(samples, self._parts)
        draw = self._draws(draws.Purpose.PATH_LENGTH, images_seen, samples * self._replicas)
        synthesis = state.generator.synthesis

        def lengths_of(part):
            directions = draw.directions(synthesis.resolution, synthesis.channels)
            noise = self._noise(draw, part, parts)
            lengths = path_length.path_lengths(
                lambda w: synthesis(w, noise=noise),
                self._latents(draw, part, parts),
                self._share(directions, part, parts),
            )
            return [lengths]

        def loss(lengths):
            # The mean is of all replicas' samples: one device with the whole batch has no other.
            mean = path_length.track_mean(
                state.path_length_mean, self._gather(lengths), g.path_length_decay
            )
            penalty = tf.reduce_mean(path_length.path_length_penalty(lengths, mean))
            extras = {"path_length": tf.reduce_mean(lengths), "mean": mean, "penalty": penalty}
            return penalty * g.path_length_weight * g.regularize_every, extras

        self._track_w(draw)
        _, extras = self._learn(
            "generator", lengths_of, loss, 1, True, ("path_length", "mean", "penalty"), parts
        )
        state.path_length_mean.assign(extras["mean"])
        return {"path_length": extras["path_length"], "path_length/penalty": extras["penalty"]}

    def _penalty_step(self, reals, images_seen, references) -> Metrics:
        d = self._config.discriminator
        draw = self._draws(draws.Purpose.GRADIENT_PENALTY, images_seen)
        weights = {"r1": d.r1_gamma / 2, "gradient_penalty": d.gradient_penalty_weight}
        weights = {name: weight for name, weight in weights.items() if weight}

        def penalties(part):
            real, compared = self._part(reals, part), self._part(references, part)
            judge = self._judge_beside(real, compared)
            found = []
            if "r1" in weights:
                found.append(r1.r1_penalty(judge, real))
            if "gradient_penalty" in weights:
                fakes = self._fakes(draw, part, self._parts)
                mixture = self._share(draw.mixture(), part, self._parts)
                found.append(gradient_penalty.gradient_penalty(judge, real, fakes, mixture))
            return found

        def loss(*found):
            means = {name: tf.reduce_mean(x) for name, x in zip(weights, found)}
            total = tf.add_n([means[name] * weight for name, weight in weights.items()])
            return total * d.regularize_every, means

        if "gradient_penalty" in weights:
            self._track_w(draw)
        _, means = self._learn(
            "discriminator", penalties, loss, len(weights), False, tuple(weights)
        )
        return means

    def _logits(self, reals, fakes, references, reals_too: bool) -> list[tf.Tensor]:
        """Returns the logits of reals, if wanted, and of fakes.

        What the references contribute is computed once, for both.
        """
        network = self._state.discriminator
        rolled = network.takes_references and references is None
        maps = network.encode(reals) if reals_too or rolled else None
        prepared = None
        if network.takes_references:
            # Rolled, every real's reference is the next one, of which the maps are known.
            compared = tf.roll(maps, -1, axis=0) if rolled else network.encode(references)
            prepared = network.prepare(compared)
        logits = [network.judge(maps, prepared)] if reals_too else []
        return [*logits, network.judge(network.encode(fakes), prepared)]

    def _judge_beside(self, reals, references) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the discriminator as a function of images, with the step's references.

        The references are constants to a derivative by the images, even where they are the same
        reals, but the outer derivative by the variables goes through them.
        """
        network = self._state.discriminator
        if not network.takes_references:
            return network
        references = tf.roll(reals, -1, axis=0) if references is None else references
        return lambda images: network(images, references)

    def _fakes(self, draw: draws.Draws, part, parts: int) -> tf.Tensor:
        noise = self._noise(draw, part, parts)
        return self._state.generator.synthesis(self._latents(draw, part, parts), noise=noise)

    def _latents(self, draw: draws.Draws, part, parts: int) -> tf.Tensor:
        """Draws w with mixed styles, [batch / replicas / parts, latents, w_size]."""
        generator, g = self._state.generator, self._config.generator
        z = self._share(draw.latents(g.latent_size), part, parts)
        w = generator.broadcast(generator.mapping(z))
        if g.style_mixing_probability == 0:
            return w
        z = self._share(draw.mixed_latents(g.latent_size), part, parts)
        cutoffs = draw.mixing_cutoffs(generator.synthesis.latents, g.style_mixing_probability)
        other = generator.broadcast(generator.mapping(z))
        return generator.mix_styles(w, other, self._share(cutoffs, part, parts))

    def _track_w(self, draw: draws.Draws) -> None:
        """Moves the mean of w, by every training pass and before mixing, as in StyleGAN2."""
        generator = self._state.generator
        z = self._share(draw.latents(self._config.generator.latent_size), 0, 1)
        generator.track_w(generator.mapping(z))

    def _noise(self, draw: draws.Draws, part, parts: int) -> list[tf.Tensor]:
        sides = self._state.generator.synthesis.noise_sides
        return [self._share(noise, part, parts) for noise in draw.noise(sides)]

    def _draws(self, purpose: draws.Purpose, images_seen, batch: int = 0) -> draws.Draws:
        training = self._config.training
        return draws.Draws(training.seed, images_seen, purpose, batch or training.batch_size)

    def _share(self, batch: tf.Tensor, part, parts: int) -> tf.Tensor:
        """Returns this replica's samples of a part, of a batch that was drawn for all."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return draws.share(batch, replica + self._replicas * part, self._replicas * parts)

    def _part(self, images, part) -> tf.Tensor | None:
        """Returns a part of this replica's uint8 images, as float32 in [-1, 1]."""
        return None if images is None else _scale(draws.share(images, part, self._parts))

    def _contrasted(self, game: objective.Game, logits: tf.Tensor) -> tf.Tensor:
        return self._gather(logits) if game.whole_batch else logits

    def _gather(self, x: tf.Tensor) -> tf.Tensor:
        if self._replicas == 1:
            return x
        return tf.distribute.get_replica_context().all_gather(x, axis=0)

    def _learn(self, network, outputs, loss, numbers: int, couples: bool, named, parts=None):
        """Updates a network; returns the loss and what it adds. See `accumulation.gradients`."""
        variables = getattr(self._state, network).trainable_variables
        gradients, value, extras = accumulation.gradients(
            outputs,
            loss,
            [variable.value for variable in variables],
            numbers=numbers,
            parts=self._parts if parts is None else parts,
            couples=couples,
            named=named,
            replicas=self._replicas,
        )
        getattr(self._state, f"{network}_optimizer").apply(gradients, variables)
        return value, extras

    @tf.function(autograph=False)
    def average(self) -> None:
        """Moves the released weights: half of what they know is `ema_half_life_images` old."""
        config, state = self._config, self._state
        decay = 0.5 ** (config.training.batch_size / config.generator.ema_half_life_images)
        average, generator = state.average, state.generator
        for old, new in zip(average.trainable_variables, generator.trainable_variables):
            old.assign(new.value + (old.value - new.value) * decay)
        for old, new in zip(average.non_trainable_variables, generator.non_trainable_variables):
            old.assign(new.value)


def _scale(images: tf.Tensor) -> tf.Tensor:
    """Returns uint8 images as float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0
