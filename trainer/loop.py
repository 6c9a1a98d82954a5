"""The training loop: read, step, log, draw, save; and go on where it stopped."""

import os
import pathlib
import signal
import time

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import checkpoint
from dualcontrast.trainer import config as configs
from dualcontrast.trainer import data, draws
from dualcontrast.trainer import game as games
from dualcontrast.trainer import manifest, pictures, progress
from dualcontrast.trainer import state as states
from dualcontrast.trainer import steps as training_steps
from dualcontrast.trainer.errors import UserError

GRID_COLUMNS, GRID_ROWS = 8, 8
_GRID_BATCH = 16


def train(
    config: configs.Config,
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
        self.window = _Window(self.images_seen)
        self.sampler = _Sampler(config, state.average)

    @property
    def images_seen(self) -> int:
        return int(self.state.images_seen.numpy())

    def go(self, signals: "_Signals") -> int:
        training = self.config.training
        if self.restored:
            print(f"resuming at {self.images_seen:,} images from {self.restored}", flush=True)
        else:
            self._save_reals()
            self._save_grid()
        batches = self._batches()
        while self.images_seen < training.total_images:
            started = time.monotonic()
            reals = self._next(batches)
            waited = time.monotonic() - started
            before = self.images_seen
            self.window.add(before, self.steps.iterate(reals, before), waited)
            self._report(before, signals.received)
            if signals.received:
                print(f"stopped at {self.images_seen:,} images; the same command resumes")
                return 128 + signals.received
        print(f"done: {self.images_seen:,} images; {self.workdir}", flush=True)
        return 0

    def _report(self, before: int, stop: int) -> None:
        """Logs, draws and saves what is due after the iteration that began at `before`."""
        training, seen = self.config.training, self.images_seen
        last = seen >= training.total_images or stop

        def due(every: int) -> bool:
            return bool(last) or seen // every > before // every

        save = due(training.checkpoint_every_images)
        if save or due(training.log_every_images):
            self._write_metrics()
        if due(training.grid_every_images):
            self._save_grid()
        if save:
            self._check_variables()
            self.checkpoints.save()

    def _write_metrics(self) -> None:
        phase = games.game_at(self.config.loss, self.window.last_start).phase
        row = {"images_seen": self.images_seen, "phase": phase, **self._means()}
        self.log.write(row)
        print(progress.progress_line(row, self.config.training.total_images), flush=True)
        self.window = _Window(self.images_seen)

    def _means(self) -> dict[str, float]:
        return self.window.close(self.images_seen, self._culprit)

    def _batches(self):
        training = self.config.training
        dataset = data.image_batches(
            self.dataset,
            batch_size=training.batch_size,
            seed=training.seed,
            start_image=self.images_seen,
            mirror=self.config.data.mirror,
        )
        return iter(dataset)

    def _next(self, batches):
        try:
            batch = next(batches)
        except tf.errors.OpError as error:
            raise data.explain(error, self.dataset) from error
        replicas = self.strategy.num_replicas_in_sync
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: draws.share(batch, context.replica_id_in_sync_group, replicas)
        )

    def _save_reals(self) -> None:
        count = min(GRID_COLUMNS * GRID_ROWS, self.dataset.count)
        reals = data.first_images(self.dataset, count)
        self._save_picture("reals", pictures.grid(reals, GRID_COLUMNS))

    def _save_grid(self) -> None:
        images = pictures.to_uint8(self.sampler.images())
        self._save_picture(f"fakes-{self.images_seen:012d}", pictures.grid(images, GRID_COLUMNS))

    def _save_picture(self, name: str, picture: np.ndarray) -> None:
        folder = self.workdir / "grids"
        try:
            folder.mkdir(exist_ok=True)
            pictures.save_png(folder / f"{name}.png", picture)
        except OSError as error:
            raise UserError(
                f"{folder / name}.png could not be written: {error.strerror}.\n"
                "Make room, then run the same command again."
            ) from error
        png = (folder / f"{name}.png").read_bytes()
        self.log.write_picture(name.split("-")[0], png, self.images_seen)

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
            raise _diverged(f"at {self.images_seen:,} images{self._culprit()}")


class _Sampler:
    """Draws the same latents again and again with the averaged generator and its fixed noise."""

    def __init__(self, config: configs.Config, average):
        count = GRID_COLUMNS * GRID_ROWS
        draw = draws.Draws(config.training.seed, 0, draws.Purpose.GRID, count)
        self._latents = draw.latents(config.generator.latent_size)
        self._generate = tf.function(average, autograph=False)

    def images(self) -> np.ndarray:
        chunks = tf.split(self._latents, len(self._latents) // _GRID_BATCH)
        return np.concatenate([self._generate(chunk).numpy() for chunk in chunks])


class _Window:
    """The metrics since the last log line."""

    def __init__(self, images_seen: int):
        self._first = images_seen
        self._started = time.monotonic()
        self._waited = 0.0
        self._steps: list[tuple[int, dict]] = []

    @property
    def last_start(self) -> int:
        """The images seen before the last iteration."""
        return self._steps[-1][0]

    def add(self, images_seen: int, metrics: dict, waited: float) -> None:
        self._steps.append((images_seen, metrics))
        self._waited += waited

    def close(self, images_seen: int, culprit) -> dict[str, float]:
        """Returns the means over the window, the rate and the share of time spent waiting for data.

        Raises:
          UserError: a metric is not finite.
        """
        values: dict[str, list[float]] = {}
        for before, metrics in self._steps:
            for name, tensor in metrics.items():
                value = float(tensor)
                if not np.isfinite(value):
                    raise _diverged(f"{name} is {value} at {before:,} images{culprit()}")
                values.setdefault(name, []).append(value)
        # The values are on the host now, so the device has finished what is timed.
        elapsed = time.monotonic() - self._started
        return {name: float(np.mean(value)) for name, value in values.items()} | {
            "images_per_second": (images_seen - self._first) / elapsed,
            "wait_share": self._waited / elapsed,
        }


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


def _diverged(what: str) -> UserError:
    return UserError(
        f"training diverged: {what}.\nThe last checkpoint is good. "
        "Try a smaller learning rate or a larger discriminator.r1_gamma in another --workdir."
    )


@tf.function(autograph=False)
def _all_finite(tensors: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])
