"""What is asked of every checkpoint, and what of it decides the values."""

import dataclasses
from typing import Any

from dualcontrast.trainer.evaluation import intra_distance, metric_names
from dualcontrast.trainer.evaluation.attribute_classifier import Classifier
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import KnownReals, Plan, Reals
from dualcontrast.trainer.features import lpips
from dualcontrast.trainer.metrics import linear_separability


@dataclasses.dataclass(frozen=True)
class Settings:
    """How it is measured.

    Attributes:
      batch_size: images that an extractor sees at once.
      error_bars: whether distances are also taken without one tenth of the images at a time.
      seed: of all draws.
      pairs, crop: of the path lengths.
      class_count: generated images of each class, for intra-FID.
      separability_count: generated images, for separability.
      labels: of the generated images, see `fake_labels.choose`.
      save_statistics: file for the statistics of the reals.
    """

    batch_size: int = 32
    error_bars: bool = True
    seed: int = 0
    pairs: int = 50_000
    crop: bool = False
    class_count: int = 5000
    separability_count: int = 200_000
    labels: str | None = None
    save_statistics: str | None = None


@dataclasses.dataclass(frozen=True)
class Requested:
    """What stays the same from one checkpoint to the next.

    Attributes:
      plan: without what depends on the checkpoint.
      how: it is measured.
      reals: None where nothing is compared.
      paths: the path lengths to take, keys of `metric_names.PATH_LENGTHS`.
      distance: LPIPS, where a path length is taken.
      classifier: of attributes, where separability is taken.
      validation: images that the run has not seen, where overfitting is taken.
    """

    plan: Plan
    how: Settings
    reals: Reals | KnownReals | None = None
    paths: tuple[str, ...] = ()
    distance: lpips.Distance | None = None
    classifier: Classifier | None = None
    validation: ImageSet | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Images for which the metrics with passes of their own ask."""
        return {
            **{name: self.how.pairs for name in self.paths},
            **({metric_names.SEPARABILITY: self.how.separability_count} if self.classifier else {}),
        }

    def protocol(self, plan: Plan, fakes: dict[str, Any]) -> dict[str, Any]:
        """Returns everything that decides the values, ready for JSON.

        Args:
          plan: with what depends on the checkpoint, or without.
          fakes: the protocol of the generated images.
        """
        content: dict[str, Any] = {
            "metrics": [*plan.metrics, *self.counts],
            "reals": self.reals.protocol if self.reals else None,
            "fakes": fakes,
            "extractors": {role: e.protocol() for role, e in plan.extractors.items()},
            "error_bars": plan.error_bars,
            "subset_seed": plan.seed,
        }
        if plan.composition:
            content["discriminator_batches"] = dataclasses.asdict(plan.composition)
        if intra_distance.METRIC in plan.metrics:
            content["intra_fid"] = {
                "fakes_of_a_class": self.how.class_count,
                "least_reals": intra_distance.LEAST_REALS,
            }
        if self.distance:
            content["path_length"] = {
                "lpips_sha256": self.distance.digest,
                "pairs": self.how.pairs,
                "crop": self.how.crop,
                "epsilon": 1e-4,
            }
        if self.classifier:
            content["extractors"]["classifier"] = self.classifier.protocol()
            content["separability"] = {
                "images": self.how.separability_count,
                "kept": linear_separability.KEEP,
            }
        if self.validation:
            content["validation"] = self.validation.protocol
        return content
