"""Compares imported networks with those of NVIDIA's stylegan2-ada-pytorch that were saved.

  make crosscheck-import PEER=CHECKOUT PEER_PYTHON=PYTHON_WITH_TORCH

That program makes networks with random weights, a quarter as wide as config E, of 32, 64 and 256,
conditional and not, saves them as its training does, with an averaged generator that is another one
than the generator, and computes images of the averaged one and logits in float32, and the gradients
of R1 and of path lengths of the averaged one in float64. Here the file is imported, and the run
computes the same. Each line has the largest difference relative to the largest value; of gradients,
of the worst variable. The exit code is 1 when images, logits or the path length differ by more than
1e-5, or gradients by more than 1e-3.
"""

import json
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import flags

from dualcontrast.tools.crosschecks import peer_checkout, peer_networks
from dualcontrast.tools.interchange import layout, network_file
from dualcontrast.trainer import errors, tensorflow_start
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(peer_checkout)
_SIDES = flags.DEFINE_list(
    "sides", ["32", "64", "256"], "Sides of the images, with commas between."
)

VALUES, GRADIENTS = 1e-5, 1e-3
# Of each side: without classes as that program makes them, and with all that may be different. This
# bound clips one activation in a few; the published one, 256, would clip none of random networks.
_KINDS: tuple[dict, ...] = (
    {"classes": 0, "depth": 8, "clamp": None},
    {"classes": 3, "depth": 2, "clamp": 2.0},
)


class Row(NamedTuple):
    """One comparison: of what, the largest relative difference, and the most there may be."""

    name: str
    difference: float
    most: float


def main(argv: list[str]) -> int:
    """Prints the comparisons; returns 1 when one falls short."""
    errors.no_arguments(argv)
    peer_checkout.check()
    sides = [_side(text) for text in _SIDES.value or [""]]
    tensorflow_start.start()
    print(f"{'networks':42} {'what':60} {'difference':>10}")
    far = False
    for side in sides:
        for kind in _KINDS:
            name = ", ".join([f"{side}x{side}", *(f"{key} {value}" for key, value in kind.items())])
            for row in _compared(side, kind):
                print(f"{name:42} {row.name:60} {row.difference:10.1e}", flush=True)
                far |= not row.difference <= row.most
    return int(far)


def _side(text: str) -> int:
    side = int(text) if text.strip().isdigit() else 0
    if side < 8 or side & (side - 1):
        raise UserError(f"--sides={text}: expected powers of two from 8 on, with commas between")
    return side


def _compared(side: int, kind: dict) -> Iterator[Row]:
    from dualcontrast.tools.interchange import imported_run
    from dualcontrast.trainer.checkpoints import checkpoint

    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        request = {
            "peer": os.path.abspath(peer_checkout.PEER.value),
            "folder": folder,
            "resolution": side,
            **kind,
        }
        _ask(request)
        with np.load(place / "computed.npz") as archive:
            theirs = {name: archive[name] for name in archive.files}
        path = place / "networks.pkl"
        found = network_file.read(str(path))
        config = schema.replace(schema.Config(), found.settings)
        imported_run.write(found, path, config, place / "run")
        networks = checkpoint.load_average(f"{place}/run")[0], checkpoint.load_discriminator(
            f"{place}/run"
        )
    yield from _rows(*networks, theirs)


def _ask(request: dict) -> None:
    done = subprocess.run(
        [peer_checkout.PYTHON.value, peer_networks.__file__, json.dumps(request)],
        capture_output=True,
        text=True,
        # A checkout is left as it is.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was killed"])[-1]
        raise UserError(f"the peer failed: {last[:200]}")


def _rows(generator, discriminator, theirs: dict[str, np.ndarray]) -> Iterator[Row]:
    import tensorflow as tf

    from dualcontrast.losses import path_length, r1

    labels = tf.constant(theirs["labels"], tf.int32) if generator.classes else None
    shown = np.einsum("bchw->bhwc", theirs["images"])
    images = generator(theirs["z"], labels, truncation_psi=0.7)
    yield Row("images", _difference(images.numpy(), shown), VALUES)
    logits = _judge(discriminator, labels)(tf.constant(shown))
    yield Row("logits", _difference(logits.numpy(), theirs["logits"]), VALUES)

    discriminator, generator = _in_float64(discriminator), _in_float64(generator)
    with tf.GradientTape() as tape:
        reals = tf.constant(shown, tf.float64)
        penalty = tf.reduce_mean(r1.r1_penalty(_judge(discriminator, labels), reals))
    yield _gradients("R1's gradients", "D", discriminator, tape, penalty, theirs)

    directions = tf.constant(np.einsum("bchw->bhwc", theirs["directions"]))
    count = directions.shape[0]
    with tf.GradientTape() as tape:
        few = labels if labels is None else labels[:count]
        w = generator.broadcast(generator.mapping(theirs["z"][:count], few))
        length = tf.reduce_mean(path_length.path_lengths(generator.synthesis, w, directions))
    yield Row("path length", _difference(length.numpy(), theirs["length"]), VALUES)
    yield _gradients("path lengths' gradients", "G", generator, tape, length, theirs)


def _judge(discriminator, labels):
    """Returns the discriminator as a function of images."""
    return lambda images: discriminator(images, **({} if labels is None else {"labels": labels}))


def _in_float64(network):
    """Returns a network with the same values that computes in float64, with TensorFlow's own."""
    made = type(network).from_config(network.get_config() | {"dtype": "float64"})
    made.build()
    for variable, source in zip(made.variables, network.variables, strict=True):
        variable.assign(source.numpy())
    return made


def _gradients(name: str, network: str, ours, tape, loss, theirs: dict) -> Row:
    """Compares the gradients of a loss, each variable's for itself."""
    from dualcontrast.trainer import state

    # Of Keras's variables, whose values are what the tape has seen.
    trained = {variable.value.ref() for variable in ours.trainable_variables}
    variables = {
        path: variable
        for path, variable in state.variables_of(ours).items()
        if variable.ref() in trained
    }
    found = dict(zip(variables, tape.gradient(loss, list(variables.values()))))
    worst, where = 0.0, "no variable"
    for path, gradient in found.items():
        place = layout.place_of(network, path, ours.resolution)
        stored = theirs.get(f"{network}.{place.name}")
        if gradient is None and (stored is None or not stored.any()):
            continue  # the last layer's bias does not bend anything
        values = np.zeros(variables[path].shape) if gradient is None else gradient.numpy()
        stored = (
            np.zeros_like(values) if stored is None else layout.change_from_file(place.form, stored)
        )
        difference = _difference(values, stored)
        if not difference <= worst:
            worst, where = difference, place.name
    return Row(f"{name} ({where})", worst, GRADIENTS)


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Returns the largest difference relative to the largest value."""
    assert np.shape(ours) == np.shape(theirs), (np.shape(ours), np.shape(theirs))
    return float(np.abs(ours - theirs).max() / (np.abs(theirs).max() or 1.0))


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
