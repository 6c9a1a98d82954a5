"""The four steps of training, each compiled once: G, its regulariser, D, its regulariser."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.losses import path_length, r1
from dualcontrast.trainer import config as configs
from dualcontrast.trainer import draws
from dualcontrast.trainer import game as games
from dualcontrast.trainer import state as states

Metrics = dict[str, tf.Tensor]


class Steps:
    """Runs the steps of one iteration on every replica of a strategy.

    Which steps an iteration has is decided in Python, by counting: collectives cannot sit inside
    tf.cond. Losses are divided by the number of replicas, because the optimizers add up the
    replicas' gradients.

    Args:
      config: resolved.
      state: made inside the scope of `strategy`.
      strategy: a tf.distribute strategy whose replicas divide the batch.
    """

    def __init__(
        self, config: configs.Config, state: states.State, strategy: tf.distribute.Strategy
    ):
        self._config = config
        self._state = state
        self._strategy = strategy
        self._replicas = strategy.num_replicas_in_sync
        self._compiled: dict[tuple, Callable] = {}

    def iterate(self, reals, images_seen: int) -> Metrics:
        """Runs one iteration in StyleGAN2's order: G, path length, average, D, R1.

        Args:
          reals: the strategy's value of uint8 [batch / replicas, height, width, channels].
          images_seen: before the iteration.

        Returns:
          Scalars by name, means over the replicas; the lazy ones only where they ran.
        """
        config = self._config
        batches = images_seen // config.training.batch_size
        game = games.game_at(config.loss, images_seen)
        seen = tf.constant(images_seen, tf.int64)
        metrics = dict(self._run("G", game, reals, seen))
        if config.generator.path_length_weight and batches % config.generator.regularize_every == 0:
            metrics |= self._run("path_length", None, reals, seen)
        self.average()
        metrics |= self._run("D", game, reals, seen)
        if config.discriminator.r1_gamma and batches % config.discriminator.regularize_every == 0:
            metrics |= self._run("R1", None, reals, seen)
        self._state.images_seen.assign_add(config.training.batch_size)
        return metrics

    def _run(self, step: str, game: games.Game | None, reals, images_seen: tf.Tensor) -> Metrics:
        return self.compiled(step, game)(reals, images_seen)

    def compiled(self, step: str, game: games.Game | None) -> Callable:
        """Returns the function of (reals, images seen) that runs one step; compiled once.

        Args:
          step: "G", "path_length", "D" or "R1".
          game: for G and D; the regularisers have none.
        """
        key = step, game and game.phase
        if key not in self._compiled:
            self._compiled[key] = self._compile(step, game)
        return self._compiled[key]

    def _compile(self, step: str, game: games.Game | None):
        body = {
            "G": lambda reals, seen: self._generator_step(game, reals, seen),
            "path_length": lambda reals, seen: self._path_length_step(seen),
            "D": lambda reals, seen: self._discriminator_step(game, reals, seen),
            "R1": lambda reals, seen: self._r1_step(reals),
        }[step]

        @tf.function(autograph=False)
        def run(reals, images_seen):
            per_replica = self._strategy.run(body, args=(reals, images_seen))
            return {
                name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in per_replica.items()
            }

        return run

    # The bodies below run on one replica.

    def _generator_step(self, game: games.Game, reals, images_seen) -> Metrics:
        state = self._state
        variables = state.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            fakes = self._fakes(draws.Purpose.GENERATOR, images_seen)
            fake_logits = self._contrasted(game, state.discriminator(fakes))
            real_logits = None
            if game.generator_sees_reals:
                real_logits = self._contrasted(game, state.discriminator(_scale(reals)))
            loss = game.generator_loss(real_logits, fake_logits)
        self._apply(tape, loss, variables, state.generator_optimizer)
        return {"loss/G": loss}

    def _discriminator_step(self, game: games.Game, reals, images_seen) -> Metrics:
        state = self._state
        variables = state.discriminator.trainable_variables
        fakes = self._fakes(draws.Purpose.DISCRIMINATOR, images_seen)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            real_logits = self._contrasted(game, state.discriminator(_scale(reals)))
            fake_logits = self._contrasted(game, state.discriminator(fakes))
            loss = game.discriminator_loss(real_logits, fake_logits)
        self._apply(tape, loss, variables, state.discriminator_optimizer)
        return {
            "loss/D": loss,
            "logits/real": tf.reduce_mean(real_logits),
            "logits/fake": tf.reduce_mean(fake_logits),
        }

    def _path_length_step(self, images_seen) -> Metrics:
        state, g = self._state, self._config.generator
        variables = state.generator.trainable_variables
        local = self._config.training.batch_size // self._replicas
        batch = max(1, local // g.path_length_batch_shrink) * self._replicas
        draw = self._draws(draws.Purpose.PATH_LENGTH, images_seen, batch)
        synthesis = state.generator.synthesis
        directions = self._share(draw.directions(synthesis.resolution, synthesis.channels))
        noise = self._noise(draw)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            lengths = path_length.path_lengths(
                lambda w: synthesis(w, noise=noise), self._latents(draw), directions
            )
            # The mean is of all replicas' samples: one device with the whole batch has no other.
            mean = path_length.track_mean(
                state.path_length_mean, self._gather(lengths), g.path_length_decay
            )
            penalty = tf.reduce_mean(path_length.path_length_penalty(lengths, mean))
            loss = penalty * g.path_length_weight * g.regularize_every
        self._apply(tape, loss, variables, state.generator_optimizer)
        state.path_length_mean.assign(mean)
        return {"path_length": tf.reduce_mean(lengths), "path_length/penalty": penalty}

    def _r1_step(self, reals) -> Metrics:
        state, d = self._state, self._config.discriminator
        variables = state.discriminator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            penalty = tf.reduce_mean(r1.r1_penalty(state.discriminator, _scale(reals)))
            loss = penalty * (d.r1_gamma / 2) * d.regularize_every
        self._apply(tape, loss, variables, state.discriminator_optimizer)
        return {"r1": penalty}

    def _fakes(self, purpose: draws.Purpose, images_seen) -> tf.Tensor:
        draw = self._draws(purpose, images_seen, self._config.training.batch_size)
        return self._state.generator.synthesis(self._latents(draw), noise=self._noise(draw))

    def _latents(self, draw: draws.Draws) -> tf.Tensor:
        """Draws w with mixed styles, [batch / replicas, latents, w_size]; tracks the mean of w."""
        generator, g = self._state.generator, self._config.generator
        w = generator.mapping(self._share(draw.latents(g.latent_size)))
        # Tracked by every training pass and before mixing, as in StyleGAN2.
        generator.track_w(tf.stop_gradient(w))
        w = generator.broadcast(w)
        if g.style_mixing_probability == 0:
            return w
        other = generator.mapping(self._share(draw.mixed_latents(g.latent_size)))
        cutoffs = draw.mixing_cutoffs(generator.synthesis.latents, g.style_mixing_probability)
        return generator.mix_styles(w, generator.broadcast(other), self._share(cutoffs))

    def _noise(self, draw: draws.Draws) -> list[tf.Tensor]:
        sides = self._state.generator.synthesis.noise_sides
        return [self._share(noise) for noise in draw.noise(sides)]

    def _draws(self, purpose: draws.Purpose, images_seen, batch: int) -> draws.Draws:
        return draws.Draws(self._config.training.seed, images_seen, purpose, batch)

    def _share(self, batch: tf.Tensor) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        return draws.share(batch, context.replica_id_in_sync_group, self._replicas)

    def _contrasted(self, game: games.Game, logits: tf.Tensor) -> tf.Tensor:
        return self._gather(logits) if game.whole_batch else logits

    def _gather(self, x: tf.Tensor) -> tf.Tensor:
        if self._replicas == 1:
            return x
        return tf.distribute.get_replica_context().all_gather(x, axis=0)

    def _apply(self, tape: tf.GradientTape, loss: tf.Tensor, variables, optimizer) -> None:
        # A variable that a step does not reach gets a zero gradient, so that its slots decay alike.
        gradients = tape.gradient(
            loss,
            [variable.value for variable in variables],
            output_gradients=tf.ones_like(loss) / self._replicas,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        optimizer.apply(gradients, variables)

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
