"""What is chosen for images and a machine, before anything is known about speed."""

from dualcontrast.tools.planning import numbers
from dualcontrast.tools.planning.choice import Choice
from dualcontrast.tools.planning.mirror import Look
from dualcontrast.tools.planning.situation import Images, Machine


def networks_and_losses(images: Images, machine: Machine, look: Look) -> list[Choice]:
    """Returns everything of a plan but its accumulation, and what depends on its length.

    Args:
      images: to train on.
      machine: that trains.
      look: whether the images could be mirrored.
    """
    return [
        _loss(images, machine),
        *_widths(images, machine),
        _batch(images, machine),
        _gamma(images, machine),
        _rates(images, machine),
        _mirror(look),
        *_labels(images),
    ]


def is_adaptive(images: Images, machine: Machine) -> bool:
    """Whether the plan is the recipe of Karras et al. 2020b: few images, and GPUs."""
    return bool(machine.gpus) and images.count < numbers.FEW_IMAGES


def batch_size(images: Images, machine: Machine) -> int:
    """Returns the images of a step, over all devices, which divide them."""
    if not machine.gpus:
        return _narrow(images).batch
    share = min(numbers.GPU_BATCH_PIXELS // images.resolution, numbers.GPU_BATCH_OF_A_DEVICE)
    most = min(machine.gpus * max(1, share), numbers.GPU_BATCH)
    # A whole number for each device, and images to contrast with.
    least = -(-numbers.LEAST_BATCH // machine.gpus) * machine.gpus
    return max(most // machine.gpus * machine.gpus, least)


def _loss(images: Images, machine: Machine) -> Choice:
    if is_adaptive(images, machine):
        why = "ada reads the sign of logits, which the dual contrastive loss leaves open"
        return Choice(why, {"loss": "non_saturating"})
    why, fields = "the paper's (Yu et al. 2021)", {"loss": "dual_contrastive"}
    if not machine.gpus and (objective := _narrow(images).objective) != "minimax":
        fields["loss.generator_objective"] = objective
        why += f", its generator as in {_narrow(images).source}"
    return Choice(why, fields)


def augmentation(images: Images, machine: Machine, total: int) -> Choice:
    """Returns the augmentation of a run of `total` images."""
    if images.count >= numbers.FEW_IMAGES:
        why = f"{images.count:_} images, {numbers.FEW_IMAGES:_} or more, are not learnt by heart"
        return Choice(why, {"augmentation": "none"})
    few = f"{images.count:_} images, fewer than {numbers.FEW_IMAGES:_}"
    if machine.gpus:
        return Choice(f"{few}: as much as they need", {"augmentation": "ada"})
    passes = total / images.count
    if passes <= numbers.SHORT_PASSES:
        why = f"{few}, but {passes:.3g} passes do not learn them by heart"
        return Choice(why, {"augmentation": "none"})
    why = f"{few}, {passes:.3g} passes; ada is made for millions of images"
    return Choice(why, {"augmentation": "diffaugment"})


def _widths(images: Images, machine: Machine) -> list[Choice]:
    if machine.gpus:
        return _gpu_widths(images, machine)
    widths = _narrow(images)
    fields = {
        "generator.latent_size": widths.latent_size,
        "generator.w_size": widths.latent_size,
        "generator.mapping_layers": widths.mapping_layers,
        **_both("fmap_base", widths.fmap_base),
        **_both("fmap_max", widths.fmap_max),
    }
    off = "off, as there: it takes millions of images to shape the latents"
    return [
        Choice(f"narrow networks for a CPU: those of {widths.source}", fields),
        Choice(off, {"generator.path_length_weight": 0.0}),
    ]


def _narrow(images: Images) -> numbers.Narrow:
    return numbers.CPU[min(side for side in numbers.CPU if side >= images.resolution)]


def _gpu_widths(images: Images, machine: Machine) -> list[Choice]:
    if images.resolution < numbers.GPU_LARGE:
        size, letter = numbers.GPU_FMAP_BASE, "E"
    else:
        size, letter = numbers.GPU_FMAP_BASE_LARGE, "F"
    why = f"StyleGAN2's config {letter}, by side as Karras et al. 2020b have it"
    found = [Choice(why, _both("fmap_base", size))]
    if is_adaptive(images, machine):
        layers = {"generator.mapping_layers": numbers.AUTO_MAPPING_LAYERS}
        found.append(Choice("as their program has it for data of all kinds", layers))
    return found


def _batch(images: Images, machine: Machine) -> Choice:
    why = f"of {_narrow(images).source}"
    if machine.gpus:
        share = f"{numbers.GPU_BATCH_PIXELS} / side and {numbers.GPU_BATCH_OF_A_DEVICE} at most"
        why = f"{share} on a device, {numbers.GPU_BATCH} on all (Karras et al. 2020b)"
    return Choice(why, {"training.batch_size": batch_size(images, machine)})


def _gamma(images: Images, machine: Machine) -> Choice:
    area = images.resolution**2
    rule = numbers.AUTO_GAMMA * area / batch_size(images, machine)
    if is_adaptive(images, machine):
        why = f"{numbers.AUTO_GAMMA} * side^2 / batch (Karras et al. 2020b), for this loss"
        return _r1(why, rule)
    if machine.gpus:
        share = area / numbers.GPU_GAMMA_RESOLUTION**2
        why = "100 at 256x256 in the paper; below by area, 10 at least, which learned at 64x64"
        gamma = numbers.GPU_GAMMA * min(1.0, share)
        return _r1(why, max(numbers.GPU_GAMMA_LEAST, gamma))
    narrow = _narrow(images)
    return _r1(f"of {narrow.source}; Karras et al. 2020b: {rule:.2g}", narrow.gamma)


def _r1(why: str, gamma: float) -> Choice:
    return Choice(why, {"penalties.r1_gamma": float(f"{gamma:.6g}")})


def _rates(images: Images, machine: Machine) -> Choice:
    rate, why = numbers.RATE, "StyleGAN2's"
    if not machine.gpus:
        rate, why = _narrow(images).rate, f"of {_narrow(images).source}"
    if is_adaptive(images, machine):
        large = images.resolution >= numbers.AUTO_LARGE
        rate = numbers.AUTO_RATE_LARGE if large else numbers.AUTO_RATE
        why = "0.0025, from 1024x1024 on 0.002 (Karras et al. 2020b)"
    networks = ("generator", "discriminator")
    return Choice(why, {f"schedule.{network}.learning_rate": rate for network in networks})


def _mirror(look: Look) -> Choice:
    found = f"{look.told:.0%} of {look.count:_} images are told from their mirrors"
    if look.is_symmetric:
        return Choice(f"{found}, a coin's share", {"data.mirror": True})
    if look.is_undecided:
        why = f"{found}, which decides nothing: look yourself"
        return Choice(why, {"data.mirror": False})
    return Choice(f"{found}: they have a left and a right", {"data.mirror": False})


def _labels(images: Images) -> list[Choice]:
    if images.classes < 2:
        return []
    why = f"{images.classes} classes; false trains without them"
    return [Choice(why, {"data.labels": True})]


def _both(field: str, value: int) -> dict[str, int]:
    return {f"{network}.{field}": value for network in ("generator", "discriminator")}
