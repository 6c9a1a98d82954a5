"""Which kind of source a path or a name stands for."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dualcontrast.tools.conversion.sources import (
    arrays,
    cifar,
    folder,
    lmdb_database,
    path_list,
    source,
    stylegan_records,
    tar_archive,
    zip_archive,
)
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

_TFDS = "tfds:"
_KINDS = (
    "Kinds of --source: a folder, a .zip or .tar (also .tar.gz, .bz2, .xz) or ARCHIVE:FOLDER, an"
    " LMDB folder, StyleGAN's .tfrecords, .npy, .npz, CIFAR's archives, a .txt of paths,"
    " tfds:NAME[:SPLIT], scenes. Unpack others."
)


def open_source(name: str) -> source.Source:
    """Returns the source that --source names, but for scenes, which have flags of their own.

    Raises:
      UserError: it does not exist, or is of no kind that is known.
    """
    if name.startswith(_TFDS):
        # TensorFlow takes seconds to import, and no other source needs it.
        from dualcontrast.tools.conversion.sources import tfds_source

        return tfds_source.open_source(name)
    path, inside = _cut(name)
    if os.path.isdir(path):
        return _of_folder(path, inside)
    return _of_file(path, inside)


def _of_file(path: str, inside: str) -> source.Source:
    suffix = os.path.splitext(path)[1].lower()
    if suffix in arrays.SUFFIXES:
        return arrays.open_arrays(path, inside)
    if zipfile.is_zipfile(path) or suffix == ".zip":
        return zip_archive.Zip(path, inside)
    if tar_archive.is_tar(Path(path)) or _is_called_tar(path):
        edition = cifar.find(path)
        if edition:
            return cifar.open_cifar(path, edition, inside)
        return tar_archive.Tar(path, inside)
    _check_whole(path, inside)
    if suffix in stylegan_records.SUFFIXES:
        return stylegan_records.StyleganRecords(path)
    if suffix == path_list.SUFFIX:
        return path_list.PathList(path)
    if lmdb_database.is_lmdb(path):
        return lmdb_database.Lmdb(path)
    if source.other_kind(path) == "":
        raise UserError(
            f"--source={path} is one image, expected many: give the folder that holds them, such"
            f" as --source={os.path.dirname(path) or '.'}"
        )
    raise UserError(f"--source={path} is of no kind that is read here.\n{_KINDS}")


def _cut(name: str) -> tuple[str, str]:
    """The path of a source, and what of it is meant."""
    for path, inside in _cuts(name):
        if os.path.exists(path):
            return path, inside.strip("/")
    raise UserError(f"--source={name} does not exist.\n{_KINDS}")


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    """A name cut at each of its colons, which may belong to the path."""
    yield name, ""
    parts = name.split(":")
    for count in range(len(parts) - 1, 0, -1):
        yield ":".join(parts[:count]), ":".join(parts[count:])


def _of_folder(path: str, inside: str) -> source.Source:
    if (Path(path) / manifest.FILE_NAME).exists():
        raise UserError(f"--source={path} is a dataset already: dualcontrast-train --data={path}")
    edition = cifar.find(path)
    if edition:
        return cifar.open_cifar(path, edition, inside)
    _check_whole(path, inside)
    if lmdb_database.is_lmdb(path):
        return lmdb_database.Lmdb(path)
    return stylegan_records.open_level(path) or folder.Folder(path)


def _check_whole(path: str, inside: str) -> None:
    if inside:
        raise UserError(
            f"--source={path}:{inside}: {path} has no parts to choose from, an archive has.\n"
            f"Expected --source={path}, or a folder or file of its own."
        )


def _is_called_tar(path: str) -> bool:
    stem, suffix = os.path.splitext(path.lower())
    return suffix in (".tar", ".tgz", ".tbz", ".tbz2", ".txz") or stem.endswith(".tar")
