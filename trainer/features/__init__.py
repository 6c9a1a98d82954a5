"""Feature extractors: networks that turn images into what the metrics compare."""
