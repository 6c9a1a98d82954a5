"""Names of checkpoints as TensorFlow takes them: as patterns."""

import contextlib
import glob
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def literal(prefix: pathlib.Path) -> Iterator[str]:
    """Gives the prefix of a checkpoint as text in which TensorFlow finds no pattern.

    TensorFlow looks a prefix up as a pattern and then opens it as a name, so that no escape can
    serve both: a folder with `[` or a backslash in its path is reached through a link.

    Args:
      prefix: of a checkpoint; its own name has no such character.
    """
    text = str(prefix)
    if not glob.has_magic(text) and "\\" not in text:
        yield text
        return
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder) / "checkpoints"
        link.symlink_to(prefix.parent.absolute(), target_is_directory=True)
        yield str(link / prefix.name)
