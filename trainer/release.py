"""The generator as others run it: a TensorFlow module with signatures, for a SavedModel."""

import tensorflow as tf

from dualcontrast.layers import generator as generators
from dualcontrast.trainer import pictures, seeds


class Release(tf.Module):
    """A generator behind three functions, all with its fixed noise and any batch size.

    Made of TensorFlow's own operations, so that TensorFlow alone can load and run it.

    Args:
      generator: built, in float32.
    """

    def __init__(self, generator: generators.Generator):
        super().__init__()
        # Tracked once: a second reference to the variables would be saved as a second copy.
        self.generator = generator
        number = tf.TensorSpec([], tf.float32, "truncation_psi")
        z = tf.TensorSpec([None, generator.latent_size], tf.float32, "z")
        w = tf.TensorSpec([None, generator.synthesis.latents, generator.mapping.w_size])
        seed, count = tf.TensorSpec([], tf.int64, "seed"), tf.TensorSpec([], tf.int32, "count")
        self.latents = _function(self._latents, [z, number])
        self.seeds = _function(self._seeds, [seed, count, number])
        self.w = _function(self._w, [w])

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """Returns what a server offers, by name; `latents` is also the default."""
        functions = {"latents": self.latents, "seeds": self.seeds, "w": self.w}
        return {tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: self.latents, **functions}

    def _latents(self, z, truncation_psi=1.0):
        """Returns the images of z, and the w (one a layer, truncated) that makes the same images.

        Args:
          z: [batch, latent_size] float32, standard normal.
          truncation_psi: scalar; 1 is the whole variety, 0 the mean image.
        """
        generator = self.generator
        w = generator.truncate(generator.broadcast(generator.mapping(z)), truncation_psi)
        return {"images": generator.synthesis(w), "w": w}

    def _seeds(self, seed, count, truncation_psi=1.0):
        """Returns PNG files, [count], of the seeds from `seed` on.

        Args:
          seed: int64 scalar.
          count: int32 scalar, at least 0.
          truncation_psi: as above.
        """
        numbers = seed + tf.range(tf.cast(count, tf.int64))
        z = seeds.latents(numbers, self.generator.latent_size)
        images = pictures.to_uint8(self._latents(z, truncation_psi)["images"])
        return {"png": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

    def _w(self, w):
        """Returns the images of w, [batch, latents, w_size] float32, one latent a layer."""
        return {"images": self.generator.synthesis(w)}


def _function(body, input_signature: list[tf.TensorSpec]):
    return tf.function(body, input_signature=input_signature, autograph=False)
