"""What the trainer asks of a family's sections of the configuration."""

import dataclasses
from typing import Any, ClassVar, NamedTuple, TypeVar

from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_Kind = TypeVar("_Kind", bound="Section")


class Images(NamedTuple):
    """The images that networks make and judge.

    Attributes:
      resolution: side in pixels.
      channels: 1, 3 or 4.
      classes: how many they have; 0 where the networks are given no labels.
    """

    resolution: int
    channels: int
    classes: int = 0


@dataclasses.dataclass(frozen=True)
class Section:
    """The section of a network: its fields, and how they become the network.

    A family is a module of `trainer.config.families` that defines `Generator` and `Discriminator`.
    The module's name is the family's, also in a run's config.json.
    """

    @property
    def family(self) -> str:
        """The family's name."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def grows(self) -> bool:
        """Whether the network grows with the images; see `trainer.growth`."""
        return False

    @classmethod
    def expect(cls: type[_Kind], found: "Section") -> _Kind:
        """Returns `found`, for code that knows this family alone.

        Raises:
          UserError: it is of another family.
        """
        if isinstance(found, cls):
            return found
        wanted = cls.__module__.rpartition(".")[2]
        raise UserError(
            f"the {cls.__name__.lower()} is of the family {found.family}, expected {wanted}:"
            " this command knows no other"
        )

    def make(self, images: Images, **keras: Any) -> Any:
        """Returns the network that the fields describe, unbuilt.

        Args:
          images: that it makes or judges.
          **keras: `name` and `dtype`, of every Keras layer.
        """
        raise NotImplementedError

    def check(self, images: Images) -> None:
        """Checks what the fields say together, and with the images; alone each is valid.

        Raises:
          UserError: a contradiction.
        """


@dataclasses.dataclass(frozen=True)
class GeneratorSection(Section):
    """The section of a generator.

    Attributes:
      takes_moments: whether a pass normalises by moments of the whole batch, over all devices.
      in_two_parts: whether the network is run as its first layer and the rest, for AdvAug between.
      maps: whether the generator has a `mapping`.
    """

    takes_moments: ClassVar[bool] = False
    in_two_parts: ClassVar[bool] = False
    maps: ClassVar[bool] = False

    fake_labels: str = setting(
        "uniform",
        "with data.labels: whether images are made for every class alike, or for each as often as"
        " the data have it",
        choices=("uniform", "data"),
    )

    def terms(self) -> list:
        """Returns what the generator minimises besides the adversarial loss: `trainer.terms`."""
        return []


@dataclasses.dataclass(frozen=True)
class DiscriminatorSection(Section):
    """The section of a discriminator.

    Attributes:
      judges_pixels: whether it has logits of pixels too.
    """

    judges_pixels: ClassVar[bool] = False

    @property
    def takes_references(self) -> bool:
        """Whether images are compared with reals."""
        return False

    @property
    def reads_references(self) -> bool:
        """Whether these reals are a second batch."""
        return False

    @property
    def projects(self) -> bool:
        """Whether there are projections of the features, which ContraD contrasts."""
        return False

    def freezable(self, images: Images) -> int:
        """Returns how many layers, those next to the image first, can be frozen."""
        return 0

    def group(self, batch: int) -> int:
        """Returns how many images of a batch have a say in each other's logits."""
        return 1

    def check_share(self, share: int, parts: int) -> None:
        """Checks that a device's share of a batch can be computed, in parts.

        Args:
          share: images of one device.
          parts: that the share is computed in; they divide it.

        Raises:
          UserError: it cannot.
        """
