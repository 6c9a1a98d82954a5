"""The fields of a discriminator that say how its features become logits and projections."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class DiscriminatorSection(section.DiscriminatorSection):
    """The section of a discriminator that may have ContraD's heads."""

    head: str = setting(
        "linear",
        "what makes the logits: the last layers that the network is published with (linear), or two"
        " dense layers upon its last maps (mlp), as in ContraD's program",
        choices=("linear", "mlp"),
    )
    head_width: Optional[int] = setting(
        None, "with mlp: units of the hidden layer (none: ContraD's, 1024 or 512)", least=1
    )
    projection_size: int = setting(
        0, "with mlp: length of ContraD's two projections, there 128 (0: none)", least=0
    )

    @property
    def projects(self) -> bool:
        """Whether there are projections."""
        return self.projection_size > 0

    def heads(self, width: int = 512) -> dict[str, Any]:
        """Returns the network's arguments.

        Args:
          width: of the hidden layer where none was asked for.
        """
        mlp = self.head == "mlp"
        return {
            "head_width": (self.head_width or width) if mlp else None,
            "projection_size": self.projection_size,
        }

    def check(self, images: section.Images) -> None:
        """Checks that projections have a hidden layer."""
        if self.projects and self.head != "mlp":
            raise UserError(
                f"discriminator.projection_size={self.projection_size} needs two dense layers:"
                " try --config.discriminator.head=mlp"
            )
