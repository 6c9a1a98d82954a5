"""What a run is made of: every hyperparameter, its default, its meaning and its limits.

A configuration is a tree of frozen dataclasses. Each field states its meaning and its limits once:
`--help_config`, the validation and the error messages are made from these declarations. The
sections of the two networks are those of a family (`trainer.config.families`), the sections of the
loss and of the augmentation are those of the chosen one (`trainer.config.loss_sections` and
`augmentation_sections`), all others are the same for every system. The defaults are StyleGAN2
config E trained with the dual contrastive loss. Amounts of training are counted in real images
shown, never in steps, so that they keep their meaning when the batch size changes.
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, Optional

from dualcontrast.trainer.config import contradictions, section, suggestions
from dualcontrast.trainer.config.adversarial_features_section import AdversarialFeaturesConfig
from dualcontrast.trainer.config.augmentation_sections import (
    AUGMENTATIONS,
    AugmentationSection,
    NoAugmentation,
)
from dualcontrast.trainer.config.burn_in_section import BurnInConfig
from dualcontrast.trainer.config.consistency_section import ConsistencyConfig
from dualcontrast.trainer.config.cutmix_section import CutMixConfig
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.field import Field, setting
from dualcontrast.trainer.config.growth_section import GrowthConfig
from dualcontrast.trainer.config.loss_sections import LOSSES, DualContrastive, LossSection
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class PenaltiesConfig:
    """What the discriminator minimises besides the adversarial loss."""

    r1_gamma: float = setting(
        100.0,
        "weight of the R1 penalty on reals (0: off); smaller suits small images",
        least=0,
    )
    r1_every: Optional[int] = setting(
        16,
        "batches from one step of R1 to the next, an update of its own (none: in every update)",
        least=1,
    )
    r2_gamma: float = setting(0.0, "weight of R2, the same on fakes (0: off)", least=0)
    r2_every: Optional[int] = setting(16, "likewise of R2", least=1)
    gradient_penalty_weight: float = setting(
        0.0, "weight of WGAN-GP's gradient penalty (0: off); 10 is usual, with r1_gamma 0", least=0
    )
    gradient_penalty_every: Optional[int] = setting(16, "likewise of the gradient penalty", least=1)


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """Adam's constants for one network, and how its step size changes."""

    learning_rate: float = setting(0.002, "Adam's step size before the lazy correction", above=0)
    adam_beta_1: float = setting(0.0, "Adam's decay of the mean gradient", least=0, below=1)
    adam_beta_2: float = setting(
        0.99, "Adam's decay of the squared gradient, before the lazy correction", least=0, below=1
    )
    adam_epsilon: float = setting(1e-8, "Adam's guard against division by zero", above=0)
    warmup_images: int = setting(
        0, "images at the start in which the step size rises from 0 to learning_rate", least=0
    )
    decay_from_images: int = setting(
        0, "images after which the step size falls, if decay_to_images is given", least=0
    )
    decay_to_images: Optional[int] = setting(
        None, "images after which it has fallen to 0 along a line (none: it does not fall)", least=1
    )


@dataclasses.dataclass(frozen=True)
class AverageConfig:
    """The moving average of the generator, which is what a run releases."""

    half_life_images: int = setting(
        10_000,
        "images in which the average of the weights forgets one half (0: the weights as they are)",
        least=0,
    )
    start_images: int = setting(0, "images until which the average is a copy", least=0)
    moments: bool = setting(
        False, "average the moments of batch normalisation too, in place of copying them"
    )


@dataclasses.dataclass(frozen=True)
class ScheduleConfig:
    """The steps of an iteration, and the optimizers."""

    order: str = setting(
        "generator_first",
        "whose step comes first",
        choices=("generator_first", "discriminator_first"),
    )
    discriminator_steps: int = setting(
        1,
        "steps of the discriminator for each of the generator, each on a batch of its own",
        least=1,
    )
    generator_batch_size: Optional[int] = setting(
        None, "images of a generator's step over all devices (none: training.batch_size)", least=1
    )
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    average: AverageConfig = AverageConfig()
    burn_in: BurnInConfig = BurnInConfig()
    growth: GrowthConfig = GrowthConfig()


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
    labels: bool = setting(False, "give both networks the classes of the images")
    classes: Optional[int] = setting(
        None, "with labels: how many classes there are (none: the dataset's)", least=1
    )


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The length of the run, its batches, and what it writes when."""

    batch_size: int = setting(32, "real images of a step, over all devices together", least=1)
    accumulation: int = setting(
        1,
        "parts that a device's share of a batch is computed in, one after the other: less memory,"
        " the same step",
        least=1,
    )
    ghost_batches: int = setting(
        1,
        "batch normalisation: equal shares of a batch that are normalised each by its own moments,"
        " as many as there are parts on all devices (1: the whole batch, over all devices)",
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
    jit_compile: bool = setting(
        False, "compile the gradients of every step with XLA, of TensorFlow's own operations"
    )
    freeze_mapping: bool = setting(
        False, "keep the layers from z to w as they are, for few images after --init_from"
    )
    freeze_discriminator_layers: int = setting(
        0,
        "layers of the discriminator that stay as they are, next to the image first, likewise",
        least=0,
    )
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

    generator: section.GeneratorSection = stylegan2.Generator()
    discriminator: section.DiscriminatorSection = stylegan2.Discriminator()
    loss: LossSection = DualContrastive()
    augmentation: AugmentationSection = NoAugmentation()
    penalties: PenaltiesConfig = PenaltiesConfig()
    consistency: ConsistencyConfig = ConsistencyConfig()
    cutmix: CutMixConfig = CutMixConfig()
    adversarial_features: AdversarialFeaturesConfig = AdversarialFeaturesConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def images(self) -> section.Images:
        """The images that the networks make and judge; `resolve` has filled in what was None."""
        data = self.data
        return section.Images(data.resolution, data.channels, data.classes or 0)

    @property
    def iteration_images(self) -> int:
        """Real images that are shown in an iteration."""
        return self.training.batch_size * self.schedule.discriminator_steps

    @property
    def generator_batch_size(self) -> int:
        """Images of a step of the generator, over all devices."""
        return self.schedule.generator_batch_size or self.training.batch_size


# Sections that are chosen by name, by `--config.loss=NAME` or a change of the path `loss`, and then
# have their defaults: the kinds that there are.
KINDS: dict[str, dict[str, type]] = {"loss": LOSSES, "augmentation": AUGMENTATIONS}
_MEANINGS = {
    "loss": "the adversarial loss, whose fields are below",
    "augmentation": "the change of images before they are judged, whose fields are below",
}
CHOICES = {
    name: Field(
        name,
        str,
        getattr(Config, name).family,
        meaning,
        limits={},
        choices=tuple(KINDS[name]),
        resumable=False,
    )
    for name, meaning in _MEANINGS.items()
}

# Sections of which there are several kinds, by the class that all kinds have.
SECTIONS_OF_FAMILIES = {
    "generator": section.GeneratorSection,
    "discriminator": section.DiscriminatorSection,
    "loss": LossSection,
    "augmentation": AugmentationSection,
}


def fields(config: Config) -> dict[str, Field]:
    """Every leaf of the tree by its path, such as training.batch_size."""
    kinds: list[Any] = [type(getattr(config, name)) for name in SECTIONS_OF_FAMILIES]
    return _fields_of(*kinds)


@functools.cache
def _fields_of(*families: type) -> dict[str, Field]:
    kinds = dict(zip(SECTIONS_OF_FAMILIES, families))
    return {field.path: field for field in _leaves(Config, kinds)}


def _leaves(kind: Any, kinds: dict[str, type], prefix: str = "") -> Iterator[Field]:
    for field in dataclasses.fields(kind):
        inner = kinds.get(prefix + field.name, field.type)
        if dataclasses.is_dataclass(inner):
            yield from _leaves(inner, kinds, f"{prefix}{field.name}.")
        else:
            yield Field(prefix + field.name, field.type, field.default, **field.metadata)


def find_field(path: str, config: Config) -> Field:
    """The field called `path`.

    Raises:
      UserError: there is none in the families that `config` uses; the text suggests what is near,
        or lists what there is.
    """
    known = fields(config)
    if path in known:
        return known[path]
    part = path.partition(".")[0]
    owner = f" in {getattr(config, part).family}" if part in SECTIONS_OF_FAMILIES else ""
    raise UserError(f"unknown config field {path}{owner}: {suggestions.for_field(path, known)}")


def get(config: Config, path: str) -> Any:
    """The value at `path`, such as training.batch_size."""
    return functools.reduce(getattr, path.split("."), config)


def replace(config: Config, changes: dict[str, Any]) -> Config:
    """`config` with the values of `changes`, keyed by path; the values are not validated.

    The paths `loss` and `augmentation` take the name of one, which then has its defaults; they are
    replaced before the fields.

    Raises:
      UserError: a path is unknown, or a section is not of its class.
    """
    _check_sections(config, Config, "config")
    changes = dict(changes)
    for name in CHOICES:
        if name in changes:
            section: Any = find_kind(name, changes.pop(name))()
            config = dataclasses.replace(config, **{name: section})
    for path, value in changes.items():
        config = _replace(config, find_field(path, config).path.split("."), value)
    return config


def find_kind(section: str, name: str) -> type:
    """The kind `name` of a section of `CHOICES`.

    Raises:
      UserError: there is none.
    """
    kinds = KINDS[section]
    if name not in kinds:
        raise UserError(
            f"config section {section}: got {name!r}, expected one of {', '.join(kinds)}"
        )
    return kinds[name]


def _replace(part: Any, names: list[str], value: Any) -> Any:
    name, *inner = names
    new = _replace(getattr(part, name), inner, value) if inner else value
    return dataclasses.replace(part, **{name: new})


def validate(config: Config) -> None:
    """Checks every field alone, then what the fields say together.

    Raises:
      UserError: the first contradiction found, with the field and what was expected.
    """
    _check_sections(config, Config, "config")
    for field in fields(config).values():
        value = get(config, field.path)
        if not field.fits(value):
            raise UserError(
                f"config field {field.path}: got {value!r}, expected {field.expected()}"
                f"{suggestions.for_choice(value, field.choices)}"
            )
    config.generator.check(config.images)
    config.discriminator.check(config.images)
    config.augmentation.check(config.images)
    contradictions.check(config)


def _check_sections(part: Any, expected: Any, name: str) -> None:
    if not isinstance(part, expected):
        raise UserError(
            f"config section {name}: got {type(part).__name__}, expected {expected.__name__}"
        )
    for field in dataclasses.fields(part):
        inner = (
            SECTIONS_OF_FAMILIES.get(field.name, field.type) if expected is Config else field.type
        )
        if dataclasses.is_dataclass(inner):
            _check_sections(getattr(part, field.name), inner, field.name)


def resolve(config: Config, resolution: int, channels: int, classes: int = 0) -> Config:
    """`config` with what the dataset has filled in, validated.

    Args:
      config: as it was asked for.
      resolution, channels: of the dataset's images.
      classes: of its labels; 0 without labels.

    Raises:
      UserError: the config asks for others than the dataset has.
    """
    if config.data.labels and not classes:
        raise UserError(
            "data.labels=true, and the images of the dataset have no labels: convert them with"
            " labels (dualcontrast-convert --labels=folders), or drop --config.data.labels"
        )
    found = {
        "data.resolution": resolution,
        "data.channels": channels,
        "data.classes": classes if config.data.labels else None,
    }
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
    """What changed, a line a field or family: `training.batch_size: 32 -> 16`."""
    changed = [
        f"{name}: {getattr(old, name).family} -> {getattr(new, name).family}"
        for name in SECTIONS_OF_FAMILIES
        if type(getattr(old, name)) is not type(getattr(new, name))
    ]
    both = fields(old).keys() & fields(new).keys()
    paths = [path for path in fields(new) if path in both]
    return changed + [
        f"{path}: {get(old, path)} -> {get(new, path)}"
        for path in paths
        if get(old, path) != get(new, path)
    ]


def blocking_differences(old: Config, new: Config) -> list[str]:
    """The `differences` that forbid continuing a run: not its length nor its intervals."""
    free = {path: get(new, path) for path, field in fields(new).items() if field.resumable}
    return differences(replace(old, free), new)
