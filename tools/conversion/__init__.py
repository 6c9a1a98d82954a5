"""The parts of dualcontrast-convert: from image files to the shards of a dataset."""
