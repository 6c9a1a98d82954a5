"""Says what is in a run's images of scenes, beside renders: solids, shapes and colours.

For runs on what `dualcontrast-convert --source=scenes` made, with the flags that it had:

  python -m dualcontrast.tools.recognise --run=demo/run --solids=1-2 --zoom=2
  python -m dualcontrast.tools.recognise --run=a --run=b --solids=1-2 --zoom=2

A small network is trained on renders that no dataset has, in minutes, and tells how many solids
there are and the shape and colour of the largest; it judges all the runs that are given. An image
counts as recognised where the network is as sure as it is of nine in ten other renders; what the
others show is of no kind. It needs no features, so it sees what FID by the embedded extractor may
not: shapes that are none. The last lines, one for each run, are JSON.
"""

import json

from absl import flags

from dualcontrast.tools.scenes import kind_flags
from dualcontrast.trainer import errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(kind_flags)
_RUN = path_flags.define_multi(
    "run",
    None,
    "A run's folder, for its newest checkpoint, or one checkpoint; may be given several times.",
    required=True,
    may_have_scheme=True,
)
_COUNT = flags.DEFINE_integer("count", 2000, "Images of the run, and other renders.", lower_bound=1)
_RENDERS = flags.DEFINE_integer("renders", 20_000, "Renders to train with.", lower_bound=64)


def main(argv: list[str]) -> None:
    """Prints what the flags ask for, the last lines as JSON."""
    errors.no_arguments(argv)
    for run in _RUN.value:
        run_path.check(locations.of(run))
    kind = kind_flags.kind()
    tensorflow_start.start()
    import numpy as np

    from dualcontrast.tools.evaluation import evaluated
    from dualcontrast.tools.scenes import recognition

    generated = {run: evaluated.of_run(run, _COUNT.value).images for run in _RUN.value}
    resolution = generated[_RUN.value[0]].resolution
    for run, images in generated.items():
        _check(run, images, resolution, recognition.STEP)
    recogniser = recognition.Recogniser(kind, resolution)
    recogniser.train(_RENDERS.value)
    renders, there = recognition.rendered(kind, resolution, _COUNT.value, _RENDERS.value)
    reals = recogniser.see(recognition.batches(renders))
    right = {
        "solids": float(np.mean(reals.solids - kind.fewest == there["solids"])),
        "shape": float(np.mean(reals.shapes == there["shape"])),
        "colour": float(np.mean(reals.colours == there["colour"])),
    }
    for name, share in right.items():
        print(f"{name}: {share:.1%} right of {_COUNT.value:,} other renders")
    records = []
    for run, images in generated.items():
        found = recognition.judge(reals, recogniser.see(images.read()), kind)
        print(f"recognised: {found.recognised:.1%} of {images.count:,} images of {run}")
        shares = {name: getattr(found, name).tolist() for name in ("shapes", "colours", "solids")}
        numbers = range(kind.fewest, kind.most + 1)
        for (title, values), names in zip(
            shares.items(), (recognition.SHAPES, recognition.COLOURS, numbers), strict=True
        ):
            listed = ", ".join(f"{n} {s:.1%}" for n, s in zip(names, values, strict=True))
            print(f"{title} of these: {listed}")
        print(
            f"{found.pairs} of {len(found.shapes) * len(found.colours)} pairs of shape and colour,"
            f" whose shares are {found.distance:.3f} from those of renders (total variation)"
        )
        record = {name: getattr(found, name) for name in ("recognised", "pairs", "distance")}
        records.append({"run": run, **record, **shares, "right": right})
    for record in records:
        print(json.dumps(record))


def _check(run: str, images, resolution: int, step: int) -> None:
    """Checks that one network can judge a run's images.

    Raises:
      UserError: they are grey, or of another size than those of the first run.
    """
    if images.channels != 3 or images.resolution % step:
        raise UserError(
            f"{run} makes images of {images.resolution} pixels and {images.channels}"
            f" channels, expected RGB and a multiple of {step}"
        )
    if images.resolution != resolution:
        raise UserError(
            f"{run} makes images of {images.resolution} pixels, expected {resolution} as of"
            " the first --run: give runs of one size at a time"
        )


def run() -> None:
    """What `python -m` runs."""
    errors.run(main)


if __name__ == "__main__":
    run()
