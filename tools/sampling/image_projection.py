"""The search of a picture in the space of a generator, and the files that it leaves."""

import dataclasses
import importlib.metadata
import io
import pathlib
import time
from typing import NamedTuple

import numpy as np
from PIL import Image

from dualcontrast.layers import networks
from dualcontrast.tools.conversion import colour, pixel_formats, pixels
from dualcontrast.tools.sampling import class_names, distances, model_folder
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import files, folder_lock, locations, pictures, projection, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated
from dualcontrast.trainer.features import weights

_SNAPSHOTS = 5
_MAX_PIXELS = 50_000_000
_KINDS = {1: "gray", 3: "rgb", 4: "rgba"}
_MODES = {"L": 1, "RGB": 3, "RGBA": 4}


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
      run, model: where the generator is; one of both is None.
      image: path of the picture.
      folder: for the files, made if need be.
      class_text: the picture's class, by name or number, where the generator has classes.
      space: one of `projection.spaces`; None for the usual one.
      steps: of the search.
      seed: of its draws.
      crop: whether the picture is cropped, resized and converted to fit.
      distance, vgg16, lpips: see `distances.choose`.
    """

    run: str | None
    model: str | None
    image: str
    folder: pathlib.Path
    class_text: str | None
    space: str | None
    steps: int
    seed: int
    crop: bool
    distance: str
    vgg16: str | None
    lpips: str | None


class Searched(NamedTuple):
    """What is searched.

    Attributes:
      generator: in float32.
      origin: where it came from, and the class, ready for JSON.
      space: one of `projection.spaces`.
      label: the picture's class; None where there are none.
    """

    generator: networks.Generator
    origin: dict
    space: str
    label: int | None


def project(asked: Request) -> projection.Projection:
    """Projects a picture, writes it and what reproduces it, and returns the projection.

    Raises:
      UserError: the generator, the picture or the networks of the distance cannot be read, or the
        folder cannot be written.
    """
    searched = _searched(asked)
    resolution, channels = searched.generator.resolution, searched.generator.channels
    target = read_image(asked.image, resolution, channels, asked.crop)
    distance = distances.choose(asked.distance, resolution, channels, asked.vgg16, asked.lpips)
    with folder_lock.output(asked.folder):
        pictures.save_png(asked.folder / "target.png", target)
        found, seconds = search(searched, target, distance, asked)
        described = describe(asked, searched, distance, found, seconds)
        write(asked.folder, searched.space, found, described)
    return found


def _searched(asked: Request) -> Searched:
    """Returns the generator that is asked for, and where in it."""
    if asked.model:
        owner, names = "the model", model_folder.read_class_names(pathlib.Path(asked.model))
    else:
        owner, classes = "the run", checkpoint.read_classes(asked.run)
        names = [category.name for category in classes]
    owner = f"{owner} {asked.model or asked.run}"
    label = class_names.one(asked.class_text, names, owner, "the picture's")
    generator, origin = _generator(asked)
    if label is not None:
        origin["class"] = {"label": label, "name": names[label]}
    spaces = projection.spaces(generator)
    if asked.space not in (None, *spaces):
        raise UserError(
            f"--space={asked.space}: this generator has no mapping, so no w: drop the flag, and z"
            " itself is searched"
        )
    return Searched(generator, origin, asked.space or spaces[0], label)


def _generator(asked: Request) -> tuple[networks.Generator, dict]:
    """Returns the generator that is asked for, in float32, and where it came from."""
    if asked.model:
        generator = load_model(pathlib.Path(asked.model))
        origin: dict[str, object] = {"model": asked.model}
    else:
        _, prefix = checkpoint.locate(locations.of(asked.run))
        generator, _, images_seen = checkpoint.load_average(str(prefix))
        origin = {"checkpoint": str(prefix), "images_seen": images_seen}
    return generator, {**origin, "weights_sha256": generated.weights_digest(generator)}


def load_model(folder: pathlib.Path) -> networks.Generator:
    """Returns the generator of an export. Its SavedModel has fixed noise, so Keras makes it again.

    Raises:
      UserError: the folder is no export.
    """
    weights_path = model_folder.find_weights(folder)
    config = schema.replace(checkpoint.read_config(folder), {"training.precision": "float32"})
    generator = state.make_generator(config, name="average")
    try:
        generator.load_weights(weights_path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(f"{weights_path} is damaged or of another network: {reason}") from error
    return generator


def read_image(path: str, resolution: int, channels: int, crop: bool) -> np.ndarray:
    """Returns the picture as uint8 [resolution, resolution, channels].

    Raises:
      UserError: it cannot be read, or is of another size or kind and is not to be cropped.
    """
    rules = pixels.Rules(
        resolution=resolution,
        crop="center" if crop else "none",
        filter="lanczos",
        channels=_KINDS[channels],
        background=(255, 255, 255),
        upscale=True,
        max_pixels=_MAX_PIXELS,
    )
    content = files.read_bytes(path, "Expected --image=PICTURE.")
    try:
        if not crop:
            picture, _ = colour.to_srgb(pixel_formats.read(content, _MAX_PIXELS))
            _check_kind(picture, resolution, channels)
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
    searched: Searched,
    target: np.ndarray,
    distance: distances.Named,
    asked: Request,
) -> tuple[projection.Projection, float]:
    """Returns the projection and the seconds it took; writes pictures on the way."""
    kept, started = snapshots(asked.steps), time.monotonic()

    def on_step(step, image) -> None:
        bar.show(step)
        if step in kept:
            picture = pictures.to_uint8(image())[0].numpy()
            pictures.save_png(asked.folder / f"step{step:04d}.png", picture)

    with ProgressBar("steps", asked.steps) as bar:
        found = projection.project(
            searched.generator,
            target[None].astype(np.float32) / 127.5 - 1.0,
            distance.between,
            space=searched.space,
            label=searched.label,
            steps=asked.steps,
            seed=asked.seed,
            on_step=on_step,
        )
    return found, time.monotonic() - started


def describe(
    asked: Request,
    searched: Searched,
    distance: distances.Named,
    found: projection.Projection,
    seconds: float,
) -> dict:
    """Returns the content of project.json."""
    return {
        "generator": searched.origin,
        "image": {
            "path": asked.image,
            "sha256": weights.digest(files.read_bytes(asked.image)),
            "crop": "center" if asked.crop else "none",
        },
        "space": searched.space,
        "steps": asked.steps,
        "seed": asked.seed,
        "distance": distance.protocol,
        "first_distance": float(found.distances[0]),
        "last_distance": found.distance,
        "seconds": round(seconds, 1),
        "versions": {name: importlib.metadata.version(name) for name in ("tensorflow", "numpy")},
    }


def write(
    folder: pathlib.Path, space: str, found: projection.Projection, description: dict
) -> None:
    """Writes the picture and what reproduces it.

    Args:
      folder: for the files.
      space: the first letter of which names the latents.
      found: the projection.
      description: content of project.json.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    pictures.save_png(folder / "projection.png", pictures.to_uint8(found.image)[0].numpy())
    arrays = {f"noise{layer}": noise for layer, noise in enumerate(found.noise)}
    arrays[space[0]] = found.latents
    encoded = io.BytesIO()
    np.savez(encoded, distances=found.distances, losses=found.losses, **arrays)
    files.write(folder / "projected.npz", encoded.getvalue())
    files.write_object(folder / "project.json", description)
