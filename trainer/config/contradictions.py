"""What the sections of a configuration say together that cannot be true together."""

import math
from typing import TYPE_CHECKING

from dualcontrast.trainer.config.augmentation_sections import ADA
from dualcontrast.trainer.config.burn_in_section import BurnInConfig
from dualcontrast.trainer.config.growth_section import GrowthConfig
from dualcontrast.trainer.config.loss_sections import ContraD, DualContrastive, Relativistic
from dualcontrast.trainer.errors import UserError

if TYPE_CHECKING:
    from dualcontrast.trainer.config import schema


def check(config: "schema.Config") -> None:
    """Checks a configuration whose fields are valid each, for the fewest devices.

    Raises:
      UserError: the first contradiction found, with the fields and what to try.
    """
    _check_warmup(config)
    _check_decay(config)
    _check_burn_in(config)
    _check_growth(config)
    _check_pairs(config)
    _check_contrad(config)
    _check_attack(config)
    _check_pixels(config)
    _check_freezing(config)
    training = config.training
    check_replicas(config, max(1, training.ghost_batches // training.accumulation))


def _check_warmup(config: "schema.Config") -> None:
    if not isinstance(config.loss, DualContrastive):
        return
    warmup, total = config.loss.warmup_images, config.training.total_images
    if warmup > total:
        raise UserError(
            f"loss.warmup_images={warmup:_} is longer than training.total_images={total:_}, so the"
            " dual contrastive loss would never train:"
            f" try --config.loss.warmup_images={total // 20:_}"
        )


def _check_freezing(config: "schema.Config") -> None:
    """Checks that the networks have what is not to be trained, and something else."""
    training, generator, discriminator = config.training, config.generator, config.discriminator
    if training.freeze_mapping and not generator.maps:
        raise UserError(
            f"training.freeze_mapping=true, and generators of the family {generator.family} have no"
            " mapping: try --config.training.freeze_mapping=false"
        )
    if not training.freeze_discriminator_layers or config.data.resolution is None:
        return
    known = discriminator.freezable(config.images)
    if training.freeze_discriminator_layers > known:
        least = f"expected at most {known}" if known else "that family has none to freeze"
        raise UserError(
            f"training.freeze_discriminator_layers={training.freeze_discriminator_layers} of the"
            f" family {discriminator.family}: {least}: try"
            f" --config.training.freeze_discriminator_layers={known}"
        )


def _check_decay(config: "schema.Config") -> None:
    total = config.training.total_images
    for network in ("generator", "discriminator"):
        rate: "schema.OptimizerConfig" = getattr(config.schedule, network)
        if rate.decay_to_images is None:
            continue
        name = f"schedule.{network}.decay_to_images"
        if rate.decay_to_images <= rate.decay_from_images:
            raise UserError(
                f"{name}={rate.decay_to_images:_} is not after decay_from_images="
                f"{rate.decay_from_images:_}: try --config.{name}={total:_}"
            )
        if rate.decay_to_images < total:
            raise UserError(
                f"{name}={rate.decay_to_images:_} comes before training.total_images={total:_}, so"
                f" that nothing would train at the end: try --config.{name}={total:_}"
            )


def _check_burn_in(config: "schema.Config") -> None:
    """Checks that what a burn-in changes is there."""
    burn_in, kind = config.schedule.burn_in, config.augmentation
    if burn_in != BurnInConfig() and not burn_in.images:
        raise UserError(
            "schedule.burn_in changes nothing in 0 images:"
            f" try --config.schedule.burn_in.images={config.training.total_images // 10:_}"
        )
    fixed = isinstance(kind, ADA) and kind.probability is not None
    if burn_in.augmentation != 1 and not fixed:
        raise UserError(
            f"schedule.burn_in.augmentation={burn_in.augmentation} changes a fixed probability of"
            " ADA's, and there is none: try --config.augmentation=ada"
            " --config.augmentation.probability=0.3"
        )


def _check_growth(config: "schema.Config") -> None:
    """Checks that both networks grow or neither, and from images that there are."""
    growth, side = config.schedule.growth, config.data.resolution
    if config.generator.grows != config.discriminator.grows:
        grows, other = sorted(
            ("generator", "discriminator"), key=lambda name: not getattr(config, name).grows
        )
        raise UserError(
            f"the {grows} grows and the {other} does not: try --config.{grows}.growing=false, or"
            f" --config.{other}.growing=true (family stylegan)"
        )
    if not config.generator.grows:
        if growth != GrowthConfig():
            raise UserError(
                "schedule.growth changes networks that grow, and these do not: try"
                " --config.generator.growing=true --config.discriminator.growing=true (family"
                " stylegan)"
            )
        return
    growth.rates()
    start = growth.start_resolution
    if start & (start - 1) or (side or start) < start:
        raise UserError(
            f"schedule.growth.start_resolution={start}: expected a power of two up to the images'"
            f" {side}: try --config.schedule.growth.start_resolution=8"
        )
    adapts = isinstance(config.augmentation, ADA) and config.augmentation.probability is None
    if adapts and growth.batch_sizes:
        raise UserError(
            "augmentation=ada adapts at the pace of one batch size, and schedule.growth.batch_sizes"
            f"={growth.batch_sizes} has several: try --config.augmentation.probability=0.3"
        )
    if config.schedule.generator_batch_size and growth.batch_sizes:
        raise UserError(
            f"schedule.generator_batch_size={config.schedule.generator_batch_size} is one size for"
            " all sides: try --config.schedule.generator_batch_size=none"
        )


def _check_pairs(config: "schema.Config") -> None:
    """Checks that there is a real for every fake, where they meet in pairs."""
    batch, fakes = config.training.batch_size, config.generator_batch_size
    reason = ""
    if isinstance(config.loss, Relativistic):
        reason = "loss=relativistic"
    elif isinstance(config.loss, DualContrastive) and config.loss.contrast_scope == "pair":
        reason = "loss.contrast_scope=pair"
    elif config.discriminator.takes_references:
        reason = "reference attention"
    elif config.data.labels and config.generator.fake_labels == "reals":
        reason = "generator.fake_labels=reals"
    if reason and batch != fakes:
        raise UserError(
            f"{reason} needs a real for every fake, and schedule.generator_batch_size={fakes} is"
            f" not training.batch_size={batch}: try --config.schedule.generator_batch_size=none"
        )


def _check_contrad(config: "schema.Config") -> None:
    """Checks that ContraD has something to contrast."""
    loss = config.loss
    if not isinstance(loss, ContraD):
        return
    if not config.discriminator.projects:
        raise UserError(
            f"loss=contrad contrasts projections, and the {config.discriminator.family}"
            " discriminator has none: try --config.discriminator.head=mlp"
            " --config.discriminator.projection_size=128 (families stylegan2, sngan)"
        )
    if loss.d_batching == "separate" and config.discriminator.takes_references:
        raise UserError(
            "loss.d_batching=separate cannot give references to two views of a real:"
            " try --config.loss.d_batching=joint"
        )
    adapts = isinstance(config.augmentation, ADA) and config.augmentation.probability is None
    if adapts and loss.lambda_dis == 0:
        raise UserError(
            "augmentation=ada follows the logits of reals, which loss.lambda_dis=0 never trains:"
            " try --config.augmentation=simclr, or --config.augmentation.probability=0.5"
        )
    if config.training.batch_size < 2:
        raise UserError(
            "loss=contrad contrasts fakes with fakes, and training.batch_size=1: expected 2 or more"
        )


def _check_attack(config: "schema.Config") -> None:
    """Checks that there are features to move, and a loss that has a say in where."""
    section = config.adversarial_features
    if section.generator_gamma and not config.generator.in_two_parts:
        raise UserError(
            f"adversarial_features.generator_gamma={section.generator_gamma} moves what a first"
            f" layer makes of z, and the {config.generator.family} generator has none: try"
            " --config.adversarial_features.generator_gamma=0 (or the families sngan, sagan)"
        )
    if isinstance(config.loss, ContraD) and (section.real_gamma or section.fake_gamma):
        raise UserError(
            "adversarial_features move the features that logits are made of, and with loss=contrad"
            " these are constant: try --config.adversarial_features.real_gamma=0"
            " --config.adversarial_features.fake_gamma=0"
        )


def _check_pixels(config: "schema.Config") -> None:
    """Checks that who judges pixels has losses for them, and that nobody else mixes images."""
    family, section = config.discriminator.family, config.adversarial_features
    if not config.discriminator.judges_pixels:
        for name in ("probability", "weight"):
            if value := getattr(config.cutmix, name):
                raise UserError(
                    f"cutmix.{name}={value} needs logits of pixels, and the {family} discriminator"
                    f" has none: try --config.cutmix.{name}=0 (or the families unet,"
                    " unet_stylegan2)"
                )
    elif section.real_gamma or section.fake_gamma:
        raise UserError(
            "adversarial_features move the features that logits are made of, and those of pixels"
            f" are made of others in the {family} discriminator: try"
            " --config.adversarial_features.real_gamma=0"
            " --config.adversarial_features.fake_gamma=0"
        )


def check_replicas(config: "schema.Config", replicas: int) -> None:
    """Checks that `replicas` devices can share a batch, and cut their shares in parts.

    Raises:
      UserError: they cannot.
    """
    _check_moments(config, replicas)
    sizes = {
        "training.batch_size=": config.training.batch_size,
        "schedule.generator_batch_size=": config.generator_batch_size,
    }
    for setting, size in sizes.items():
        _check_share(config, setting, size, replicas, f"{setting}{_shareable(size, replicas)}")
    grown = config.schedule.growth.batches()
    fitting = ",".join(f"{side}:{_shareable(size, replicas)}" for side, size in grown.items())
    for side, size in grown.items():
        setting = "schedule.growth.batch_sizes="
        _check_share(config, f"{setting}{side}:", size, replicas, f"{setting}{fitting}")


def _shareable(size: int, replicas: int) -> int:
    """Returns the next batch size that devices can share."""
    return math.ceil(size / replicas) * replicas


def _check_moments(config: "schema.Config", replicas: int) -> None:
    """Checks that nothing comes between a pass and the moments of the whole batch."""
    parts, ghosts = config.training.accumulation, config.training.ghost_batches
    if not config.generator.takes_moments:
        if ghosts > 1:
            raise UserError(
                f"training.ghost_batches={ghosts} are of batch normalisation, and the family"
                f" {config.generator.family} has none: try --config.training.ghost_batches=1"
            )
        return
    if parts > 1 and ghosts == 1:
        raise UserError(
            f"training.accumulation={parts} would take the moments of batch normalisation in"
            " parts: try --config.training.accumulation=1, or, to normalise each part by itself,"
            f" --config.training.ghost_batches={parts * replicas}"
        )
    if ghosts > 1 and ghosts != parts * replicas:
        fitting = max(1, ghosts // replicas)
        raise UserError(
            f"training.ghost_batches={ghosts} is not {parts} parts on each of {replicas} devices,"
            f" {parts * replicas} together: try --config.training.accumulation={fitting}, or"
            f" --config.training.ghost_batches={parts * replicas}"
        )
    if (
        config.training.jit_compile and replicas > 1 and ghosts == 1
    ):  # XLA knows no way to other devices
        raise UserError(
            f"training.jit_compile=true compiles {config.generator.family} for one device, and"
            f" there are {replicas}: show it one with CUDA_VISIBLE_DEVICES, or try"
            " --config.training.jit_compile=false"
        )


def _check_share(
    config: "schema.Config", setting: str, size: int, replicas: int, fitting: str
) -> None:
    """Checks a batch size; `setting` is what is written before it, `fitting` one to try."""
    parts = config.training.accumulation
    if size % replicas:
        raise UserError(
            f"{setting}{size} cannot be shared by {replicas} devices: show it fewer with"
            f" CUDA_VISIBLE_DEVICES, or try --config.{fitting}"
        )
    share = size // replicas
    if share % parts:
        raise UserError(
            f"training.accumulation={parts} does not divide the {share} images of a device:"
            f" try --config.training.accumulation={math.gcd(share, parts)}"
        )
    config.discriminator.check_share(share, parts)
