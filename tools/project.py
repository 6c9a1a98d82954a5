"""Finds the latents of an image: projects a picture into the space of a generator.

With the small network that comes with the project, or with LPIPS (docs/evaluation.md says where its
weights are):

  dualcontrast-project --run=RUN --image=face.png --output=OUTPUT
  dualcontrast-project --run=RUN --image=face.png --output=OUTPUT \\
      --vgg16=VGG16.npz --lpips=LPIPS.npz

One w for every layer (the default), or one for each; the latter comes nearer to the picture:

  dualcontrast-project --run=RUN --image=face.png --output=OUTPUT --space=w+ --steps=2000

A photo of any size, cropped to a square and resized; an exported model:

  dualcontrast-project --model=MODEL --image=photo.jpg --crop=center --output=OUTPUT

The class of the picture, which a generator with classes needs, by its name or its number:

  dualcontrast-project --run=RUN --image=cat.png --class=cat --output=OUTPUT

OUTPUT gets target.png, projection.png, five steps on the way (step0200.png ...), projected.npz (w,
the noise maps, the losses) and project.json. docs/projection.md says how these make the picture
again. Of a generator without a mapping it is z that is searched, and written.
"""

import pathlib

from absl import flags

from dualcontrast.trainer import errors, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError

_RUN = path_flags.define(
    "run",
    None,
    "A run's folder, for its newest checkpoint, or one checkpoint.",
    may_have_scheme=True,
)
_MODEL = path_flags.define("model", None, "In place of --run: a folder of dualcontrast-export.")
_IMAGE = path_flags.define("image", None, "The picture to find.", required=True)
_OUTPUT = path_flags.define("output", None, "The folder to write to.", required=True)
_CLASS = flags.DEFINE_string("class", None, "The picture's class, by name or number.")
_SPACE = flags.DEFINE_enum(
    "space",
    None,
    ["w", "w+"],
    "One w for all layers (the default with a mapping), or one for each.",
)
_STEPS = flags.DEFINE_integer(
    "steps", 1000, "Steps of the search.", lower_bound=1, upper_bound=1_000_000
)
_SEED = flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0, upper_bound=2**31 - 1)
_CROP = flags.DEFINE_enum(
    "crop", "none", ["none", "center"], "center: crop, resize and convert the picture to fit."
)
_DISTANCE = flags.DEFINE_enum(
    "distance",
    None,
    ["lpips", "embedded", "pixels"],
    "What is made small (default: lpips where --vgg16 and --lpips are given, else embedded).",
)
_VGG16 = path_flags.define(
    "vgg16", None, "Weights of VGG16: a path, or URL#sha256=DIGEST.", may_have_scheme=True
)
_LPIPS = path_flags.define(
    "lpips", None, "Weights of LPIPS: a path, or URL#sha256=DIGEST.", may_have_scheme=True
)


def main(argv: list[str]) -> None:
    """Projects the picture that the flags name."""
    errors.no_arguments(argv)
    name = check_flags()
    tensorflow_start.start()
    from dualcontrast.tools.sampling import image_projection

    found = image_projection.project(
        image_projection.Request(
            run=_RUN.value,
            model=_MODEL.value,
            image=_IMAGE.value,
            folder=pathlib.Path(_OUTPUT.value),
            class_text=_CLASS.value,
            space=_SPACE.value,
            steps=_STEPS.value,
            seed=_SEED.value,
            crop=_CROP.value == "center",
            distance=name,
            vgg16=_VGG16.value,
            lpips=_LPIPS.value,
        )
    )
    way = f"{name} distance {found.distances[0]:.4g} at first, {found.distance:.4g} at last"
    print(f"{pathlib.Path(_OUTPUT.value) / 'projection.png'}: {way}")


def check_flags() -> str:
    """Returns the name of the distance, after a look at what can be checked before loading.

    Raises:
      UserError: two flags contradict each other, or there is no picture.
    """
    if bool(_RUN.value) == bool(_MODEL.value):
        raise UserError("give either --run=RUN or --model=MODEL: the generator to search")
    if _RUN.value:
        run_path.check(locations.of(_RUN.value))
    if not pathlib.Path(_IMAGE.value).is_file():
        raise UserError(f"--image={_IMAGE.value}: there is no such file, expected a picture")
    if pathlib.Path(_OUTPUT.value).is_file():
        raise UserError(f"--output={_OUTPUT.value} is a file, expected a folder to write to")
    given = [bool(_VGG16.value), bool(_LPIPS.value)]
    name = _DISTANCE.value or ("lpips" if any(given) else "embedded")
    if name == "lpips" and not all(given):
        raise UserError("--distance=lpips needs both --vgg16=WEIGHTS and --lpips=WEIGHTS")
    if name != "lpips" and any(given):
        raise UserError(f"--vgg16 and --lpips have no place in --distance={name}")
    return name


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
