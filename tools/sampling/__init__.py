"""What generating, exporting and projecting share: flags, seeds, distances."""
