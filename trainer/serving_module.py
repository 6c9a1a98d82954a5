"""The generator as others run it: a TensorFlow module with signatures, for a SavedModel."""

import inspect
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.layers import networks
from dualcontrast.trainer import layer_latents, pictures, seeds

OWN_CLASS = -1  # In place of a label: the class that a seed has by itself.


class Release(tf.Module):
    """A generator behind its functions, all with its fixed noise and any batch up to a bound.

    `latents` makes images of z, and of labels where there are classes; `seeds` makes files. A
    generator with a mapping takes a truncation in both, and has a function `w` besides.

    Made of TensorFlow's own operations, so that TensorFlow alone can load and run it.

    Args:
      generator: built, in float32.
      max_batch: images of one call, at most: a request for more is refused before anything is
        computed, so that one of a few bytes cannot take a server's memory.
      class_names: of the generator's classes, by number; bytes that are no UTF-8 stay as they are.
    """

    def __init__(
        self, generator: networks.Generator, max_batch: int, class_names: Sequence[str] = ()
    ):
        super().__init__()
        functions = _Functions(generator, max_batch)
        # So that whoever loads the model can ask for its bound, how z is drawn, and its classes.
        self.max_batch = tf.Variable(max_batch, trainable=False, dtype=tf.int32, name="max_batch")
        self.latent = tf.Variable(generator.latent, trainable=False, dtype=tf.string, name="latent")
        labels, label, psi = [], [], []
        if generator.classes:
            names = [name.encode("utf-8", "surrogateescape") for name in class_names]
            self.classes = tf.Variable(names, trainable=False, dtype=tf.string, name="classes")
            labels = [_Input("labels", [None], tf.int64)]
            label = [_Input("label", [], tf.int64, OWN_CLASS)]
        if generator.mapping is not None:
            psi = [_Input("truncation_psi", [], tf.float32, 1.0)]
        z = _Input("z", [None, generator.latent_size], tf.float32)
        numbers = [_Input("seed", [], tf.int64), _Input("count", [], tf.int32)]
        self.latents = _compile(functions.latents, [z, *labels, *psi])
        self.seeds = _compile(functions.seeds, [*numbers, *label, *psi])
        self.w = None
        if generator.mapping is not None:
            w_shape = [None, generator.synthesis.latents, generator.mapping.w_size]
            self.w = _compile(functions.w, [_Input("w", w_shape, tf.float32)])
        # TensorFlow's variables and not the Keras model around them: in a SavedModel of that, what
        # the functions read is no variable that TF Serving and saved_model_cli restore.
        self.weights = [variable.value for variable in generator.variables]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """Returns what a server offers, by name; `latents` is also the default."""
        functions = {"latents": self.latents, "seeds": self.seeds}
        if self.w is not None:
            functions["w"] = self.w
        return {tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: self.latents, **functions}


class _Functions:
    """What the signatures compute."""

    def __init__(self, generator: networks.Generator, max_batch: int):
        self._generator = generator
        self._max_batch = max_batch

    def latents(self, z, labels=None, truncation_psi=1.0):
        """Returns the images of z, and with a mapping the truncated w that makes them again.

        Args:
          z: [batch, latent_size] float32, as the generator draws it; at most as many as the bound.
          labels: [batch] int64, where there are classes.
          truncation_psi: scalar; 1 is the whole variety, 0 the mean image.
        """
        count = tf.shape(z)[0]
        z = self._bounded(z, count, "the batch of z")
        if labels is not None:
            labels = self._known(labels, count)
        inside = layer_latents.of(self._generator, z, labels, truncation_psi)
        images = {"images": self._images(inside, labels)}
        return images if self._generator.mapping is None else images | {"w": inside}

    def seeds(self, seed, count, label=None, truncation_psi=1.0):
        """Returns PNG files, [count], of the seeds from `seed` on.

        Args:
          seed: int64 scalar.
          count: int32 scalar, from 0 to the bound.
          label: int64 scalar, where there are classes; -1 for each seed's own.
          truncation_psi: as above.
        """
        count = self._bounded(count, count, "count")
        numbers = seed + tf.range(tf.cast(count, tf.int64))
        z = seeds.latents(numbers, self._generator.latent_size, self._generator.latent)
        labels = None if label is None else self._labels(label, numbers)
        images = pictures.to_uint8(self.latents(z, labels, truncation_psi)["images"])
        files = tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)
        # By this ending TF Serving knows that its JSON needs base64.
        return {"png_bytes": files}

    def w(self, w):
        """Returns the images of w, [batch, latents, w_size] float32, one latent a layer."""
        return {"images": self._images(self._bounded(w, tf.shape(w)[0], "the batch of w"))}

    def _bounded(self, x, count, name: str):
        """Returns x, which nothing can read before its count is found to be within the bound."""
        text = f"{name} must be from 0 to {self._max_batch}, the bound of this export, got:"
        within = tf.logical_and(0 <= count, count <= self._max_batch)
        return _after(x, tf.debugging.Assert(within, [text, count]))

    def _known(self, labels, count):
        """Returns labels, which nothing can read before each z is found to have a class."""
        size, last = tf.size(labels), self._generator.classes - 1
        text = f"labels must be from 0 to {last}, the classes of this export, got from, to:"
        ends = [tf.reduce_min(labels), tf.reduce_max(labels)]
        within = tf.reduce_all((0 <= labels) & (labels <= last))
        return _after(
            labels,
            tf.debugging.Assert(
                tf.equal(size, count), ["labels must be one for each z, got:", size, "for", count]
            ),
            tf.debugging.Assert(within, [text, *ends]),
        )

    def _labels(self, label, numbers):
        """Returns the class of every seed, [count] int64."""
        last = self._generator.classes - 1
        text = f"label must be from 0 to {last}, the classes of this export, or {OWN_CLASS}, got:"
        within = (OWN_CLASS <= label) & (label <= last)
        label = _after(label, tf.debugging.Assert(within, [text, label]))
        own = seeds.labels(numbers, self._generator.classes)
        return tf.where(tf.equal(label, OWN_CLASS), own, label)

    def _images(self, inside, labels=None):
        # TensorFlow's depthwise convolution gives an empty batch the wrong size, so there is none.
        count = tf.shape(inside)[0]
        if labels is not None:
            labels = _not_empty(labels, count)
        return layer_latents.images(self._generator, _not_empty(inside, count), labels)[:count]


def _after(x, *checks):
    """Returns x, which nothing can read before the checks."""
    with tf.control_dependencies(checks):
        return tf.identity(x)


def _not_empty(x, count):
    """Returns a batch of `count`, with a zero where there is none."""
    missing = tf.cast(tf.equal(count, 0), tf.int32)
    return tf.pad(x, [[0, missing], *[[0, 0]] * (x.shape.rank - 1)])


class _Input(NamedTuple):
    """What a function is given: its name, shape, type, and what it is when it is left out."""

    name: str
    shape: list[int | None]
    dtype: tf.DType
    default: float | None = None

    def parameter(self) -> inspect.Parameter:
        """Returns it as Python describes it."""
        kind, default = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
        if self.default is not None:
            # Only a default that is a tensor is told to TF Serving.
            default = tf.constant(self.default, self.dtype)
        return inspect.Parameter(self.name, kind, default=default)


def _compile(function: Callable, inputs: list[_Input]):
    """Returns the function of these of its arguments; the others keep their defaults."""
    names = [one.name for one in inputs]

    def traced(*values):
        with implementation.exportable():
            return function(**dict(zip(names, values, strict=True)))

    # By which TensorFlow names the arguments, and callers may leave some out.
    parameters = [one.parameter() for one in inputs]
    # An attribute that inspect looks for, of which mypy does not know.
    traced.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    traced.__name__ = function.__name__
    specs = [tf.TensorSpec(one.shape, one.dtype, one.name) for one in inputs]
    return tf.function(traced, input_signature=specs, autograph=False)
