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
_SPREAD = 0.1  # of what begins at one value, so that all of it counts


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
    from training import networks

    torch.manual_seed(resolution + classes)
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
    with torch.no_grad():
        for network in (generator, discriminator):
            for name, array in [*network.named_parameters(), *network.named_buffers()]:
                if name.endswith(("bias", "noise_strength", "w_avg")):
                    array += _SPREAD * torch.randn(array.shape)
    average = copy.deepcopy(generator)
    saved = {"G": generator, "D": discriminator, "G_ema": average}
    saved = {name: network.eval().requires_grad_(False) for name, network in saved.items()}
    with open(os.path.join(folder, "networks.pkl"), "wb") as file:
        pickle.dump({**saved, "training_set_kwargs": {}, "augment_pipe": None}, file)

    z = torch.randn([_IMAGES, 512])
    numbers = torch.arange(_IMAGES) % max(classes, 1)
    labels = (
        torch.nn.functional.one_hot(numbers, classes).float() if classes else torch.zeros([4, 0])
    )
    directions = torch.randn([_LENGTHS, 3, resolution, resolution])
    how = {"noise_mode": "const", "force_fp32": True}
    shown = generator(z, labels, truncation_psi=0.7, **how)

    logits = discriminator(shown, labels, force_fp32=True)

    # Derivatives jump where an activation bends, and rounding to float32 takes some pixels across.
    # The program names the type that it computes in, and here the name means another one.
    torch.float32 = torch.float64
    for network in (generator, discriminator):
        network.double().requires_grad_(True)
    labels, directions = labels.double(), directions.double()
    reals = shown.double().requires_grad_(True)
    judged = discriminator(reals, labels, force_fp32=True)
    slopes = torch.autograd.grad(judged.sum(), reals, create_graph=True)[0]
    _, of_discriminator = _gradients(slopes.square().sum([1, 2, 3]).mean(), discriminator)

    w = generator.mapping(z[:_LENGTHS], labels[:_LENGTHS])
    projected = (generator.synthesis(w, **how) * directions).sum() / resolution
    slopes = torch.autograd.grad(projected, w, create_graph=True)[0]
    lengths = slopes.square().sum(2).mean(1).sqrt()
    mean_length, of_generator = _gradients(lengths.mean(), generator)
    computed = {
        "z": z,
        "labels": numbers,
        "directions": directions,
        "images": shown,
        "logits": logits[:, 0],
        "length": mean_length,
        **{f"D.{name}": gradient for name, gradient in of_discriminator.items()},
        **{f"G.{name}": gradient for name, gradient in of_generator.items()},
    }
    arrays = {name: value.detach().numpy() for name, value in computed.items()}
    np.savez(os.path.join(folder, "computed.npz"), **arrays)


def _gradients(loss, network):
    """Returns a loss, and its gradients by the names of a network's parameters."""
    import torch

    names, parameters = zip(*network.named_parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    found = {name: grad for name, grad in zip(names, gradients) if grad is not None}
    return loss, found


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
