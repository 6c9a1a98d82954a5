"""Saves networks of stylegan2-ada-pytorch with what they compute: half of crosscheck_import.py.

  PYTHON peer_networks.py '{"peer": "stylegan2-ada-pytorch", "folder": "OUT", ...}'

The peer's Python runs this file by its path: it has PyTorch but not this package. So only the
standard library is imported here, and what else is needed where it is.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import sys

# At resolution r, min(channel_max, channel_base / r) maps: a quarter of config E's.
_WIDTHS = {"channel_base": 4096, "channel_max": 128}
_IMAGES = 4
_LENGTHS = 2  # images of the path lengths, which need much memory
_SPREAD = 0.1  # of what begins at one value, so that all counts, and of the averaged generator
_HOW = {"noise_mode": "const", "force_fp32": True}


def main(
    peer: str, folder: str, resolution: int, classes: int, depth: int, clamp: float | None
) -> None:
    """Writes networks.pkl, as that program's training does, and computed.npz.

    Args:
      peer: the program's checkout.
      folder: to write to.
      resolution: of the images.
      classes: of the labels, 0 for none.
      depth: layers of the mapping.
      clamp: of the activations, with the four highest resolutions in 16 bits; None for neither.
    """
    sys.path[0] = peer  # in place of the folder of this file

    import numpy as np
    import torch

    torch.manual_seed(resolution + classes)
    saved = _networks(resolution, classes, depth, clamp)
    with open(os.path.join(folder, "networks.pkl"), "wb") as file:
        pickle.dump({**saved, "training_set_kwargs": {}, "augment_pipe": None}, file)
    inputs = _inputs(resolution, classes)
    computed = {name: inputs[name] for name in ("z", "directions")}
    computed["labels"] = inputs["numbers"]
    computed |= _values(saved["G_ema"], saved["D"], inputs)
    computed |= _derivatives(saved["G_ema"], saved["D"], inputs, computed["images"])
    arrays = {name: value.detach().numpy() for name, value in computed.items()}
    np.savez(os.path.join(folder, "computed.npz"), **arrays)


def _networks(resolution, classes, depth, clamp):
    """Returns the networks of a file, with random values that differ from network to network."""
    from training import networks

    images = {"c_dim": classes, "img_resolution": resolution, "img_channels": 3}
    widths = _WIDTHS | ({"conv_clamp": clamp, "num_fp16_res": 4} if clamp else {})
    generator = networks.Generator(
        z_dim=512,
        w_dim=512,
        mapping_kwargs={"num_layers": depth},
        synthesis_kwargs=widths,
        **images,
    )
    discriminator = networks.Discriminator(
        epilogue_kwargs={"mbstd_group_size": _IMAGES}, **widths, **images
    )
    _spread(generator, ("bias", "noise_strength", "w_avg"))
    _spread(discriminator, ("bias",))
    average = copy.deepcopy(generator)
    # Taken for the generator, it would compute something else.
    _spread(average, ("bias", "noise_strength", "w_avg", "weight", "const", "noise_const"))
    saved = {"G": generator, "D": discriminator, "G_ema": average}
    return {name: network.eval().requires_grad_(False) for name, network in saved.items()}


def _spread(network, endings):
    """Adds noise to the arrays whose names end so."""
    import torch

    with torch.no_grad():
        for name, array in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith(endings):
                array += _SPREAD * torch.randn(array.shape)


def _inputs(resolution, classes):
    """Returns what the networks are given, by name."""
    import torch

    numbers = torch.arange(_IMAGES) % max(classes, 1)
    labels = torch.zeros([_IMAGES, 0])
    if classes:
        labels = torch.nn.functional.one_hot(numbers, classes).float()
    return {
        "z": torch.randn([_IMAGES, 512]),
        "numbers": numbers,
        "labels": labels,
        "directions": torch.randn([_LENGTHS, 3, resolution, resolution]).double(),
    }


def _values(generator, discriminator, inputs):
    """Returns images and logits, in float32."""
    shown = generator(inputs["z"], inputs["labels"], truncation_psi=0.7, **_HOW)
    logits = discriminator(shown, inputs["labels"], force_fp32=True)
    return {"images": shown, "logits": logits[:, 0]}


def _derivatives(generator, discriminator, inputs, shown):
    """Returns the mean path length and the gradients of R1 and of path lengths, in float64.

    Derivatives jump where an activation bends, and rounding to float32 takes some pixels across.
    """
    import torch

    # The program names the type that it computes in, and from here on the name means another one.
    torch.float32 = torch.float64
    for network in (generator, discriminator):
        network.double().requires_grad_(True)
    labels, directions = inputs["labels"].double(), inputs["directions"]
    reals = shown.double().requires_grad_(True)
    judged = discriminator(reals, labels, force_fp32=True)
    slopes = torch.autograd.grad(judged.sum(), reals, create_graph=True)[0]
    _, of_discriminator = _gradients(slopes.square().sum([1, 2, 3]).mean(), discriminator)

    w = generator.mapping(inputs["z"][:_LENGTHS], labels[:_LENGTHS])
    projected = (generator.synthesis(w, **_HOW) * directions).sum() / directions.shape[-1]
    slopes = torch.autograd.grad(projected, w, create_graph=True)[0]
    lengths = slopes.square().sum(2).mean(1).sqrt()
    mean_length, of_generator = _gradients(lengths.mean(), generator)
    return {
        "length": mean_length,
        **{f"D.{name}": gradient for name, gradient in of_discriminator.items()},
        **{f"G.{name}": gradient for name, gradient in of_generator.items()},
    }


def _gradients(loss, network):
    """Returns a loss, and its gradients by the names of a network's parameters."""
    import torch

    names, parameters = zip(*network.named_parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    found = {name: grad for name, grad in zip(names, gradients) if grad is not None}
    return loss, found


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
