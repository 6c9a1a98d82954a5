"""The other binaries: convert, verify, generate, export, and the benchmarks."""
