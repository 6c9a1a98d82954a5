"""Pictures of what a generator makes: conversion to bytes, grids, and files that are never half."""

import io
import os

import numpy as np
import tensorflow as tf
from PIL import Image

from dualcontrast.trainer import files


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Returns images in [-1, 1] as uint8, [...] of any shape: -1 is 0, 0 is 128, 1 is 255.

    Rounds to nearest, ties to even; what lies outside of [-1, 1] is clipped. Plain TensorFlow, so
    that a SavedModel and the trainer's grids have the same pixels.
    """
    return tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Returns the images side by side, left to right, then top to bottom; what is left over is 0.

    Args:
      images: uint8 [count, height, width, channels].
      columns: images in a row, at least 1.

    Returns:
      uint8 [rows * height, columns * width, channels].
    """
    images = np.asarray(images)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width, channels), images.dtype)
    cells[:count] = images
    cells = cells.reshape(rows, columns, height, width, channels)
    return cells.swapaxes(1, 2).reshape(rows * height, columns * width, channels)


def resized(image: np.ndarray, side: int) -> Image.Image:
    """Returns an image as a panel of a figure: RGB, white where it is transparent.

    Args:
      image: uint8 [height, width, 1, 3 or 4].
      side: of the panel; what is enlarged keeps its pixels.
    """
    picture = _as_picture(image)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    how = Image.Resampling.NEAREST if side >= len(image) else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize((side, side), how)


def save_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes uint8 [height, width, 1, 3 or 4] as a PNG, whole or not at all.

    Raises:
      UserError: the folder is missing, may not be written to, or the disk is full.
    """
    _save(path, [image], format="png")


def save_animation(path: str | os.PathLike, frames: list[np.ndarray], milliseconds: int) -> None:
    """Writes frames as an animated WebP that plays for ever, whole or not at all.

    Args:
      path: of the file.
      frames: uint8 [height, width, 1, 3 or 4] each, at least one.
      milliseconds: how long a frame is shown.

    Raises:
      UserError: the folder is missing, may not be written to, or the disk is full.
    """
    _save(path, frames, format="webp", duration=milliseconds, loop=0, quality=90)


def _save(path: str | os.PathLike, frames: list[np.ndarray], **how) -> None:
    first, *others = [_as_picture(frame) for frame in frames]
    encoded = io.BytesIO()
    first.save(encoded, save_all=bool(others), append_images=others, **how)
    files.write(path, encoded.getvalue())


def _as_picture(image: np.ndarray) -> Image.Image:
    image = np.asarray(image)
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
