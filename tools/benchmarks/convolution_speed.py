"""What the project's convolutions gain: iterations of training against those with TensorFlow's.

Both are traced in one process and take turns; the other operations are the same. TensorFlow has two
sets of convolutions for CPUs, oneDNN's and Eigen's, which a variable chooses at its start: the
benchmark runs with each, and the project's have to be as fast against either.
"""

import os
from collections.abc import Callable

import tensorflow as tf

from dualcontrast.custom_ops import conv2d_forms, implementation
from dualcontrast.tools.benchmarks import training_iteration
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.tools.benchmarks.training_iteration import BATCH, SHARES
from dualcontrast.trainer import devices, state

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
NARROW_RESOLUTION = 32
# The widths of configs/demo.py.
_NARROW = {
    "generator.latent_size": 64,
    "generator.w_size": 64,
    "generator.mapping_layers": 2,
    **{f"{network}.fmap_base": 256 for network in ("generator", "discriminator")},
    **{f"{network}.fmap_max": 32 for network in ("generator", "discriminator")},
}
# How often as fast an iteration has to be, by instructions and side of the images.
_LEAST = {"avx2": {64: 2.5, 128: 2.2}, "avx512": {64: 1.8, 128: 1.8}, "neon": {}}
_LEAST_GENERATOR = 2.5
_LEAST_NARROW = 1.8


def measure(resolution: int, rounds: int) -> int:
    """Prints the ratios at one resolution; returns 1 when a target is missed.

    Args:
      resolution: side of the images; at 32 the networks are the narrow ones of
        configs/demo.py.
      rounds: clean samples of each step.
    """
    engine = implementation.convolutions("auto")
    onednn = {"0": ", oneDNN off", "1": ", oneDNN on"}.get(os.environ.get(ONEDNN, ""), "")
    title = f"{resolution}x{resolution} conv2d ({engine}{onednn})"
    if engine == "ref":
        print(f"{title}: not measured, all are TensorFlow's here")
        return 1
    changes = _NARROW if resolution == NARROW_RESOLUTION else {}
    config = training_iteration.config(resolution, "float32", changes)
    strategy = devices.make_strategy()
    with strategy.scope():
        run = state.State(config)
    sample: dict[tuple[str, str], Callable[[], None]] = {}
    for whose in ("ours", "TensorFlow's"):
        for step in SHARES:
            sample[whose, step] = training_iteration.stepper(config, run, strategy, step)
        sample[whose, "generator"] = _generator(run)
    for (whose, _), function in sample.items():
        with _of(whose):
            function()  # which traces it
    seconds = QuietClock(rounds).medians(sample)
    if seconds is None:
        print(f"{title}: not measured, the machine was busy")
        return 1
    return report(title, seconds, _targets(engine, resolution))


def report(title: str, seconds: dict[tuple[str, str], float], targets: dict[str, float]) -> int:
    """Prints a line for each target; returns 1 when one is missed.

    Args:
      title: of the lines.
      seconds: of each step and of the "generator", by ("ours" or "TensorFlow's", its name).
      targets: the least ratio of the "iteration" and of the "generator".
    """
    took = dict(seconds)
    for whose in ("ours", "TensorFlow's"):
        took[whose, "iteration"] = sum(seconds[whose, s] * share for s, share in SHARES.items())
    ratio = {name: took["TensorFlow's", name] / took["ours", name] for _, name in took}
    missed = 0
    for name, least in targets.items():
        verdict = "ok" if ratio[name] >= least else "MISSED"
        missed |= ratio[name] < least
        print(f"{title} {name}: {ratio[name]:.2f} times as fast (target {least}) {verdict}")
    parts = ", ".join(f"{step} {ratio[step]:.2f}" for step in SHARES)
    print(f"{title} steps: {parts}; {BATCH / took['ours', 'iteration']:.2f} images/s in training")
    return int(missed)


def _targets(engine: str, resolution: int) -> dict[str, float]:
    if resolution == NARROW_RESOLUTION:
        return {"iteration": _LEAST_NARROW}
    least = _LEAST[engine].get(resolution)
    return {"iteration": least, "generator": _LEAST_GENERATOR} if least else {}


def _of(whose: str):
    return implementation.using("auto") if whose == "ours" else conv2d_forms.all_tensorflow_s()


def _generator(run: state.State) -> Callable[[], None]:
    z = tf.random.stateless_normal([BATCH, run.average.latent_size], [0, 0])
    generate = tf.function(run.average, autograph=False)
    return lambda: generate(z).numpy()
