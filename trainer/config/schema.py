"""What a run is made of: every hyperparameter, its default, its meaning and its limits.

A configuration is a tree of frozen dataclasses. Each field states its meaning and its limits once:
`--help_config`, the validation and the error messages are made from these declarations. The
defaults are StyleGAN2 config E trained with the dual contrastive loss. Amounts of training are
counted in real images shown, never in steps, so that they keep their meaning when the batch size
changes.
"""

import dataclasses
import difflib
import functools
import json
import math
from collections.abc import Iterator
from typing import Any, Optional

import yaml

from dualcontrast.trainer.config import attention_fields
from dualcontrast.trainer.config.field import Field, setting
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class GeneratorConfig:
    """The generator, its optimizer and its regulariser."""

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
    style_mixing_probability: float = setting(
        0.9,
        "probability that an image takes a second latent from some layer on",
        least=0,
        most=1,
    )
    w_mean_decay: float = setting(
        0.995, "decay per batch of the tracked mean of w (for truncation)", least=0, below=1
    )
    learning_rate: float = setting(0.002, "Adam's step size before the lazy correction", above=0)
    regularize_every: int = setting(4, "batches from one path length step to the next", least=1)
    path_length_weight: float = setting(
        2.0, "weight of the path length regulariser (0: off)", least=0
    )
    path_length_decay: float = setting(
        0.01, "share of the newest batch in the tracked mean path length", above=0, most=1
    )
    path_length_batch_shrink: int = setting(
        2, "path length steps use a batch smaller by this factor", least=1
    )
    ema_half_life_images: int = setting(
        10_000, "images in which the average of the weights forgets one half", least=1
    )
    attention: attention_fields.GeneratorAttentionConfig = (
        attention_fields.GeneratorAttentionConfig()
    )


@dataclasses.dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminator, its optimizer and its regularisers."""

    fmap_base: int = setting(
        8192, "feature maps at resolution r: min(fmap_max, 2 * fmap_base / r)", least=1
    )
    fmap_max: int = setting(512, "most feature maps of any layer", least=1)
    minibatch_stddev_group: int = setting(
        4, "most images that share one minibatch standard deviation", least=1
    )
    learning_rate: float = setting(0.002, "Adam's step size before the lazy correction", above=0)
    regularize_every: int = setting(
        16, "batches from one step of R1 and gradient penalty to the next", least=1
    )
    r1_gamma: float = setting(
        100.0, "weight of the R1 penalty (0: off); smaller suits small images", least=0
    )
    gradient_penalty_weight: float = setting(
        0.0, "weight of WGAN-GP's gradient penalty (0: off); 10 is usual, with r1_gamma 0", least=0
    )
    attention: attention_fields.DiscriminatorAttentionConfig = (
        attention_fields.DiscriminatorAttentionConfig()
    )


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """The game that the two networks play."""

    adversarial: str = setting(
        "dual_contrastive",
        "the adversarial loss",
        choices=("dual_contrastive", "non_saturating", "saturating", "wasserstein", "hinge"),
    )
    wasserstein_drift: float = setting(
        0.001, "wasserstein: weight of the squared logits of reals", least=0
    )
    generator_objective: str = setting(
        "minimax",
        "dual contrastive: the generator maximises the discriminator's loss (minimax), or minimises"
        " it with real and fake swapped (swapped)",
        choices=("minimax", "swapped"),
    )
    contrast_scope: str = setting(
        "global",
        "dual contrastive: contrast with the whole batch, or with the replica's share",
        choices=("global", "replica"),
    )
    warmup_images: int = setting(
        1_400_000,
        "dual contrastive: images at the start that train with the non-saturating loss",
        least=0,
    )


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What the networks are shown."""

    resolution: Optional[int] = setting(
        None, "side of the images in pixels, a power of two (none: the dataset's)", least=8
    )
    channels: Optional[int] = setting(
        None, "channels of the images (none: the dataset's)", choices=(1, 3, 4)
    )
    mirror: bool = setting(False, "flip every image left to right with probability 1/2")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The length of the run, its optimizers, and what it writes when."""

    batch_size: int = setting(32, "images a step, over all devices together", least=1)
    accumulation: int = setting(
        1,
        "parts that a device's share of a batch is computed in, one after the other: less memory,"
        " the same step",
        least=1,
    )
    total_images: int = setting(25_000_000, "length of the run in images", least=1, resumable=True)
    # TensorFlow's stateless generators take the seed as int32.
    seed: int = setting(0, "decides every random draw", least=0, most=2**31 - 1)
    precision: str = setting(
        "float32",
        "arithmetic of the layers; losses are always float32",
        choices=("float32", "mixed_bfloat16"),
    )
    adam_beta_1: float = setting(0.0, "Adam's decay of the mean gradient", least=0, below=1)
    adam_beta_2: float = setting(
        0.99, "Adam's decay of the squared gradient, before the lazy correction", least=0, below=1
    )
    adam_epsilon: float = setting(1e-8, "Adam's guard against division by zero", above=0)
    log_every_images: int = setting(
        8_000, "images from one line of metrics to the next", least=1, resumable=True
    )
    checkpoint_every_images: int = setting(
        200_000, "images from one checkpoint to the next", least=1, resumable=True
    )
    grid_every_images: int = setting(
        200_000, "images from one picture grid to the next", least=1, resumable=True
    )
    keep_checkpoints: int = setting(
        3, "checkpoints kept; older ones are deleted", least=1, resumable=True
    )


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """What the trainer measures while it trains; dualcontrast-evaluate measures more."""

    every_images: int = setting(
        0,
        "images from one FID to the next, whose best checkpoint is kept (0: never)",
        least=0,
        resumable=True,
    )
    images: int = setting(
        10_000,
        "generated images, and real ones at most, that are compared",
        least=20,
        resumable=True,
    )
    extractor: str = setting(
        "embedded",
        "the network whose features are compared: the project's own, which ranks checkpoints and"
        " compares with nothing published, or that of published values",
        choices=("embedded", "inception"),
        resumable=True,
    )
    weights: Optional[str] = setting(
        None, "inception: path of the graph of 2015, or URL#sha256=DIGEST", resumable=True
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """A whole run: what a file in configs/ returns."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    loss: LossConfig = LossConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()


def _fields(section: Any, prefix: str = "") -> Iterator[Field]:
    for field in dataclasses.fields(section):
        if dataclasses.is_dataclass(field.type):
            yield from _fields(field.type, f"{prefix}{field.name}.")
        else:
            yield Field(prefix + field.name, field.type, field.default, **field.metadata)


# Every leaf of the tree by its path, such as training.batch_size.
FIELDS: dict[str, Field] = {field.path: field for field in _fields(Config)}


def find_field(path: str) -> Field:
    """The field called `path`.

    Raises:
      UserError: there is none; the text suggests the nearest.
    """
    if path in FIELDS:
        return FIELDS[path]
    near = _nearest(path)
    hint = f"did you mean {' or '.join(near)}?" if near else "--help_config lists the fields"
    raise UserError(f"unknown config field {path}: {hint}")


def _nearest(path: str) -> list[str]:
    # The section is forgotten or mistaken more often than the name, so the name counts first.
    section, _, name = path.rpartition(".")
    names = {known: known.rpartition(".")[2] for known in FIELDS}
    name_meant = difflib.get_close_matches(name, set(names.values()), n=1, cutoff=0.7)
    near = [known for known in FIELDS if names[known] in name_meant]
    same_section = [known for known in near if known.startswith(f"{section}.")]
    return same_section or near or difflib.get_close_matches(path, FIELDS, n=1, cutoff=0.6)


def get(config: Config, path: str) -> Any:
    """The value at `path`, such as training.batch_size."""
    return functools.reduce(getattr, path.split("."), config)


def replace(config: Config, changes: dict[str, Any]) -> Config:
    """`config` with the values of `changes`, keyed by path; the values are not validated.

    Raises:
      UserError: a path is unknown, or a section is not of its class.
    """
    _check_sections(config, Config, "config")
    for path, value in changes.items():
        config = _replace(config, find_field(path).path.split("."), value)
    return config


def _replace(section: Any, names: list[str], value: Any) -> Any:
    name, *inner = names
    new = _replace(getattr(section, name), inner, value) if inner else value
    return dataclasses.replace(section, **{name: new})


def validate(config: Config) -> None:
    """Checks every field alone, then what the fields say together.

    Raises:
      UserError: the first contradiction found, with the field and what was expected.
    """
    _check_sections(config, Config, "config")
    for field in FIELDS.values():
        value = get(config, field.path)
        if not field.fits(value):
            raise UserError(
                f"config field {field.path}: got {value!r}, expected {field.expected()}"
            )
    _check_resolution(config)
    _check_attention(config)
    _check_warmup(config)
    check_replicas(config, 1)


def _check_sections(section: Any, expected: Any, name: str) -> None:
    if not isinstance(section, expected):
        raise UserError(
            f"config section {name}: got {type(section).__name__}, expected {expected.__name__}"
        )
    for field in dataclasses.fields(expected):
        if dataclasses.is_dataclass(field.type):
            _check_sections(getattr(section, field.name), field.type, field.name)


def _check_resolution(config: Config) -> None:
    resolution = config.data.resolution
    if resolution is None:
        return
    if resolution & (resolution - 1):
        raise UserError(
            f"config field data.resolution: got {resolution}, expected a power of two >= 8"
        )
    for section in ("generator", "discriminator"):
        fmap_base = get(config, f"{section}.fmap_base")
        if 2 * fmap_base < resolution:
            raise UserError(
                f"config field {section}.fmap_base: {fmap_base} leaves no feature map at resolution"
                f" {resolution}, expected at least {resolution // 2}"
            )


def _check_attention(config: Config) -> None:
    for section, kind in (
        ("generator", config.generator.attention.kind),
        ("discriminator", config.discriminator.attention.pairing),
    ):
        side = get(config, section).attention.resolution
        if kind != "none" and side > (config.data.resolution or side):
            raise UserError(
                f"{section}.attention.resolution={side} is larger than the images:"
                f" try --config.{section}.attention.resolution={min(32, config.data.resolution)}"
            )
    g, d = config.generator, config.discriminator
    if g.attention.kind != "none":
        side = g.attention.resolution
        attention_fields.check_generator(
            g.attention, _feature_maps(g, side), _feature_maps(g, side // 2)
        )
    if d.attention.pairing != "none":
        side = d.attention.resolution
        attention_fields.check_san(
            "discriminator.attention", d.attention.san, side, _feature_maps(d, side)
        )


def _feature_maps(section: GeneratorConfig | DiscriminatorConfig, resolution: int) -> int:
    return max(1, min(section.fmap_max, 2 * section.fmap_base // resolution))


def _check_warmup(config: Config) -> None:
    warmup, total = config.loss.warmup_images, config.training.total_images
    if config.loss.adversarial == "dual_contrastive" and warmup > total:
        raise UserError(
            f"loss.warmup_images={warmup:_} is longer than training.total_images={total:_}, so the"
            " dual contrastive loss would never train:"
            f" try --config.loss.warmup_images={total // 20:_}"
        )


def check_replicas(config: Config, replicas: int) -> None:
    """Checks that `replicas` devices can share a batch, and cut their shares in parts.

    Raises:
      UserError: they cannot.
    """
    batch_size, parts = config.training.batch_size, config.training.accumulation
    if batch_size % replicas:
        raise UserError(
            f"training.batch_size={batch_size} cannot be shared by {replicas} devices:"
            f" try --config.training.batch_size={math.ceil(batch_size / replicas) * replicas}"
        )
    share = batch_size // replicas
    if share % parts:
        raise UserError(
            f"training.accumulation={parts} does not divide the {share} images of a device:"
            f" try --config.training.accumulation={math.gcd(share, parts)}"
        )
    group = config.discriminator.minibatch_stddev_group
    if stddev_group(share // parts, group) != stddev_group(share, group):
        raise UserError(
            f"training.accumulation={parts} leaves {share // parts} images a part, too few for"
            f" groups of {stddev_group(share, group)}"
            " (discriminator.minibatch_stddev_group): try a smaller one of either"
        )
    attention = config.discriminator.attention
    rolled = attention.takes_references and not attention.reads_references
    if rolled and (parts > 1 or share < 2):
        # The neighbour of an image is in another part.
        raise UserError(
            f"discriminator.attention.references=rolled needs a device's {share} images at once,"
            " two or more, and training.accumulation=1:"
            " try --config.discriminator.attention.references=independent"
        )


def stddev_group(images: int, most: int) -> int:
    """How many of `images` share a minibatch standard deviation, `most` at most."""
    return max(size for size in range(1, most + 1) if images % size == 0)


def resolve(config: Config, resolution: int, channels: int) -> Config:
    """`config` with the dataset's resolution and channels filled in, validated.

    Raises:
      UserError: the config asks for others than the dataset has.
    """
    found = {"data.resolution": resolution, "data.channels": channels}
    for path, value in found.items():
        asked = get(config, path)
        if asked not in (None, value):
            raise UserError(
                f"{path}={asked} contradicts the dataset, which has {value}: convert the images"
                f" again, or drop what asks for {asked} (--config.{path}, or the dataset in"
                " --config=NAME:DATASET)"
            )
    resolved = replace(config, found)
    validate(resolved)
    return resolved


def differences(old: Config, new: Config) -> list[str]:
    """What changed, a line a field: `training.batch_size: 32 -> 16`."""
    return [
        f"{path}: {get(old, path)} -> {get(new, path)}"
        for path in FIELDS
        if get(old, path) != get(new, path)
    ]


def blocking_differences(old: Config, new: Config) -> list[str]:
    """The `differences` that forbid continuing a run: not its length nor its intervals."""
    free = {path: get(new, path) for path, field in FIELDS.items() if field.resumable}
    return differences(replace(old, free), new)


def to_json(config: Config) -> str:
    """The configuration as JSON text, which `from_json` reads back."""
    return json.dumps(dataclasses.asdict(config), indent=2)


def from_json(text: str) -> Config:
    """The configuration that `to_json` wrote; a field that the text lacks takes its default.

    Raises:
      UserError: the text is no JSON object of sections, or a field is unknown or does not fit.
    """
    try:
        config = replace(Config(), dict(_flatten(json.loads(text))))
    except (json.JSONDecodeError, AttributeError) as error:
        raise UserError(f"not a configuration in JSON: {error}") from error
    validate(config)
    return config


def _flatten(section: dict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def as_yaml(config: Config) -> str:
    """The configuration as YAML, for people to read."""
    return yaml.safe_dump(dataclasses.asdict(config), sort_keys=False)
