"""Draws what a run's discriminator sees: t-SNE of its features, reals blue and generated orange.

The features are the input of the discriminator's last layer, so no other network is needed:

  dualcontrast-tsne --run=RUN --data=DATA --output=OUTPUT

Two runs side by side, a panel each (their features have nothing in common, so each has a plane):

  dualcontrast-tsne --run=BASELINE --run=OURS --data=DATA --output=OUTPUT

OUTPUT/tsne.png is the picture; OUTPUT/tsne.json has the points, how they were made, and how far
both clouds are apart among all features (fddf).
"""

import pathlib

from absl import flags

from dualcontrast.trainer import errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

_RUN = path_flags.define_multi(
    "run",
    None,
    "A run's folder, or one checkpoint; once for each panel.",
    required=True,
    may_have_scheme=True,
)
_DATA = path_flags.define(
    "data", None, "The dataset of the real images.", required=True, may_have_scheme=True
)
_OUTPUT = path_flags.define("output", None, "The folder to write to.", required=True)
_COUNT = flags.DEFINE_integer("count", 2000, "Real images, and as many generated.", lower_bound=2)
_PERPLEXITY = flags.DEFINE_float("perplexity", 30.0, "Neighbours that a point has, about.")
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of images and embedding.", lower_bound=0, upper_bound=2**30
)


def main(argv: list[str]) -> None:
    """Draws the panels that the flags ask for."""
    errors.no_arguments(argv)
    if len(set(_RUN.value)) < len(_RUN.value):
        raise UserError("--run names one checkpoint twice: give different ones, a panel each")
    for path in _RUN.value:
        run_path.check(locations.of(path))
    dataset, folder = manifest.open_dataset(_DATA.value), pathlib.Path(_OUTPUT.value)
    tensorflow_start.start()
    from dualcontrast.tools.evaluation import feature_map

    how = feature_map.Settings(_COUNT.value, _PERPLEXITY.value, _SEED.value)
    records = feature_map.draw(_RUN.value, dataset, how, folder)
    for record in records:
        distances = f"{record['fddf']:.5g}, scale-free {record['fddf_scale_free']:.5g}"
        print(f"{record['title']}: fddf {distances}")
    panels = f"{len(records)} panel{'s' if len(records) > 1 else ''}"
    print(f"{folder / feature_map.PICTURE} with {panels}")


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
