"""A process that runs training steps of one side, on request: half of tools/benchmark_peer.py.

  PYTHON peer_worker.py '{"peer": "stylegan2-ada-pytorch", "resolution": 64, ...}'

The peer's Python runs this file by its path: it has PyTorch but not this package, and may be older.
So only the standard library is imported here, and what a side needs where its steps are made.
Standard output has one line of JSON that describes the side, then one for each step.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

# Iterations from one run of a step to the next, in the order of an iteration.
INTERVALS = {"G": 1, "path_length": 4, "average": 1, "D": 1, "R1": 16}
# Of config E: at resolution r, min(_MOST_MAPS, 2 * _MAPS / r) feature maps.
_MAPS, _MOST_MAPS = 8192, 512
_LATENT_SIZE = 512


class Side(NamedTuple):
    """What a process brings to the comparison.

    Attributes:
      runs: what computes, with its version.
      parameters: how many each network has.
      steps: by their names in `INTERVALS`.
    """

    runs: str
    parameters: dict[str, int]
    steps: dict[str, Callable[[], None]]


def main(request: dict) -> None:
    """Describes the side that is asked for, then runs steps until standard input ends.

    Args:
      request: "peer", its checkout, or None for this project; "resolution" and "batch" of the
        images; "threads".
    """
    # What libraries print must not come between.
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        side = theirs(**request) if request["peer"] else ours(**request)
        serve(side, sys.stdin, answers)


def serve(side: Side, asked, answers) -> None:
    """Writes what the side is; then runs the step that each line asks for, and writes its cost."""
    print(json.dumps({"runs": side.runs, "parameters": side.parameters}), file=answers)
    for line in asked:
        before = time.process_time()
        side.steps[line.strip()]()
        print(json.dumps({"processor_seconds": time.process_time() - before}), file=answers)


def ours(peer: None, resolution: int, batch: int, threads: int) -> Side:
    """Returns this project's steps, as its benchmarks and its training run them."""
    from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

    import tensorflow as tf

    # Of one operation, and operations at once.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)

    from dualcontrast.custom_ops import implementation
    from dualcontrast.tools.benchmarks import training_iteration
    from dualcontrast.trainer import devices, state, tensorflow_start

    tensorflow_start.start()
    changes = {"training.batch_size": batch}
    for network in ("generator", "discriminator"):
        changes |= {f"{network}.fmap_base": _MAPS, f"{network}.fmap_max": _MOST_MAPS}
    config = training_iteration.config(resolution, "float32", changes)
    strategy = devices.make_strategy()
    with strategy.scope():
        run = state.State(config)
    return Side(
        f"TensorFlow {tf.__version__}, {implementation.report()}",
        {
            name: sum(math.prod(v.shape) for v in getattr(run, name).trainable_variables)
            for name in ("generator", "discriminator")
        },
        {name: training_iteration.stepper(config, run, strategy, name) for name in INTERVALS},
    )


def theirs(peer: str, resolution: int, batch: int, threads: int) -> Side:
    """Returns the steps of a checkout of stylegan2-ada-pytorch: its networks, its losses, and Adam.

    Nothing of its mixed precision, augmentation and distribution. On a CPU its operations compute
    with PyTorch's own.
    """
    sys.path[0] = peer  # in place of the folder of this file

    import torch
    from training import loss, networks

    torch.set_num_threads(threads)
    image = {"c_dim": 0, "img_resolution": resolution, "img_channels": 3}
    widths = {"channel_base": 2 * _MAPS, "channel_max": _MOST_MAPS}
    size = {"z_dim": _LATENT_SIZE, "w_dim": _LATENT_SIZE}
    generator = networks.Generator(**image, **size, synthesis_kwargs=widths)
    discriminator = networks.Discriminator(**image, **widths)
    average = copy.deepcopy(generator).requires_grad_(False)
    adversarial = loss.StyleGAN2Loss("cpu", generator.mapping, generator.synthesis, discriminator)
    optimizers = {}
    for network in (generator, discriminator):
        network.requires_grad_(False)  # but for the one that a step updates
        optimizers[network] = torch.optim.Adam(network.parameters(), lr=0.002, betas=(0.0, 0.99))
    pixels = torch.randint(0, 256, [batch, 3, resolution, resolution], dtype=torch.uint8)
    no_labels = torch.zeros([batch, 0])

    def update(phase: str, network, name: str) -> None:
        optimizers[network].zero_grad(set_to_none=True)
        network.requires_grad_(True)
        adversarial.accumulate_gradients(
            phase,
            real_img=pixels.to(torch.float32) / 127.5 - 1,
            real_c=no_labels,
            gen_z=torch.randn([batch, _LATENT_SIZE]),
            gen_c=no_labels,
            sync=True,
            gain=INTERVALS[name],
        )
        network.requires_grad_(False)
        optimizers[network].step()

    def move_average() -> None:
        decay = 0.5 ** (batch / 10_000)
        with torch.no_grad():
            for kept, new in zip(average.parameters(), generator.parameters()):
                kept.lerp_(new, 1 - decay)

    return Side(
        f"PyTorch {torch.__version__}",
        {
            "generator": sum(p.numel() for p in generator.parameters()),
            "discriminator": sum(p.numel() for p in discriminator.parameters()),
        },
        {
            "G": functools.partial(update, "Gmain", generator, "G"),
            "path_length": functools.partial(update, "Greg", generator, "path_length"),
            "average": move_average,
            "D": functools.partial(update, "Dmain", discriminator, "D"),
            "R1": functools.partial(update, "Dreg", discriminator, "R1"),
        },
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
