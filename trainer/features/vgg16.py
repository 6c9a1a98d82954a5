"""VGG16 (Simonyan and Zisserman 2015): features for precision and recall, and what LPIPS rests on.

The weights are an .npz file of float32 arrays, in TensorFlow's order of axes:

    conv1_1/kernel [3, 3, 3, 64]  conv1_1/bias [64]  ...  conv5_3/kernel [3, 3, 512, 512]
    fc6/kernel [7, 7, 512, 4096]  fc7/kernel [4096, 4096]

They must be those of torchvision, which LPIPS was fitted to; docs/evaluation.md has the lines that
write the file where torchvision is installed.
"""

import functools
import io
import zipfile
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import weights as weight_files
from dualcontrast.trainer.features.extractor import Extractor

WHAT = "an .npz file with torchvision's VGG16; docs/evaluation.md says how to write it"
SIDE = 224
# Convolutions of each block and their filters; a block ends with a 2x2 maximum.
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
HIDDEN = 4096
# Of RGB in [-1, 1]: the mean and deviation of ImageNet, 2 m - 1 and 2 s of those of [0, 1].
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)


def load(place: str | None, flag: str = "--vgg16") -> Extractor:
    """Returns the network up to the second dense layer, whose 4096 outputs are the features.

    Args:
      place: path or pinned URL of the weights.
      flag: that named it.

    Raises:
      UserError: there is no such file, or it holds something else.
    """
    content = weight_files.read(place, flag, WHAT)
    return Extractor(
        name="vgg16",
        digest=weight_files.digest(content),
        preparation="bilinear to 224, half-pixel centres; ImageNet's mean and deviation",
        compute=functools.partial(_compute, read(content, place, flag)),
    )


def read(content: bytes, place: str, flag: str) -> dict[str, np.ndarray]:
    """Returns the arrays of a file of weights by name.

    Raises:
      UserError: it is none, or an array is missing or of another shape.
    """
    expected = _shapes()
    arrays = read_arrays(content, f"{flag}={place} is no .npz file.\nExpected {WHAT}")
    for name, shape in expected.items():
        found = arrays.get(name)
        if found is None or found.shape != shape or found.dtype != np.float32:
            what = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
            raise UserError(
                f"{flag}={place} is no VGG16: {name} is {what}, expected float32 {list(shape)}.\n"
                f"Expected {WHAT}"
            )
    return {name: arrays[name] for name in expected}


def read_arrays(content: bytes, refusal: str) -> dict[str, np.ndarray]:
    """Returns the arrays of an .npz file by name; nothing is unpickled.

    Raises:
      UserError: with the text `refusal`, when it is none.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(refusal) from error


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    maps = 3
    for block, (convolutions, filters) in enumerate(BLOCKS, 1):
        for index in range(1, convolutions + 1):
            shapes[f"conv{block}_{index}/kernel"] = (3, 3, maps, filters)
            shapes[f"conv{block}_{index}/bias"] = (filters,)
            maps = filters
    side = SIDE // 2 ** len(BLOCKS)
    shapes |= {"fc6/kernel": (side, side, maps, HIDDEN), "fc6/bias": (HIDDEN,)}
    return shapes | {"fc7/kernel": (HIDDEN, HIDDEN), "fc7/bias": (HIDDEN,)}


def activations(weights: Mapping[str, np.ndarray], images: tf.Tensor) -> list[tf.Tensor]:
    """Returns the last activations of each block: relu1_2, 2_2, 3_3, 4_3 and 5_3.

    Args:
      weights: by name.
      images: [batch, height, width, 3] float32 in [-1, 1].
    """
    x = (images - _SHIFT) / _SCALE
    found: list[tf.Tensor] = []
    for block, (convolutions, _) in enumerate(BLOCKS, 1):
        if found:
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        for index in range(1, convolutions + 1):
            name = f"conv{block}_{index}"
            x = tf.nn.conv2d(x, weights[f"{name}/kernel"], 1, "SAME")
            x = tf.nn.relu(x + weights[f"{name}/bias"])
        found.append(x)
    return found


def _compute(weights: Mapping[str, np.ndarray], images: tf.Tensor) -> tuple[tf.Tensor, None]:
    x = tf.image.resize(tf.cast(images, tf.float32), [SIDE, SIDE]) / 127.5 - 1.0
    x = tf.nn.max_pool2d(activations(weights, x)[-1], 2, 2, "VALID")
    flat = np.prod(weights["fc6/kernel"].shape[:3])
    x = tf.reshape(x, [-1, flat]) @ tf.reshape(weights["fc6/kernel"], [flat, HIDDEN])
    x = tf.nn.relu(x + weights["fc6/bias"])
    return tf.nn.relu(x @ weights["fc7/kernel"] + weights["fc7/bias"]), None
