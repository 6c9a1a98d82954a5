"""Training state on disk: checkpoints, the best one, and what a run was made with."""
