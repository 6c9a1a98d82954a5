"""The training loop: read, step, log, draw, save; and go on where it stopped."""

import contextlib
import pathlib
import time

import numpy as np
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import (
    agreement,
    cluster,
    draws,
    grids,
    growth,
    hosts,
    metrics_window,
    objective,
    progress,
)
from dualcontrast.trainer import state as states
from dualcontrast.trainer import steps as training_steps
from dualcontrast.trainer import stopping
from dualcontrast.trainer.checkpoints import (
    checkpoint,
    environment,
    operations,
    origin,
    run_folder,
)
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import data_service, image_stream, manifest
from dualcontrast.trainer.evaluation import periodic

_REFERENCE_SEED = 0x5EED


def train(
    config: schema.Config,
    dataset: manifest.Manifest,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    is_deterministic: bool = False,
    request: origin.Request | None = None,
    joined: hosts.Hosts | None = None,
    services: tuple[str, ...] = (),
) -> int:
    """Trains until config.training.total_images, from the newest checkpoint in `workdir` if any.

    Args:
      config: resolved and validated for the strategy's replicas.
      dataset: opened.
      workdir: where the run lives.
      strategy: of one or more replicas.
      is_deterministic: whether TensorFlow was told to repeat its bits.
      request: what a new run starts with, of another one; None to start at random.
      joined: the hosts of the strategy, of which the chief alone reads and writes `workdir`; None
        for this one alone.
      services: tf.data services that read and decode, as in grpc://HOST:PORT; none to do it here.

    Returns:
      0 when the run is complete; 128 + the signal's number when one of `stopping.Stopping` stopped
      it, after a checkpoint.

    Raises:
      UserError: another process trains in `workdir`, `request` cannot be had, the run diverged,
        the data are damaged, or the disk is full.
    """
    joined = joined or hosts.Hosts(cluster.Cluster(), strategy)
    with contextlib.ExitStack() as stack:

        def claim() -> dict:
            stack.enter_context(run_folder.hold(workdir))
            checkpoint.claim(workdir, config, dataset)
            return operations.read(workdir)

        implementation.impose(joined.on_chief(claim))
        replicas, precision = strategy.num_replicas_in_sync, config.training.precision
        found = environment.of_training(replicas, precision, is_deterministic)
        agreement.check_environment(joined, found)
        with strategy.scope():
            state = states.State(config)
        run = _Run(config, dataset, workdir, joined, state, request, services)
        if joined.is_chief:
            if changes := environment.record_start(workdir, run.images_seen, found):
                print(f"warning: no longer the bits of an unstopped run: {changes}", flush=True)
        with stopping.Stopping() as signals:
            return joined.part(run.go(signals))


class _Run:
    """One process's part of a run."""

    def __init__(self, config, dataset, workdir, joined, state, request=None, services=()):
        self.config, self.dataset, self.workdir = config, dataset, workdir
        self.hosts, self.state, self.services = joined, state, services
        self.steps = training_steps.Steps(config, state, joined.strategy, dataset.class_counts)
        self.evaluation = None
        self.restored = joined.on_chief(lambda: self._begin(request))
        joined.take_chiefs(list(state.all_variables().values()))
        self.window = metrics_window.Window(self.images_seen)

    def _begin(self, request) -> str | None:
        """Gives the state its first values, and opens what is written; returns the checkpoint."""
        config, workdir, state = self.config, self.workdir, self.state
        self.checkpoints = checkpoint.Checkpoints(workdir, state, config.training.keep_checkpoints)
        restored = self.checkpoints.restore()
        if restored:
            origin.check_same(workdir, request)
        else:
            origin.begin(workdir, state, config, request)
        self.log = progress.Log(workdir, self.images_seen if restored else None)
        self.grids = grids.Grids(config, workdir, state.average, self.log)
        if config.evaluation.every_images:
            self.evaluation = periodic.Periodic(config, self.dataset, workdir, state, self.log)
        return restored

    @property
    def images_seen(self) -> int:
        return int(self.state.images_seen.numpy())

    def _now(self, images_seen: int) -> schema.Config:
        """Returns the configuration of an iteration that begins at `images_seen`."""
        return growth.at(self.config, images_seen)

    def go(self, signals: stopping.Stopping) -> int:
        training = self.config.training
        if self.restored:
            print(f"resuming at {self.images_seen:,} images from {self.restored}", flush=True)
        if self.restored and self.images_seen:  # an imported run has a checkpoint of none
            # A signal may have given up the evaluation that was due after the checkpoint.
            before = growth.last_start(self.config, self.images_seen)
            if self._is_due(self.config.evaluation.every_images, before):
                self._evaluate(signals)
        else:
            if self.hosts.is_chief:
                self.grids.save_reals(self.dataset)
                self.grids.save_fakes(self.images_seen)
            self._evaluate(signals)
        batch_size = None
        while self.images_seen < training.total_images:
            if batch_size != (batch_size := self._now(self.images_seen).training.batch_size):
                batches = self._batches(training.seed)
                references = self._references()
            started = time.monotonic()
            steps = range(self.config.schedule.discriminator_steps)
            shown = [self._shown(batches, references) for _ in steps]
            waited = time.monotonic() - started
            before = self.images_seen
            self.window.add(before, self.steps.iterate(shown, before), waited)
            # Asked once: a signal that arrives during the report gets one more iteration, after
            # which there is a checkpoint.
            stop = self.hosts.first_of(signals.received)
            self._report(before, signals, stop)
            if stop:
                print(f"stopped at {self.images_seen:,} images; the same command resumes")
                return 128 + stop
            if self._is_due(self.config.evaluation.every_images, before):
                self._evaluate(signals)
        stop = self.hosts.first_of(signals.received)
        if self.config.evaluation.every_images and stop:
            print("stopped before its last evaluation was complete; the same command takes it")
            return 128 + stop
        print(f"done: {self.images_seen:,} images; {self.workdir}", flush=True)
        return 0

    def _report(self, before: int, signals: stopping.Stopping, stop: int) -> None:
        """Logs, draws and saves what is due after the iteration that began at `before`."""
        training = self.config.training

        def due(every: int) -> bool:
            return bool(stop) or self._is_due(every, before)

        save = due(training.checkpoint_every_images)
        if save or due(training.log_every_images):
            self._write_metrics()
        if save:
            self._check_variables()  # on all hosts: what is wrong is wrong on each
        if not self.hosts.is_chief:
            return
        if due(training.grid_every_images):
            self.grids.save_fakes(self.images_seen)
        if save:
            with signals.saving():
                operations.record(self.workdir)
                self.checkpoints.save()

    def _is_due(self, every: int, before: int) -> bool:
        """Whether what happens every so many images falls on this iteration, or the run ends."""
        seen = self.images_seen
        if not every:
            return False
        return seen >= self.config.training.total_images or seen // every > before // every

    def _evaluate(self, signals: stopping.Stopping) -> None:
        if self.config.evaluation.every_images:
            started = time.monotonic()

            def stopped() -> bool:
                return bool(signals.received) or self.hosts.is_asked()

            self.hosts.on_chief(lambda: self.evaluation.evaluate(stopped), lambda: signals.received)
            self.window.pause(time.monotonic() - started)

    def _write_metrics(self) -> None:
        phase = objective.phase_at(self.config.loss, self.window.last_start)
        row = {"images_seen": self.images_seen, "phase": phase, **self._means()}
        if self.hosts.is_chief:
            self.log.write(row)
            print(progress.progress_line(row, self.config.training.total_images), flush=True)
        self.window = metrics_window.Window(self.images_seen)

    def _means(self) -> dict[str, float]:
        return self.window.close(self.images_seen, self._culprit)

    def _references(self):
        """Batches of reals in another order, where the discriminator compares with them."""
        if not self.config.discriminator.reads_references:
            return None
        # Any other order will do: the seed of a neighbouring run would repeat that run's.
        return self._batches(self.config.training.seed ^ _REFERENCE_SEED)

    def _batches(self, seed: int):
        with data_service.watched(self.services):
            dataset = image_stream.labelled_batches(
                self.dataset,
                batch_size=self._now(self.images_seen).training.batch_size,
                seed=seed,
                start_image=self.images_seen,
                mirror=self.config.data.mirror,
                replicas=self.hosts.strategy.num_replicas_in_sync,
                own=self.hosts.replicas,
                services=self.services,
            )
            return iter(dataset)

    def _shown(self, batches, references) -> training_steps.Shown:
        """Returns what a step of the discriminator is shown."""
        reals, labels = self._next(batches)
        return training_steps.Shown(
            self._shared(reals),
            self._shared(self._next(references)[0]) if references else None,
            self._shared(labels) if self.config.data.labels else None,
        )

    def _next(self, batches):
        try:
            with data_service.watched(self.services):
                return next(batches)
        except image_stream.READ_ERRORS as error:
            raise image_stream.explain(error, self.dataset, self.services) from error

    def _shared(self, batch: tf.Tensor):
        """Returns every replica's share of a batch."""
        return draws.shares(batch, self.hosts.strategy)

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


@tf.function(autograph=False)
def _all_finite(tensors: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])
