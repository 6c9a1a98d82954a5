"""Training: configuration, data, steps, checkpoints, and the training binary."""
