"""The visual transformer's layer: pixels to a few tokens, a transformer, tokens to pixels."""

import keras
import tensorflow as tf

from dualcontrast.layers.attention import pixel_differences


@keras.saving.register_keras_serializable("dualcontrast")
class VT(keras.layers.Layer):
    """x + what every pixel reads from tokens that have attended to each other.

    Wu et al. 2020, "Visual transformers: token-based image representation and processing for
    computer vision", sections 3.1 to 3.3, without biases. The filter tokenizer takes weighted means
    of the pixels, with trained filters. The recurrent one then takes them again, with filters made
    from those tokens; in Wu et al. they are the previous layer's, which a single layer lacks.

    >>> VT(tokens=4, token_size=8)(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])

    Args:
      tokens: how many.
      token_size: their width, even.
      tokenizer: "filter" or "recurrent".
    """

    def __init__(
        self, tokens: int = 16, token_size: int = 1024, tokenizer: str = "filter", **kwargs
    ):
        super().__init__(**kwargs)
        if tokens < 1:
            raise ValueError(f"VT: tokens must be >= 1, got {tokens}")
        if token_size < 2 or token_size % 2:
            raise ValueError(f"VT: token_size must be even, from 2, got {token_size}")
        if tokenizer not in ("filter", "recurrent"):
            raise ValueError(f"VT: tokenizer must be 'filter' or 'recurrent', got {tokenizer!r}")
        self.tokens = tokens
        self.token_size = token_size
        self.tokenizer = tokenizer

    def build(self, input_shape):
        self.channels = channels = int(input_shape[-1])
        size = self.token_size
        self.filters = self._kernel("filters", channels, self.tokens)
        self.value = self._kernel("value", channels, size)
        if self.tokenizer == "recurrent":
            self.refilter = self._kernel("refilter", size, channels)
            self.revalue = self._kernel("revalue", channels, size)
        self.token_key = self._kernel("token_key", size, size // 2)
        self.token_query = self._kernel("token_query", size, size // 2)
        self.token_value = self._kernel("token_value", size, size)
        self.expand = self._kernel("expand", size, size)
        self.contract = self._kernel("contract", size, size)
        self.pixel_query = self._kernel("pixel_query", channels, channels)
        self.pixel_key = self._kernel("pixel_key", size, channels)
        self.pixel_value = self._kernel("pixel_value", size, channels)

    def _kernel(self, name: str, inputs: int, outputs: int):
        normal = keras.initializers.RandomNormal(stddev=1.0)
        return self.add_weight(
            name=name, shape=(inputs, outputs), initializer=normal, autocast=False
        )

    def call(self, x, return_weights: bool = False):
        """Returns [batch, height, width, channels], and the tokenizer's weights if asked for.

        Args:
          x: [batch, height, width, channels].
          return_weights: also return [batch, height * width, tokens], columns of sum 1: how much
            every pixel contributes to every token.
        """
        flat = pixel_differences.flat(x)
        tokens, weights = self._tokenize(flat)
        tokens = self._transform(tokens)
        out = x + tf.reshape(self._read(flat, tokens), tf.shape(x))
        return (out, weights) if return_weights else out

    def _tokenize(self, flat):
        logits = pixel_differences.project(flat, self.filters)
        tokens, weights = self._pool(flat, logits, self.value)
        if self.tokenizer == "recurrent":
            filters = pixel_differences.project(tokens, self.refilter)
            logits = tf.matmul(flat, filters, transpose_b=True)
            tokens, weights = self._pool(flat, logits, self.revalue)
        return tokens, weights

    def _pool(self, flat, logits, value):
        """Returns tokens, [batch, tokens, token_size], and the weights of their pixels."""
        weights = pixel_differences.softmax(logits * self.channels**-0.5, 1, self.variable_dtype)
        # The mean first: it is over many pixels, and the projection then of a few tokens.
        return pixel_differences.project(tf.matmul(weights, flat, transpose_a=True), value), weights

    def _transform(self, tokens):
        queries = pixel_differences.project(tokens, self.token_query)
        keys = pixel_differences.project(tokens, self.token_key)
        logits = tf.matmul(queries, keys, transpose_b=True) * (self.token_size / 2) ** -0.5
        weights = pixel_differences.softmax(logits, -1, self.variable_dtype)
        tokens += tf.matmul(weights, pixel_differences.project(tokens, self.token_value))
        hidden = tf.nn.relu(pixel_differences.project(tokens, self.expand))
        return tokens + pixel_differences.project(hidden, self.contract)

    def _read(self, flat, tokens):
        queries = pixel_differences.project(flat, self.pixel_query)
        keys = pixel_differences.project(tokens, self.pixel_key)
        logits = tf.matmul(queries, keys, transpose_b=True) * self.channels**-0.5
        weights = pixel_differences.softmax(logits, -1, self.variable_dtype)
        return tf.matmul(weights, pixel_differences.project(tokens, self.pixel_value))

    def multiply_adds(self, height: int, width: int) -> int:
        """Returns the multiply-adds of one map of these sides."""
        c, size, tokens = self.channels, self.token_size, self.tokens
        passes = 2 if self.tokenizer == "recurrent" else 1
        each_pixel = passes * 2 * c * tokens + c * c + 2 * tokens * c
        each_token = passes * c * size + (passes - 1) * c * size + 4 * size * size + 2 * c * size
        return height * width * each_pixel + tokens * (each_token + tokens * size * 3 // 2)

    def count_weights(self, height: int, width: int) -> int:
        """Returns how many weights there are for one map of these sides."""
        # Of the pixels in tokens, and of the tokens in pixels.
        return 2 * height * width * self.tokens

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "tokens": self.tokens,
            "token_size": self.token_size,
            "tokenizer": self.tokenizer,
        }
