"""Says what is in a run's images of scenes, beside renders: solids, shapes and colours.

For runs on what `dualcontrast-convert --source=scenes` made, with the flags that it had:

  python -m dualcontrast.tools.recognise --run=demo/run --solids=1-2 --zoom=2

A small network is trained on renders that no dataset has, in minutes, and tells how many solids
there are and the shape and colour of the largest. An image counts as recognised where the network
is as sure as it is of nine in ten other renders; what the others show is of no kind. It needs no
features, so it sees what FID by the embedded extractor may not: shapes that are none.
"""

import json

from absl import flags

from dualcontrast.tools.scenes import kind_flags
from dualcontrast.trainer import errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(kind_flags)
_RUN = path_flags.define(
    "run",
    None,
    "A run's folder, for its newest checkpoint, or one checkpoint.",
    required=True,
    may_have_scheme=True,
)
_COUNT = flags.DEFINE_integer("count", 2000, "Images of the run, and other renders.", lower_bound=1)
_RENDERS = flags.DEFINE_integer("renders", 20_000, "Renders to train with.", lower_bound=64)


def main(argv: list[str]) -> None:
    """Prints what the flags ask for, the last line as JSON."""
    errors.no_arguments(argv)
    run_path.check(locations.of(_RUN.value))
    kind = kind_flags.kind()
    tensorflow_start.start()
    import numpy as np

    from dualcontrast.tools.evaluation import evaluated
    from dualcontrast.tools.scenes import recognition

    images = evaluated.of_run(_RUN.value, _COUNT.value).images
    if images.channels != 3 or images.resolution % recognition.STEP:
        raise UserError(
            f"{_RUN.value} makes images of {images.resolution} pixels and {images.channels}"
            f" channels, expected RGB and a multiple of {recognition.STEP}"
        )
    recogniser = recognition.Recogniser(kind, images.resolution)
    recogniser.train(_RENDERS.value)
    renders, there = recognition.rendered(kind, images.resolution, _COUNT.value, _RENDERS.value)
    reals = recogniser.see(recognition.batches(renders))
    found = recognition.judge(reals, recogniser.see(images.read()), kind)
    right = {
        "solids": float(np.mean(reals.solids - kind.fewest == there["solids"])),
        "shape": float(np.mean(reals.shapes == there["shape"])),
        "colour": float(np.mean(reals.colours == there["colour"])),
    }
    for name, share in right.items():
        print(f"{name}: {share:.1%} right of {_COUNT.value:,} other renders")
    print(f"recognised: {found.recognised:.1%} of {images.count:,} images of {_RUN.value}")
    for title, names, shares in (
        ("shapes", recognition.SHAPES, found.shapes),
        ("colours", recognition.COLOURS, found.colours),
        ("solids", range(kind.fewest, kind.most + 1), found.solids),
    ):
        listed = ", ".join(f"{n} {s:.1%}" for n, s in zip(names, shares, strict=True))
        print(f"{title} of these: {listed}")
    print(f"{found.pairs} of {len(found.shapes) * len(found.colours)} pairs of shape and colour")
    listed_shares = {
        name: getattr(found, name).tolist() for name in ("shapes", "colours", "solids")
    }
    record = {"recognised": found.recognised, "pairs": found.pairs, **listed_shares, "right": right}
    print(json.dumps(record))


def run() -> None:
    """What `python -m` runs."""
    errors.run(main)


if __name__ == "__main__":
    run()
