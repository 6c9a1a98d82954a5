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

OUTPUT gets target.png, projection.png, five steps on the way (step0200.png ...), projected.npz (w,
the noise maps, the losses) and project.json. docs/projection.md says how these make the picture
again.
"""

import importlib.metadata
import io
import pathlib
import time

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import numpy as np
from absl import flags
from PIL import Image

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.conversion import pixel_formats, pixels
from dualcontrast.tools.sampling import distances
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, files, pictures, projection, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated
from dualcontrast.trainer.features import weights

_RUN = flags.DEFINE_string(
    "run", None, "A run's folder, for its newest checkpoint, or one checkpoint."
)
_MODEL = flags.DEFINE_string("model", None, "In place of --run: a folder of dualcontrast-export.")
_IMAGE = flags.DEFINE_string("image", None, "The picture to find.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "The folder to write to.", required=True)
_SPACE = flags.DEFINE_enum(
    "space", "w", list(projection.SPACES), "One w for all layers, or one for each."
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
_VGG16 = flags.DEFINE_string("vgg16", None, "Weights of VGG16: a path, or URL#sha256=DIGEST.")
_LPIPS = flags.DEFINE_string("lpips", None, "Weights of LPIPS: a path, or URL#sha256=DIGEST.")

_SNAPSHOTS = 5
_MAX_PIXELS = 50_000_000
_WEIGHTS_NAME = "generator.weights.h5"
_KINDS = {1: "gray", 3: "rgb", 4: "rgba"}
_MODES = {"L": 1, "RGB": 3, "RGBA": 4}


def main(argv: list[str]) -> None:
    """Projects the picture that the flags name."""
    errors.no_arguments(argv)
    name = check_flags()
    generator, origin = _generator()
    synthesis = generator.synthesis
    target = read_image(_IMAGE.value, synthesis.resolution, synthesis.channels)
    distance = distances.choose(
        name, synthesis.resolution, synthesis.channels, _VGG16.value, _LPIPS.value
    )
    folder = pathlib.Path(_OUTPUT.value)
    files.make_folder(folder, f"--output={folder}")
    pictures.save_png(folder / "target.png", target)
    found, seconds = search(generator, target, distance, folder)
    write(folder, found, describe(origin, distance, found, seconds))
    way = f"{name} distance {found.distances[0]:.4g} at first, {found.distance:.4g} at last"
    print(f"{folder / 'projection.png'}: {way}")


def check_flags() -> str:
    """Returns the name of the distance, after a look at what can be checked before loading.

    Raises:
      UserError: two flags contradict each other, or there is no picture.
    """
    if bool(_RUN.value) == bool(_MODEL.value):
        raise UserError("give either --run=RUN or --model=MODEL: the generator to search")
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


def _generator() -> tuple[generators.Generator, dict]:
    """Returns the generator that the flags name, in float32, and where it came from."""
    if _MODEL.value:
        generator = load_model(pathlib.Path(_MODEL.value))
        origin: dict[str, object] = {"model": _MODEL.value}
    else:
        _, prefix = checkpoint.locate(pathlib.Path(_RUN.value))
        generator, _, images_seen = checkpoint.load_average(str(prefix))
        origin = {"checkpoint": str(prefix), "images_seen": images_seen}
    return generator, {**origin, "weights_sha256": generated.weights_digest(generator)}


def load_model(folder: pathlib.Path) -> generators.Generator:
    """Returns the generator of an export. Its SavedModel has fixed noise, so Keras makes it again.

    Raises:
      UserError: the folder is no export.
    """
    weights_path = folder / _WEIGHTS_NAME
    if not weights_path.is_file():
        raise UserError(
            f"--model={folder} is no export: it has no {_WEIGHTS_NAME}.\n"
            "Expected a folder of dualcontrast-export"
        )
    config = schema.replace(checkpoint.read_config(folder), {"training.precision": "float32"})
    generator = state.make_generator(config, name="average")
    try:
        generator.load_weights(weights_path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(f"{weights_path} is damaged or of another network: {reason}") from error
    return generator


def read_image(path: str, resolution: int, channels: int) -> np.ndarray:
    """Returns the picture as uint8 [resolution, resolution, channels].

    Raises:
      UserError: it cannot be read, or is of another size or kind and is not to be cropped.
    """
    rules = pixels.Rules(
        resolution=resolution,
        crop=_CROP.value,
        filter="lanczos",
        channels=_KINDS[channels],
        background=(255, 255, 255),
        upscale=True,
        max_pixels=_MAX_PIXELS,
    )
    content = files.read_bytes(path, "Expected --image=PICTURE.")
    try:
        if _CROP.value == "none":
            _check_kind(pixel_formats.read(content, _MAX_PIXELS), resolution, channels)
        return pixels.convert(content, rules)
    except pixel_formats.Rejected as error:
        raise UserError(f"--image={path} {error}") from error


def _check_kind(picture: Image.Image, resolution: int, channels: int) -> None:
    if picture.size != (resolution, resolution) or _MODES.get(picture.mode) != channels:
        width, height = picture.size
        raise pixel_formats.Rejected(
            f"is {width}x{height} {picture.mode}, and the generator draws {resolution}x{resolution}"
            f" {_KINDS[channels]}.\nTo crop, resize and convert it: --crop=center"
        )


def snapshots(steps: int) -> list[int]:
    """Returns the steps after which a picture is kept."""
    return sorted({max(1, steps * part // _SNAPSHOTS) for part in range(1, _SNAPSHOTS + 1)})


def search(
    generator: generators.Generator,
    target: np.ndarray,
    distance: distances.Named,
    folder: pathlib.Path,
) -> tuple[projection.Projection, float]:
    """Returns the projection and the seconds it took; writes pictures on the way."""
    kept, started = snapshots(_STEPS.value), time.monotonic()

    def on_step(step, image) -> None:
        bar.show(step)
        if step in kept:
            picture = pictures.to_uint8(image())[0].numpy()
            pictures.save_png(folder / f"step{step:04d}.png", picture)

    with ProgressBar("steps", _STEPS.value) as bar:
        found = projection.project(
            generator,
            target[None].astype(np.float32) / 127.5 - 1.0,
            distance.between,
            space=_SPACE.value,
            steps=_STEPS.value,
            seed=_SEED.value,
            on_step=on_step,
        )
    return found, time.monotonic() - started


def describe(
    origin: dict, distance: distances.Named, found: projection.Projection, seconds: float
) -> dict:
    """Returns the content of project.json."""
    return {
        "generator": origin,
        "image": {
            "path": _IMAGE.value,
            "sha256": weights.digest(files.read_bytes(_IMAGE.value)),
            "crop": _CROP.value,
        },
        "space": _SPACE.value,
        "steps": _STEPS.value,
        "seed": _SEED.value,
        "distance": distance.protocol,
        "first_distance": float(found.distances[0]),
        "last_distance": found.distance,
        "seconds": round(seconds, 1),
        "versions": {name: importlib.metadata.version(name) for name in ("tensorflow", "numpy")},
    }


def write(folder: pathlib.Path, found: projection.Projection, description: dict) -> None:
    """Writes the picture and what reproduces it.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    pictures.save_png(folder / "projection.png", pictures.to_uint8(found.image)[0].numpy())
    arrays = {f"noise{layer}": noise for layer, noise in enumerate(found.noise)}
    encoded = io.BytesIO()
    np.savez(encoded, w=found.w, distances=found.distances, losses=found.losses, **arrays)
    files.write(folder / "projected.npz", encoded.getvalue())
    files.write_object(folder / "project.json", description)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
