"""One file per experiment; each returns the configuration of a run."""
