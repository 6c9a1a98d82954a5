"""Datasets on disk and the stream of training images."""
