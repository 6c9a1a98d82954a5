"""What a misspelt name was meant to be: near in section and in name, or nothing is suggested.

A name alone says too little. `regulariser.kind` is not `generator.attention.kind`, though they end
alike: where nothing is near, the names that there are say more than a guess.
"""

import difflib
from collections.abc import Iterable, Sequence

from dualcontrast.trainer.config.moved_fields import MOVED

_CUTOFF = 0.75  # Of difflib's likeness: fmap_min is no fmap_max, and batchsizes is batch_size.
_SHORTEST = 3  # Letters of a beginning that stands for the whole, such as disc or log.
_MOST = 4  # More suggestions are none.


def for_field(path: str, known: Iterable[str]) -> str:
    """Returns a hint to whoever typed a field that does not exist.

    Args:
      path: as typed, such as training.batchsize.
      known: the paths of all fields.
    """
    known = list(known)
    if moved := [field for field in MOVED.get(path, ()) if field in known]:
        return f"it is {' and '.join(moved)} now"
    if near := _near_fields(path, known):
        return f"did you mean {' or '.join(near)}?"
    return _listing(path, known)


def for_flag(name: str, known: Iterable[str], fields: Iterable[str]) -> str:
    """Returns a hint to whoever typed a flag that does not exist; empty where nothing is near.

    Args:
      name: as typed, without dashes.
      known: the flags that there are.
      fields: the paths of the configuration's fields, for a name that needs --config. before it.
    """
    near = _best(name, {flag: flag for flag in known})
    near = near or [f"config.{path}" for path in _near_fields(name, list(fields))]
    return f"did you mean {' or '.join(f'--{flag}' for flag in near)}?" if near else ""


def for_choice(given: object, choices: Sequence) -> str:
    """Returns a hint to whoever gave a field none of its choices; empty where nothing is near.

    Args:
      given: the value, or its text.
      choices: the values allowed.
    """
    near = difflib.get_close_matches(str(given), map(str, choices), n=2)
    return f": did you mean {' or '.join(near)}?" if near else ""


def _near_fields(path: str, known: list[str]) -> list[str]:
    if _below(path.split("."), known):
        return []  # It is a section.
    above = [field for field in known if path.startswith(f"{field}.")]
    if above and not _below(above[0].split("."), known):
        return above
    *section, name = path.split(".")
    names = {field: field.rpartition(".")[2] for field in known}
    inside = {field: names[field] for field in known if _near_section(section, _section(field))}
    # What is spelt right is not misspelt: generator.batch_size means no patch_size.
    spelt_right = _plain(name) in map(_plain, names.values())
    return _best(name, inside, exact=spelt_right)


def _best(name: str, candidates: dict[str, str], exact: bool = False) -> list[str]:
    """Returns the candidates whose name is `name` but for signs, or else those that are near."""
    same = [key for key, other in candidates.items() if _plain(other) == _plain(name)]
    near = same or [k for k, other in candidates.items() if not exact and _is_alike(name, other)]
    return near if len(near) <= _MOST else []


def _section(field: str) -> list[str]:
    return field.split(".")[:-1]


def _near_section(given: Sequence[str], known: Sequence[str]) -> bool:
    """Whether the parts of `given` are those of `known`, misspelt, or with some left out."""
    rest = iter(known)
    return all(any(_is_alike(part, other) for other in rest) for part in given)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _is_alike(given: str, known: str) -> bool:
    given, known = _plain(given), _plain(known)
    shorter = min(len(given), len(known))
    if shorter >= _SHORTEST and given[:shorter] == known[:shorter]:
        return True
    return difflib.SequenceMatcher(None, given, known).ratio() >= _CUTOFF


def _listing(path: str, known: list[str]) -> str:
    """Returns what there is in the section that `path` names, or which sections there are."""
    section: list[str] = []
    for part in path.split("."):
        inside = _below(section, known)
        meant = [
            name for name in inside if _is_alike(part, name) and _below([*section, name], known)
        ]
        if not meant:
            break
        section.append(meant[0])
    names = ", ".join(_below(section, known))
    if section:
        return f"{'.'.join(section)} has {names}"
    return f"the sections are {names}; --help_config lists their fields"


def _below(section: list[str], known: list[str]) -> list[str]:
    """Returns the fields and sections that are directly in a section, in their order."""
    depth = len(section)
    parts = [field.split(".") for field in known]
    inside = (part[depth] for part in parts if part[:depth] == section and len(part) > depth)
    return list(dict.fromkeys(inside))
