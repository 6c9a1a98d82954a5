"""The training loop: read, step, log, draw, save; and go on where it stopped."""

import os
import pathlib
import signal
import time

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import draws, grids, metrics_window, objective, progress
from dualcontrast.trainer import state as states
from dualcontrast.trainer import steps as training_steps
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import image_stream, manifest
from dualcontrast.trainer.evaluation import periodic

_REFERENCE_SEED = 0x5EED


def train(
    config: schema.Config,
    dataset: manifest.Manifest,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
) -> int:
    """Trains until config.training.total_images, from the newest checkpoint in `workdir` if any.

    Args:
      config: resolved and validated for the strategy's replicas.
      dataset: opened.
      workdir: where the run lives.
      strategy: of one or more replicas.

    Returns:
      0 when the run is complete; 128 + the signal's number when SIGTERM or SIGINT stopped it, after
      a checkpoint.

    Raises:
      UserError: the run diverged, the data are damaged, or the disk is full.
    """
    checkpoint.claim(workdir, config, dataset)
    with strategy.scope():
        state = states.State(config)
    run = _Run(config, dataset, workdir, strategy, state)
    with _Signals() as signals:
        return run.go(signals)


class _Run:
    """One process's part of a run."""

    def __init__(self, config, dataset, workdir, strategy, state):
        self.config, self.dataset, self.workdir = config, dataset, workdir
        self.strategy, self.state = strategy, state
        self.steps = training_steps.Steps(config, state, strategy)
        self.checkpoints = checkpoint.Checkpoints(workdir, state, config.training.keep_checkpoints)
        self.restored = self.checkpoints.restore()
        self.log = progress.Log(workdir, self.images_seen)
        self.window = metrics_window.Window(self.images_seen)
        self.grids = grids.Grids(config, workdir, state.average, self.log)
        self.evaluation = None
        if config.evaluation.every_images:
            self.evaluation = periodic.Periodic(config, dataset, workdir, state, self.log)

    @property
    def images_seen(self) -> int:
        return int(self.state.images_seen.numpy())

    def go(self, signals: "_Signals") -> int:
        training = self.config.training
        if self.restored:
            print(f"resuming at {self.images_seen:,} images from {self.restored}", flush=True)
        else:
            self.grids.save_reals(self.dataset)
            self.grids.save_fakes(self.images_seen)
            self._evaluate(signals)
        batches = self._batches(training.seed)
        references = self._references()
        while self.images_seen < training.total_images:
            started = time.monotonic()
            reals = self._next(batches)
            compared = self._next(references) if references else None
            waited = time.monotonic() - started
            before = self.images_seen
            self.window.add(before, self.steps.iterate(reals, before, compared), waited)
            # Asked once: a signal that arrives during the report gets one more iteration, after
            # which there is a checkpoint.
            stop = signals.received
            self._report(before, stop)
            if stop:
                print(f"stopped at {self.images_seen:,} images; the same command resumes")
                return 128 + stop
            if self._is_due(self.config.evaluation.every_images, before):
                self._evaluate(signals)
        print(f"done: {self.images_seen:,} images; {self.workdir}", flush=True)
        return 0

    def _report(self, before: int, stop: int) -> None:
        """Logs, draws and saves what is due after the iteration that began at `before`."""
        training = self.config.training

        def due(every: int) -> bool:
            return bool(stop) or self._is_due(every, before)

        save = due(training.checkpoint_every_images)
        if save or due(training.log_every_images):
            self._write_metrics()
        if due(training.grid_every_images):
            self.grids.save_fakes(self.images_seen)
        if save:
            self._check_variables()
            self.checkpoints.save()

    def _is_due(self, every: int, before: int) -> bool:
        """Whether what happens every so many images falls on this iteration, or the run ends."""
        seen = self.images_seen
        if not every:
            return False
        return seen >= self.config.training.total_images or seen // every > before // every

    def _evaluate(self, signals: "_Signals") -> None:
        if self.evaluation:
            started = time.monotonic()
            self.evaluation.evaluate(lambda: bool(signals.received))
            self.window.pause(time.monotonic() - started)

    def _write_metrics(self) -> None:
        phase = objective.game_at(self.config.loss, self.window.last_start).phase
        row = {"images_seen": self.images_seen, "phase": phase, **self._means()}
        self.log.write(row)
        print(progress.progress_line(row, self.config.training.total_images), flush=True)
        self.window = metrics_window.Window(self.images_seen)

    def _means(self) -> dict[str, float]:
        return self.window.close(self.images_seen, self._culprit)

    def _references(self):
        """Batches of reals in another order, where the discriminator compares with them."""
        if not self.config.discriminator.attention.reads_references:
            return None
        # Any other order will do: the seed of a neighbouring run would repeat that run's.
        return self._batches(self.config.training.seed ^ _REFERENCE_SEED)

    def _batches(self, seed: int):
        training = self.config.training
        dataset = image_stream.image_batches(
            self.dataset,
            batch_size=training.batch_size,
            seed=seed,
            start_image=self.images_seen,
            mirror=self.config.data.mirror,
        )
        return iter(dataset)

    def _next(self, batches):
        try:
            batch = next(batches)
        except tf.errors.OpError as error:
            raise image_stream.explain(error, self.dataset) from error
        replicas = self.strategy.num_replicas_in_sync
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: draws.share(batch, context.replica_id_in_sync_group, replicas)
        )

    def _culprit(self) -> str:
        """Says which variable is not finite, if one is."""
        for name, variable in self.state.named_variables().items():
            if not np.isfinite(variable.numpy()).all():
                return f"; first variable that is not finite: {name}"
        return "; all variables are still finite"

    def _check_variables(self) -> None:
        """Keeps a checkpoint from being written with a number that is not finite."""
        variables = self.state.named_variables()
        finite = _all_finite([tf.convert_to_tensor(variable) for variable in variables.values()])
        if not finite:
            raise metrics_window.diverged(f"at {self.images_seen:,} images{self._culprit()}")


class _Signals:
    """Turns SIGTERM and SIGINT into a wish to stop after the iteration."""

    def __init__(self):
        self.received = 0

    def __enter__(self) -> "_Signals":
        wanted = (signal.SIGTERM, signal.SIGINT)
        self._old = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number, _) -> None:
        if self.received:  # asked twice: now
            os._exit(128 + number)
        self.received = number


@tf.function(autograph=False)
def _all_finite(tensors: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])
