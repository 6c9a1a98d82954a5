"""The generator as others run it: a TensorFlow module with signatures, for a SavedModel."""

import functools

import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.trainer import pictures, seeds


class Release(tf.Module):
    """A generator behind three functions, all with its fixed noise and any batch up to a bound.

    Made of TensorFlow's own operations, so that TensorFlow alone can load and run it.

    Args:
      generator: built, in float32.
      max_batch: images of one call, at most: a request for more is refused before anything is
        computed, so that one of a few bytes cannot take a server's memory.
    """

    def __init__(self, generator: generators.Generator, max_batch: int):
        super().__init__()
        functions = _Functions(generator, max_batch)
        # So that whoever loads the model can ask for its bound.
        self.max_batch = tf.Variable(max_batch, trainable=False, dtype=tf.int32, name="max_batch")
        psi = tf.TensorSpec([], tf.float32, "truncation_psi")
        z = tf.TensorSpec([None, generator.latent_size], tf.float32, "z")
        w_shape = [None, generator.synthesis.latents, generator.mapping.w_size]
        seed, count = tf.TensorSpec([], tf.int64, "seed"), tf.TensorSpec([], tf.int32, "count")
        # Only a default that is a tensor is told to TF Serving.
        whole = tf.constant(1.0)

        def latents(z, truncation_psi=whole):
            return functions.latents(z, truncation_psi)

        def from_seeds(seed, count, truncation_psi=whole):
            return functions.seeds(seed, count, truncation_psi)

        self.latents = _compile(latents, [z, psi])
        self.seeds = _compile(from_seeds, [seed, count, psi])
        self.w = _compile(functions.w, [tf.TensorSpec(w_shape, tf.float32, "w")])
        # TensorFlow's variables and not the Keras model around them: in a SavedModel of that, what
        # the functions read is no variable that TF Serving and saved_model_cli restore.
        self.weights = [variable.value for variable in generator.variables]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """Returns what a server offers, by name; `latents` is also the default."""
        functions = {"latents": self.latents, "seeds": self.seeds, "w": self.w}
        return {tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: self.latents, **functions}


class _Functions:
    """What the signatures compute."""

    def __init__(self, generator: generators.Generator, max_batch: int):
        self._generator = generator
        self._max_batch = max_batch

    def latents(self, z, truncation_psi):
        """Returns the images of z, and the w (one a layer, truncated) that makes the same images.

        Args:
          z: [batch, latent_size] float32, standard normal; the batch is at most the bound.
          truncation_psi: scalar; 1 is the whole variety, 0 the mean image.
        """
        z = self._bounded(z, tf.shape(z)[0], "the batch of z")
        generator = self._generator
        w = generator.truncate(generator.broadcast(generator.mapping(z)), truncation_psi)
        return {"images": self._images(w), "w": w}

    def seeds(self, seed, count, truncation_psi):
        """Returns PNG files, [count], of the seeds from `seed` on.

        Args:
          seed: int64 scalar.
          count: int32 scalar, from 0 to the bound.
          truncation_psi: as above.
        """
        count = self._bounded(count, count, "count")
        numbers = seed + tf.range(tf.cast(count, tf.int64))
        z = seeds.latents(numbers, self._generator.latent_size)
        images = pictures.to_uint8(self.latents(z, truncation_psi)["images"])
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
        with tf.control_dependencies([tf.debugging.Assert(within, [text, count])]):
            return tf.identity(x)

    def _images(self, w):
        # TensorFlow's depthwise convolution gives an empty batch the wrong size, so there is none.
        count = tf.shape(w)[0]
        missing = tf.cast(tf.equal(count, 0), tf.int32)
        return self._generator.synthesis(tf.pad(w, [[0, missing], [0, 0], [0, 0]]))[:count]


def _compile(function, input_signature: list[tf.TensorSpec]):
    @functools.wraps(function)
    def traced(*arguments):
        with implementation.exportable():
            return function(*arguments)

    return tf.function(traced, input_signature=input_signature, autograph=False)
