"""What the benchmarks time, and the clock that they time it with."""
