"""Files of weights: from a path, or from a URL that is pinned by the sha256 of what it gives."""

import hashlib
import os
import pathlib
import re
import urllib.error
import urllib.request

from dualcontrast.trainer import files, path_flags
from dualcontrast.trainer.errors import UserError

_PINNED = re.compile(r"((?:https?|file)://[^#]+)#sha256=([0-9a-f]{64})")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BLOCK = 1 << 20


def read(place: str | None, flag: str, what: str) -> bytes:
    """Returns the content of a file of weights, fetched first if need be.

    Args:
      place: a path, or URL#sha256=DIGEST; None or empty where the user gave none.
      flag: that should name it, such as "--inception".
      what: what is expected and where to get it, for the message.

    Raises:
      UserError: there is no such file, or the URL gives nothing or something else.
    """
    if not place:
        raise UserError(f"{flag} is missing: expected the path of {what}")
    path = locate(place, flag)
    with files.reading(f"{flag}={place}", f"Expected {what}"):
        return path.read_bytes()


def locate(place: str, flag: str) -> pathlib.Path:
    """Returns the path of a file; what a URL names is kept in the cache by its sha256.

    Raises:
      UserError: the URL is not pinned, gives nothing, or something else than it is pinned to.
    """
    if not _URL.match(place):
        return pathlib.Path(path_flags.expand(place))
    pinned = _PINNED.fullmatch(place)
    if not pinned:
        raise UserError(
            f"{flag}={place} is not pinned: expected URL#sha256=DIGEST, 64 hexadecimal digits of "
            "the file"
        )
    url, sha256 = pinned[1], pinned[2]
    kept = cache_folder() / "weights" / f"{sha256}-{url.rsplit('/', 1)[-1]}"
    if not kept.exists():
        content = _fetch(url, flag)
        if digest(content) != sha256:
            raise UserError(
                f"{flag}={url} gives a file of sha256 {digest(content)}, not the one it is pinned "
                "to: nothing was kept"
            )
        files.make_folder(kept.parent)
        files.write(kept, content)
    return kept


def cache_folder() -> pathlib.Path:
    """Returns where downloads and cached features lie: below XDG_CACHE_HOME, or ~/.cache."""
    return (
        pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "dualcontrast"
    )


def digest(content: bytes) -> str:
    """Returns the sha256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_folder(folder: pathlib.Path) -> str:
    """Returns one sha256 of the names and contents of all files below a folder."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        line = f"{path.relative_to(folder)}\0{digest(files.read_bytes(path))}\n"
        found.update(line.encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def _fetch(url: str, flag: str) -> bytes:
    blocks = []
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            while block := reply.read(_BLOCK):
                blocks.append(block)
    except (OSError, urllib.error.URLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{flag}={url} cannot be fetched: {reason}.\nFetch it elsewhere and give its path."
        ) from error
    return b"".join(blocks)
