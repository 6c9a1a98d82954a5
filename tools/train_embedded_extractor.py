"""Trains the extractor that comes with the project, on rendered scenes; 5 minutes on 2 cores.

  python -m dualcontrast.tools.train_embedded_extractor --output=trainer/features/embedded.npz

The network is shown a scene, changed by noise, blur and tint of random strength, and learns to say
what is in the scene, where it stands, where camera and lamp are, and how strong each change was.
The features are what its last layer reads. The same command makes the same weights on the same
machine.
"""

import io

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from scipy import ndimage

from dualcontrast.tools.scenes import scenes, solids
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, files, path_flags
from dualcontrast.trainer.features import embedded

_OUTPUT = path_flags.define("output", None, "The .npz file to write.", required=True)
_SCENES = flags.DEFINE_integer("scenes", 12_000, "Scenes to learn from.", lower_bound=128)
_EPOCHS = flags.DEFINE_integer("epochs", 24, "Passes over the scenes.", lower_bound=1)

# Away from 0, the seed of everybody's scenes.
_SEED = 20211
_BATCH = 64
_MOST_NOISE, _BLUR, _MOST_TINT = 0.25, 1.0, 0.3
_QUADRANTS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def main(argv: list[str]) -> None:
    """Trains and writes the weights."""
    errors.no_arguments(argv)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(_SEED)
    pictures, facts = _render(_SCENES.value)
    weights = _train(pictures, facts)
    _standardize(weights, pictures)
    content = io.BytesIO()
    np.savez(content, **{name: value.numpy() for name, value in weights.items()})
    files.write(_OUTPUT.value, content.getvalue())
    print(f"{_OUTPUT.value}: {len(content.getvalue()):,} bytes")


def describe(scene: solids.Scene) -> np.ndarray:
    """Returns what is known about a scene, [53] float32: counts, places, camera, lamp."""
    counts = []
    for x, y in _QUADRANTS:
        here = [solid for solid in scene.solids if solid.x * x >= 0 and solid.y * y >= 0]
        counts += [
            sum(solid.colour == colour for solid in here) for colour in scenes.COLOURS.values()
        ]
    counts += [sum(isinstance(solid, shape) for solid in scene.solids) for shape in scenes.SHAPES]
    counts += [sum(solid.size == scenes.SIZES["large"] for solid in scene.solids)]
    counts += [sum(solid.shiny for solid in scene.solids), len(scene.solids)]
    return np.array([*counts, *scene.camera, *scene.lamp], np.float32)


def _render(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns pictures, float32 [count, 32, 32, 3] in [-1, 1], and standardized facts."""
    pictures = np.empty((count, embedded.SIDE, embedded.SIDE, 3), np.float32)
    rows = []
    with ProgressBar("scenes", count) as bar:
        for index in range(count):
            pictures[index] = scenes.render(_SEED, index, embedded.SIDE) / np.float32(127.5) - 1
            rows.append(describe(scenes.compose(_SEED, index)))
            bar.show(index + 1)
    facts = np.stack(rows)
    return pictures, (facts - facts.mean(axis=0)) / facts.std(axis=0)


def _changed(pictures: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns pictures with noise, blur and tint, and how strong each is, [count, 5].

    Each change is left out of half of the pictures.
    """
    count = len(pictures)
    strength = random.uniform(size=(count, 5)) * (random.uniform(size=(count, 5)) < 0.5)
    strength[:, 2:] *= random.choice([-1, 1], size=(count, 3))
    noise, blur, tint = strength[:, :1], strength[:, 1:2], strength[:, 2:]
    blurred = ndimage.gaussian_filter(pictures, (0, _BLUR, _BLUR, 0))
    x = pictures + blur[:, None, None] * (blurred - pictures)
    x = (x + 1) * (1 + _MOST_TINT * tint[:, None, None]) - 1
    x = x + _MOST_NOISE * noise[:, None, None] * random.standard_normal(pictures.shape)
    return np.clip(x, -1, 1).astype(np.float32), (2 * strength).astype(np.float32)


def _make_weights(targets: int) -> dict[str, tf.Variable]:
    shapes: dict[str, tuple[int, ...]] = {}
    maps = 3
    for index, (filters, _) in enumerate(embedded.CONVOLUTIONS):
        shapes[f"conv{index}"] = (3, 3, maps, filters)
        maps = filters
    shapes["dense"] = (4 * 4 * maps, embedded.SIZE)
    shapes["head"] = (embedded.SIZE, targets)
    weights = {}
    for seed, (name, shape) in enumerate(shapes.items()):
        kernel = keras.initializers.HeNormal(seed=seed)(shape)
        weights[f"{name}/kernel"] = tf.Variable(kernel)
        weights[f"{name}/bias"] = tf.Variable(tf.zeros(shape[-1]))
    return weights


def _train(pictures: np.ndarray, facts: np.ndarray) -> dict[str, tf.Variable]:
    """Returns the trained weights of the extractor, without the head."""
    weights = _make_weights(facts.shape[1] + 5)
    variables = list(weights.values())
    steps = _EPOCHS.value * (len(pictures) // _BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            hidden = tf.nn.leaky_relu(embedded.features(weights, x), 0.2)
            found = hidden @ weights["head/kernel"] + weights["head/bias"]
            loss = tf.reduce_mean(tf.square(found - y))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    random = np.random.default_rng(_SEED)
    with ProgressBar("pictures", _EPOCHS.value * len(pictures)) as bar:
        for epoch in range(_EPOCHS.value):
            losses = []
            order = random.permutation(len(pictures))[: len(pictures) // _BATCH * _BATCH]
            for batch in order.reshape(-1, _BATCH):
                x, strength = _changed(pictures[batch], random)
                losses.append(step(x, np.concatenate([facts[batch], strength], axis=1)))
                bar.show(epoch * len(pictures) + len(losses) * _BATCH)
            print(f"epoch {epoch + 1}: unexplained variance {np.mean(losses):.3f}", flush=True)
    return {name: value for name, value in weights.items() if not name.startswith("head/")}


def _standardize(weights: dict[str, tf.Variable], pictures: np.ndarray) -> None:
    """Gives every feature the mean 0 and the variance 1 on unchanged scenes."""
    found = np.concatenate(
        [embedded.features(weights, chunk).numpy() for chunk in np.array_split(pictures, 32)]
    ).astype(np.float64)
    mean, deviation = found.mean(axis=0), found.std(axis=0)
    kernel, bias = weights["dense/kernel"], weights["dense/bias"]
    bias.assign((bias.numpy() - mean) / deviation)
    kernel.assign(kernel.numpy() / deviation)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
