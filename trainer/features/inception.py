"""The Inception network of published FID, KID and inception scores: a frozen graph of 2015.

    uint8 -> bilinear to 299, TensorFlow 1's way -> (x - 128) / 128 -> the graph's "Mul"
    features = "pool_3", 2048;  logits = features @ the weights of "softmax/logits", 1008, no bias

The graph reads one image at a time and its shapes say so; here any number goes through at once.
Keras's InceptionV3 is another network: distances of its features compare with nothing published.
"""

import io
import tarfile

import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import frozen_graph, weights
from dualcontrast.trainer.features.extractor import Extractor

WHAT = (
    "classify_image_graph_def.pb, or the archive inception-2015-12-05.tgz that holds it, from "
    "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
)
_SIDE, _SIZE, _CLASSES = 299, 2048, 1008
_INPUT, _FEATURES, _LOGITS = "Mul", "pool_3", "softmax/logits/MatMul"
_MEMBER = "classify_image_graph_def.pb"


def load(place: str | None, flag: str = "--inception") -> Extractor:
    """Returns the network.

    Args:
      place: path or pinned URL of the frozen graph or of its archive.
      flag: that named it.

    Raises:
      UserError: there is no such file, or it holds something else.
    """
    content = weights.read(place, flag, WHAT)
    try:
        function = _function(_unpacked(content))
    except frozen_graph.NotThis as error:
        raise UserError(f"{flag}={place} is {error}.\nExpected {WHAT}") from error

    def compute(images):
        pool, kernel = function(prepare(images))
        features = tf.reshape(pool, [-1, _SIZE])
        return features, features @ kernel

    return Extractor(
        name="inception",
        digest=weights.digest(content),
        preparation="TensorFlow 1 bilinear to 299, (x - 128) / 128; logits without bias",
        compute=compute,
    )


def prepare(images: tf.Tensor, side: int = _SIDE) -> tf.Tensor:
    """Returns uint8 images as float32 [batch, side, side, 3] in [-1, 1).

    Pixel i of the result looks at i * size / side of the image, not at the middle of the pixel:
    [0, 1, 2, 3] becomes [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]. Every published value rests on this.
    """
    resized = tf.raw_ops.ResizeBilinear(
        images=images, size=[side, side], align_corners=False, half_pixel_centers=False
    )
    return (resized - 128.0) / 128.0


def _unpacked(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":  # gzip's mark
        return content
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            return archive.extractfile(_MEMBER).read()
    except (tarfile.TarError, OSError, EOFError, KeyError, AttributeError) as error:
        raise frozen_graph.NotThis(f"an archive without {_MEMBER}") from error


def _function(content: bytes):
    """Returns the function from prepared images to pool_3 and the weights of the logits."""
    nodes = frozen_graph.parse(content)
    if _LOGITS not in nodes or len(nodes[_LOGITS].input) != 2:
        raise frozen_graph.NotThis(f"a graph without {_LOGITS!r}")
    matrix = nodes[_LOGITS].input[1].split(":")[0]
    images = tf.TensorSpec([None, _SIDE, _SIDE, 3], tf.float32)
    function = frozen_graph.function(nodes, _INPUT, images, [_FEATURES, matrix])
    pool, kernel = (tuple(output.shape) for output in function.outputs)
    if pool[-1] != _SIZE or kernel != (_SIZE, _CLASSES):
        raise frozen_graph.NotThis(f"a graph of {pool[-1]} features and logits {list(kernel)}")
    return function
