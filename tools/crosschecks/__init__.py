"""What comparisons with other programs need alone."""
