"""Names of the members of archives."""

import posixpath
import re

from dualcontrast.trainer.errors import UserError

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def check(path: str, name: str) -> None:
    """Refuses an archive with a member that would lie outside of where it is unpacked.

    Nothing is unpacked here, but whoever made such a name meant harm or made a mistake.

    Raises:
      UserError: the name is absolute, or climbs out.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in parts:
        raise UserError(
            f"--source={path} has a member {name[:80]!r}, which lies outside of the archive:"
            " nothing of it is read.\nGive an archive with paths below one folder."
        )


def inside(name: str, folder: str) -> str:
    """Returns the name of a member relative to a folder of the archive; empty if it is not in it.

    Args:
      name: perhaps with ./ in front, as tar writes it.
      folder: empty for all of the archive.
    """
    name = posixpath.normpath(name) if name.startswith("./") else name
    if not folder:
        return name
    return name.removeprefix(f"{folder}/") if name.startswith(f"{folder}/") else ""


def check_folder(path: str, folder: str, names: list[str]) -> None:
    """Refuses a folder that the archive does not have.

    Args:
      path: of the archive, as it was typed.
      folder: inside of it; empty for all of it.
      names: of all its members.

    Raises:
      UserError: no member lies in the folder.
    """
    if not folder or any(inside(name, folder) for name in names):
        return
    parents = sorted({posixpath.dirname(inside(name, "")) for name in names} - {""})
    shown = ", ".join(parents[:6]) + (", ..." if len(parents) > 6 else "")
    raise UserError(
        f"--source={path}:{folder}: the archive has no folder {folder}.\n"
        + (f"It has: {shown}" if parents else f"It has none at all: --source={path}")
    )
