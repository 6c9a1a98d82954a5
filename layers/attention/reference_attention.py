"""Attention between two images: a primary one, and a reference that it is compared with."""

import keras

from dualcontrast.layers.attention import san

# Which image keys, queries and values are made of: the supplement's equations 1 and 2 are variants
# of the paper's equation 8. The residual is always the primary's.
PAIRINGS = {
    "reference": ("reference", "reference", "primary"),
    "supplement_1": ("primary", "reference", "reference"),
    "supplement_2": ("primary", "reference", "primary"),
}


@keras.saving.register_keras_serializable("dualcontrast")
class ReferenceAttention(san.SAN):
    """SAN between two images: primary + attention(keys, queries, values).

    Yu et al. 2021, section 3.4. With "reference", its equation 8, the weights depend on the
    reference alone, which so makes a filter for every pixel of the primary. A reference that is
    the primary itself gives SAN's self-attention.

    >>> ReferenceAttention(patch_size=3)(tf.zeros([2, 8, 8, 16]), tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])

    Args:
      pairing: "reference", or the supplement's "supplement_1" and "supplement_2".
      others: see `SAN`.
    """

    def __init__(self, pairing: str = "reference", **kwargs):
        super().__init__(**kwargs)
        if pairing not in PAIRINGS:
            raise ValueError(
                f"ReferenceAttention: pairing must be one of {', '.join(PAIRINGS)}, got {pairing!r}"
            )
        self.pairing = pairing

    def build(self, primary_shape, reference_shape=None):
        if reference_shape is not None and tuple(reference_shape[1:]) != tuple(primary_shape[1:]):
            raise ValueError(
                f"ReferenceAttention: primary and reference must be of one shape, got "
                f"{list(primary_shape)} and {list(reference_shape)}"
            )
        super().build(primary_shape)

    # One input more than SAN, of which it is the same layer otherwise.
    def call(self, primary, reference, return_weights: bool = False):  # type: ignore[override]
        """Returns [batch, height, width, channels], and the weights if asked for.

        Args:
          primary, reference: [batch, height, width, channels].
          return_weights: also return [batch, height, width, patch_size^2, channels / sharing].
        """
        return self.compare(primary, self.prepare(reference), return_weights)

    def prepare(self, reference) -> dict:
        """Returns what the reference contributes, which any number of primaries may use."""
        parts = self._parts(reference, "reference")
        if "keys" in parts and "queries" in parts:
            return {"weights": self.tap_weights(parts["keys"], parts["queries"])}
        return parts

    def compare(self, primary, prepared: dict, return_weights: bool = False):
        """Returns what `call` does, of a reference that went through `prepare`."""
        parts = prepared | self._parts(primary, "primary")
        if "weights" not in parts:
            parts["weights"] = self.tap_weights(parts["keys"], parts["queries"])
        out = self.aggregate(parts["weights"], parts["values"]) + primary
        return (out, parts["weights"]) if return_weights else out

    def _parts(self, x, role: str) -> dict:
        makers = {
            "keys": self.hidden_of_keys,
            "queries": self.hidden_of_queries,
            "values": self.padded_values,
        }
        roles = dict(zip(makers, PAIRINGS[self.pairing], strict=True))
        return {name: make(x) for name, make in makers.items() if roles[name] == role}

    def compute_output_shape(self, primary_shape, reference_shape=None):
        return primary_shape

    def get_config(self):
        return {**super().get_config(), "pairing": self.pairing}
