"""Small files, written whole or not at all."""

import os
import pathlib


def write(path: pathlib.Path, content: bytes | str) -> None:
    """Writes a file under another name, brings it to the disk, and renames it.

    Args:
      path: of the file; its folder exists.
      content: bytes, or text for UTF-8; names of files that are not UTF-8 stay as they are.

    Raises:
      OSError: the folder may not be written to, or the disk is full; the old file is as it was.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    # In the same folder, where a rename is atomic; the process's number keeps two writers apart.
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
