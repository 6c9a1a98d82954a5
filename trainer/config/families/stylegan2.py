"""StyleGAN2 (Karras et al. 2020), with the attention of Yu et al. 2021 in either network."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import attention_fields, head_fields, section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator and its path length regulariser."""

    maps = True
    fake_labels: str = setting(
        "data", "with data.labels: as in StyleGAN2-ADA, or alike", choices=("uniform", "data")
    )

    latent_size: int = setting(512, "length of the latent vector z", least=1)
    w_size: int = setting(512, "length of the intermediate latent vector w", least=1)
    mapping_layers: int = setting(8, "dense layers from z to w", least=1)
    mapping_learning_rate_multiplier: float = setting(
        0.01, "learning rate of the mapping layers relative to the others", above=0
    )
    fmap_base: int = setting(
        8192, "feature maps at resolution r: min(fmap_max, 2 * fmap_base / r)", least=1
    )
    fmap_max: int = setting(512, "most feature maps of any layer", least=1)
    conv_clamp: Optional[float] = setting(
        None,
        "what every layer's output is clipped to, as in StyleGAN2-ADA, there 256 (none: not)",
        above=0,
    )
    style_mixing_probability: float = setting(
        0.9,
        "probability that an image takes a second latent from some layer on",
        least=0,
        most=1,
    )
    w_mean_decay: float = setting(
        0.995, "decay per batch of the tracked mean of w (for truncation)", least=0, below=1
    )
    path_length_weight: float = setting(
        2.0, "weight of the path length regulariser (0: off)", least=0
    )
    path_length_every: int = setting(4, "batches from one path length step to the next", least=1)
    path_length_decay: float = setting(
        0.01, "share of the newest batch in the tracked mean path length", above=0, most=1
    )
    path_length_batch_shrink: int = setting(
        2, "path length steps use a batch smaller by this factor", least=1
    )
    attention: attention_fields.GeneratorAttentionConfig = (
        attention_fields.GeneratorAttentionConfig()
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.stylegan2 import generator

        fields = {name: getattr(self, name) for name in _GENERATOR_FIELDS}
        return generator.Generator(
            **images._asdict(),
            **fields,
            attention=attention_fields.generator_layer(self.attention),
            attention_resolution=self.attention.resolution,
            attention_in_both=self.attention.convolutions == "both",
            normalize_style=self.attention.normalize_style,
            **keras,
        )

    def terms(self) -> list:
        """Returns the path length regulariser."""
        from dualcontrast.trainer import path_length_term

        return [
            path_length_term.PathLength(
                weight=self.path_length_weight,
                every=self.path_length_every,
                decay=self.path_length_decay,
                batch_shrink=self.path_length_batch_shrink,
            )
        ]

    def check(self, images: section.Images) -> None:
        """Checks the widths and the attention against the resolution."""
        check_resolution("generator", self.fmap_base, images.resolution)
        if self.attention.kind == "none":
            return
        side = self.attention.resolution
        _check_attention_side("generator", side, images.resolution)
        attention_fields.check_generator(
            self.attention, _feature_maps(self, side), _feature_maps(self, side // 2)
        )


# Those that the network takes under their own names.
_GENERATOR_FIELDS = (
    "latent_size",
    "w_size",
    "mapping_layers",
    "mapping_learning_rate_multiplier",
    "fmap_base",
    "fmap_max",
    "conv_clamp",
    "style_mixing_probability",
    "w_mean_decay",
)


@dataclasses.dataclass(frozen=True)
class Encoder(section.DiscriminatorSection):
    """What every discriminator has that judges images as StyleGAN2's does."""

    fmap_base: int = setting(
        8192, "feature maps at resolution r: min(fmap_max, 2 * fmap_base / r)", least=1
    )
    fmap_max: int = setting(512, "most feature maps of any layer", least=1)
    conv_clamp: Optional[float] = setting(
        None,
        "what every convolution's output but a shortcut's is clipped to, as in StyleGAN2-ADA, there"
        " 256 (none: not)",
        above=0,
    )
    label_layers: int = setting(
        8,
        "with data.labels: dense layers from a label's embedding on, 8 in StyleGAN2-ADA's program"
        " for PyTorch, 0 in that for TensorFlow",
        least=0,
    )
    label_learning_rate_multiplier: float = setting(
        0.01, "learning rate of these layers relative to the others", above=0
    )
    minibatch_stddev_group: int = setting(
        4, "most images that share one minibatch standard deviation", least=1
    )

    def freezable(self, images: section.Images) -> int:
        """Returns the layers: the first, three of each block, and the last convolution."""
        return 2 + 3 * (images.resolution.bit_length() - 3)

    def group(self, batch: int) -> int:
        """Returns how many images of a batch share a minibatch standard deviation."""
        return stddev_group(batch, self.minibatch_stddev_group)

    def encoder(self, images: section.Images) -> dict[str, Any]:
        """Returns the network's arguments that are of these fields."""
        return {
            **images._asdict(),
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "minibatch_stddev_group": self.minibatch_stddev_group,
            "conv_clamp": self.conv_clamp,
            "label_layers": self.label_layers,
            "label_learning_rate_multiplier": self.label_learning_rate_multiplier,
        }

    def check(self, images: section.Images) -> None:
        """Checks the widths against the resolution."""
        super().check(images)
        check_resolution("discriminator", self.fmap_base, images.resolution)

    def check_share(self, share: int, parts: int) -> None:
        """Checks that parts keep the groups of the deviation."""
        check_groups(self.minibatch_stddev_group, share, parts)


@dataclasses.dataclass(frozen=True)
class Discriminator(Encoder, head_fields.DiscriminatorSection):
    """The discriminator; with reference attention it is Siamese."""

    attention: attention_fields.DiscriminatorAttentionConfig = (
        attention_fields.DiscriminatorAttentionConfig()
    )

    @property
    def takes_references(self) -> bool:
        """Whether images are compared with reals."""
        return self.attention.takes_references

    @property
    def reads_references(self) -> bool:
        """Whether these reals are a second batch."""
        return self.attention.reads_references

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.stylegan2 import discriminator

        return discriminator.Discriminator(
            **self.encoder(images),
            attention=attention_fields.discriminator_layer(self.attention),
            attention_resolution=self.attention.resolution,
            **self.heads(),
            **keras,
        )

    def check(self, images: section.Images) -> None:
        """Checks the widths and the attention against the resolution, and the heads."""
        super().check(images)
        if self.attention.pairing == "none":
            return
        side = self.attention.resolution
        _check_attention_side("discriminator", side, images.resolution)
        attention_fields.check_san(
            "discriminator.attention", self.attention.san, side, _feature_maps(self, side)
        )

    def check_share(self, share: int, parts: int) -> None:
        """Checks that parts keep the groups of the deviation, and the neighbours of references."""
        super().check_share(share, parts)
        rolled = self.attention.takes_references and not self.attention.reads_references
        if rolled and (parts > 1 or share < 2):
            # The neighbour of an image is in another part.
            raise UserError(
                f"discriminator.attention.references=rolled needs a device's {share} images at"
                " once, two or more, and training.accumulation=1:"
                " try --config.discriminator.attention.references=independent"
            )


def stddev_group(images: int, most: int) -> int:
    """How many of `images` share a minibatch standard deviation, `most` at most."""
    return max(size for size in range(1, min(most, images) + 1) if images % size == 0)


def check_groups(most: int, share: int, parts: int) -> None:
    """Checks that parts of a device's share keep the groups of the minibatch deviation.

    Raises:
      UserError: they do not.
    """
    group = stddev_group(share, most)
    if stddev_group(share // parts, most) != group:
        raise UserError(
            f"training.accumulation={parts} leaves {share // parts} images a part, too few for"
            f" groups of {group}"
            " (discriminator.minibatch_stddev_group): try a smaller one of either"
        )


def _feature_maps(network: Generator | Discriminator, resolution: int) -> int:
    return max(1, min(network.fmap_max, 2 * network.fmap_base // resolution))


def check_resolution(network: str, fmap_base: int, resolution: Optional[int]) -> None:
    """Checks that there are images of a resolution, and feature maps for them.

    Args:
      network: "generator" or "discriminator".
      fmap_base: of the network.
      resolution: of the images; None where it is not known yet.

    Raises:
      UserError: there are not.
    """
    if resolution is None:
        return
    if resolution & (resolution - 1):
        raise UserError(
            f"config field data.resolution: got {resolution}, expected a power of two >= 8"
        )
    if 2 * fmap_base < resolution:
        raise UserError(
            f"config field {network}.fmap_base: {fmap_base} leaves no feature map at resolution"
            f" {resolution}, expected at least {resolution // 2}"
        )


def _check_attention_side(network: str, side: int, resolution: Optional[int]) -> None:
    if side > (resolution or side):
        raise UserError(
            f"{network}.attention.resolution={side} is larger than the images:"
            f" try --config.{network}.attention.resolution={min(32, resolution)}"
        )
