"""What a configuration says about attention, in either network."""

import dataclasses
from typing import Any

from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_BORDERS = ("reflect", "zero")
_MAX_PATCH = 31


def _patch_size(default: int, what: str) -> Any:
    return setting(default, f"side of {what} in pixels, odd", least=1, most=_MAX_PATCH)


@dataclasses.dataclass(frozen=True)
class SanConfig:
    """Patch-wise self-attention, also between two images."""

    patch_size: int = _patch_size(7, "the patch that a pixel attends to")
    reduction: int = setting(4, "channels of the input for each of keys and queries", least=1)
    sharing: int = setting(4, "channels that use the same weights", least=1)
    form: str = setting(
        "shared",
        "hidden units for the weights: as many as keys (shared), or one for each weight (literal;"
        " with reduction 1 and sharing 1 the paper's equation to the letter, and huge)",
        choices=("shared", "literal"),
    )
    border: str = setting("reflect", "what lies outside of the map", choices=_BORDERS)
    weight_activation: str = setting(
        "linear", "of the weights, after the second layer", choices=("linear", "leaky_relu")
    )


@dataclasses.dataclass(frozen=True)
class SaganConfig:
    """Attention to all pixels."""

    variant: str = setting(
        "code",
        "the authors' code (keys and values pooled 2x2, values of 1/2 of the channels), or their"
        " paper (nothing pooled, values of 1/8)",
        choices=("code", "paper"),
    )


@dataclasses.dataclass(frozen=True)
class DfnConfig:
    """Dynamic local filters."""

    patch_size: int = _patch_size(3, "the filters")
    hidden: int = setting(512, "units between the two convolutions that make filters", least=1)
    sharing: int = setting(1, "channels that are filtered alike", least=1)
    border: str = setting("reflect", "what lies outside of the map", choices=_BORDERS)


@dataclasses.dataclass(frozen=True)
class VtConfig:
    """The visual transformer's layer."""

    tokens: int = setting(16, "tokens that an image is summarised in", least=1)
    token_size: int = setting(1024, "their width, even", least=2)
    tokenizer: str = setting(
        "filter",
        "where a token's weights of the pixels come from: trained, or made from first tokens",
        choices=("filter", "recurrent"),
    )


@dataclasses.dataclass(frozen=True)
class GeneratorAttentionConfig:
    """Attention in the place of a convolution of the generator."""

    kind: str = setting(
        "none", "the layer; its options are below", choices=("none", "san", "sagan", "dfn", "vt")
    )
    resolution: int = setting(32, "side of its maps in pixels", choices=(8, 16, 32, 64, 128))
    convolutions: str = setting(
        "second",
        "which convolution of that resolution it replaces; both only where channels are kept",
        choices=("second", "both"),
    )
    normalize_style: bool = setting(
        True, "divide its output by the root mean square of the style, as demodulation would"
    )
    san: SanConfig = SanConfig()
    sagan: SaganConfig = SaganConfig()
    dfn: DfnConfig = DfnConfig()
    vt: VtConfig = VtConfig()


@dataclasses.dataclass(frozen=True)
class DiscriminatorAttentionConfig:
    """Attention in the place of a convolution of the discriminator."""

    pairing: str = setting(
        "none",
        "where keys, queries, values come from. self: the image. reference (the paper's equation"
        " 8): keys and queries from a real. supplement_1: queries and values from it. supplement_2:"
        " queries from it",
        choices=("none", "self", "reference", "supplement_1", "supplement_2"),
    )
    resolution: int = setting(8, "side of its maps in pixels", choices=(8, 16, 32))
    references: str = setting(
        "independent",
        "the reals that images are compared with: a second batch, or the batch itself moved on by"
        " one image on each device (rolled; spares a pass through the network, but then who is"
        " compared with whom depends on the number of devices)",
        choices=("independent", "rolled"),
    )
    san: SanConfig = SanConfig()

    @property
    def takes_references(self) -> bool:
        """Whether images are compared with others."""
        return self.pairing not in ("none", "self")

    @property
    def reads_references(self) -> bool:
        """Whether the references are images of their own."""
        return self.takes_references and self.references == "independent"


def generator_layer(attention: GeneratorAttentionConfig) -> Any:
    """Returns the layer that the section asks for, unbuilt; None for none."""
    from dualcontrast.layers.attention import dfn, sagan, san, vt

    if attention.kind == "san":
        return san.SAN(**dataclasses.asdict(attention.san))
    if attention.kind == "sagan":
        paper = attention.sagan.variant == "paper"
        return sagan.SAGAN(pool=not paper, value_reduction=8 if paper else 2)
    if attention.kind == "dfn":
        return dfn.DFN(**dataclasses.asdict(attention.dfn))
    if attention.kind == "vt":
        return vt.VT(**dataclasses.asdict(attention.vt))
    return None


def discriminator_layer(attention: DiscriminatorAttentionConfig) -> Any:
    """Returns the layer that the section asks for, unbuilt; None for none."""
    from dualcontrast.layers.attention import reference_attention, san

    if attention.pairing == "none":
        return None
    fields = dataclasses.asdict(attention.san)
    if attention.pairing == "self":
        return san.SAN(**fields)
    return reference_attention.ReferenceAttention(attention.pairing, **fields)


def check_san(section: str, san: SanConfig, resolution: int, channels: int) -> None:
    """Checks that SAN fits maps of this side and these channels.

    Raises:
      UserError: it does not; `section` is where its fields are.
    """
    _check_window(f"{section}.san", san.patch_size, san.border, resolution)
    _check_sharing(f"{section}.san", san.sharing, channels)


def check_generator(attention: GeneratorAttentionConfig, channels: int, before: int) -> None:
    """Checks that the generator's attention fits its maps.

    Args:
      attention: of a kind that is not "none".
      channels: feature maps at its resolution.
      before: feature maps at half its resolution.

    Raises:
      UserError: it does not.
    """
    section = "generator.attention"
    if attention.convolutions == "both" and before != channels:
        raise UserError(
            f"{section}.convolutions=both: the first convolution at {attention.resolution} makes"
            f" {channels} channels of {before}, which attention cannot:"
            f" try --config.{section}.convolutions=second"
        )
    if attention.kind == "san":
        check_san(section, attention.san, attention.resolution, channels)
    if attention.kind == "dfn":
        dfn = attention.dfn
        _check_window(f"{section}.dfn", dfn.patch_size, dfn.border, attention.resolution)
        _check_sharing(f"{section}.dfn", dfn.sharing, channels)
    if attention.kind == "vt" and attention.vt.token_size % 2:
        raise UserError(
            f"config field {section}.vt.token_size: got {attention.vt.token_size}, expected an even"
            " number"
        )


def _check_window(section: str, patch_size: int, border: str, side: int) -> None:
    if patch_size % 2 == 0:
        raise UserError(
            f"config field {section}.patch_size: got {patch_size}, expected an odd number"
        )
    if border == "reflect" and patch_size // 2 > side - 1:
        raise UserError(
            f"{section}.patch_size={patch_size} is too large to reflect maps of {side}x{side}:"
            f" try --config.{section}.patch_size={2 * side - 1} or --config.{section}.border=zero"
        )


def _check_sharing(section: str, sharing: int, channels: int) -> None:
    if channels % sharing:
        raise UserError(
            f"{section}.sharing={sharing} does not divide the {channels} channels there:"
            f" try --config.{section}.sharing=1"
        )
