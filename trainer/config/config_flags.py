"""The flags that choose a configuration: `--config`, its overrides, and `--help_config`.

    --config=demo                              a file of the folder configs/, by name
    --config=my/experiment.py                  any Python file that defines get_config()
    --config=my/experiment.py:big              the same, calling get_config("big")
    --config.loss=hinge                        another adversarial loss, with its defaults
    --config.augmentation=diffaugment          likewise an augmentation
    --config.training.batch_size=8             one field changed; can be given many times
    --help_config                              every field with its type, default and meaning

Every field is an absl flag of its own, so that absl checks the spelling, and the declaration in
`schema.py` checks the value while the command line is parsed. Which of the fields there are depends
on the families that the file chooses, so a field of another family is refused when it is known.
"""

import functools
import importlib.util
import inspect
import pathlib
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Optional

from absl import flags

from dualcontrast import configs
from dualcontrast.trainer import path_flags
from dualcontrast.trainer.config import families, schema, suggestions
from dualcontrast.trainer.errors import UserError

# The flags of `define` count as its caller's, so that a binary's --help shows --config; the many
# fields stay this module's, and are left to --help_config.
flags.disclaim_key_flags()

_PREFIX = "config."
_ROWS = (
    "sg2e_",
    "sngan_",
    "biggan_",
    "snganproj_",
    "sagan_imagenet",
    "ada_",
    "advaug_",
)  # Too many to list in an error.


def define(default: Optional[str], flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the flags.

    Args:
      default: the `--config` of a command line that has none; None makes the flag compulsory.
      flag_values: where to define them.
    """
    path_flags.define(
        "config",
        default,
        "The experiment: a name of the folder configs/, or the path of a Python file, then"
        " optionally :ARGUMENT. Change fields with --config.SECTION.FIELD=VALUE; --help_config"
        " lists them.",
        flag_values=flag_values,
    )
    flags.DEFINE_flag(_HelpFlag(), flag_values=flag_values)
    for fields in known_fields().values():
        flags.DEFINE_flag(_field_flag(fields), flag_values=flag_values, module_name=__name__)


def config(flag_values: flags.FlagValues = flags.FLAGS) -> schema.Config:
    """The configuration that the command line asks for, validated.

    Raises:
      UserError: there is no such file, it fails, or the fields contradict each other.
    """
    reference = flag_values["config"].value
    if not reference:
        raise UserError(f"--config is missing: expected {_expected_reference()}")
    texts = {
        path: flag_values[_PREFIX + path].value
        for path in known_fields()
        if flag_values[_PREFIX + path].present
    }
    return overridden(load(reference), texts)


def overridden(chosen: schema.Config, texts: dict[str, str]) -> schema.Config:
    """Returns a configuration with other values, validated.

    Args:
      chosen: of a file.
      texts: the values by path, as `--config.PATH=TEXT` takes them.

    Raises:
      UserError: a path is unknown, a text does not fit, or the fields contradict each other.
    """
    # First what decides which fields there are.
    kinds = {name: texts[name] for name in schema.CHOICES if name in texts}
    chosen = schema.replace(chosen, kinds)
    fields = {path: schema.find_field(path, chosen) for path in texts if path not in kinds}
    values = {path: _value(texts[path], field) for path, field in fields.items()}
    chosen = schema.replace(chosen, values)
    schema.validate(chosen)
    return chosen


def load(reference: str) -> schema.Config:
    """The configuration of `NAME[:ARGUMENT]` or `PATH.py[:ARGUMENT]`, not validated.

    Raises:
      UserError: there is no such file, it fails, or it does not return a `Config`.
    """
    path, arguments = _split(reference)
    get_config = _get_config(path)
    try:
        inspect.signature(get_config).bind(*arguments)
    except TypeError as error:
        wanted = "takes no argument" if arguments else "needs an argument, as in :ARGUMENT"
        raise UserError(f"--config={reference}: its get_config {wanted}") from error
    loaded = _guarded(path, lambda: get_config(*arguments))
    if not isinstance(loaded, schema.Config):
        raise UserError(
            f"{path}: get_config() returned {type(loaded).__name__},"
            " expected a Config of trainer.config.schema"
        )
    return loaded


def names() -> list[str]:
    """The experiments that are part of the package."""
    return sorted(path.stem for path in _folder().glob("[a-z]*.py"))


def help_text() -> str:
    """Every field of the configuration with its type, default, limits and meaning."""
    lines = ["Fields of a configuration; change one with --config.SECTION.FIELD=VALUE."]
    section = None
    for owner, field in _every_field():
        if (owner, field.path.rpartition(".")[0]) != section:
            section = owner, field.path.rpartition(".")[0]
            lines += ["", f"{section[1]} of {owner}" if owner else section[1] or "the loss"]
        flag = f"--config.{field.path}={_shown(field.default)}  ({field.expected()})"
        lines += textwrap.wrap(flag, 100, initial_indent="  ", subsequent_indent=" " * 8)
        lines += textwrap.wrap(field.help, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:_}" if isinstance(value, int) else str(value)


class _HelpFlag(flags.BooleanFlag):
    """Prints the fields and ends the program, as absl's own `--help` does."""

    def __init__(self) -> None:
        super().__init__("help_config", False, "show the fields of a configuration, and stop")

    def parse(self, argument: Any) -> None:
        if self._parse(argument):
            print(help_text())
            sys.exit(0)


class _FieldParser(flags.ArgumentParser):
    """Checks that the text of an override fits its field in some family; which, is known later."""

    def __init__(self, fields: list[schema.Field]) -> None:
        super().__init__()
        self._fields = fields

    def parse(self, argument: Any) -> Any:
        text = str(argument).strip()
        if not any(_fits(text, field) for field in self._fields):
            expected = dict.fromkeys(field.expected() for field in self._fields)
            choices = [choice for field in self._fields for choice in field.choices]
            near = suggestions.for_choice(text, choices)
            raise ValueError(f"expected {'; or '.join(expected)}{near}")
        return text


def _field_flag(fields: list[schema.Field]) -> flags.Flag:
    field = fields[0]
    is_bool = field.value_type is bool  # then a bare --config.data.mirror means true
    name = _PREFIX + field.path
    return flags.Flag(_FieldParser(fields), None, name, None, field.help, boolean=is_bool)


@functools.cache
def known_fields() -> dict[str, list[schema.Field]]:
    """Every field of every family by its path; families may have fields of one name."""
    found: dict[str, list[schema.Field]] = {}
    for _, field in _every_field():
        found.setdefault(field.path, []).append(field)
    return found


def _every_field() -> Iterator[tuple[str, schema.Field]]:
    """Yields the fields with the name of the family or loss that has them, or without one."""
    own = tuple(f"{section}." for section in schema.SECTIONS_OF_FAMILIES)
    for part, choice in schema.CHOICES.items():
        yield "", choice
        for name in choice.choices:
            yield from _of(name, schema.replace(schema.Config(), {part: name}), f"{part}.")
    for name in families.names():
        for network in ("generator", "discriminator"):
            section: dict[str, Any] = {network: families.find(name, network)()}
            yield from _of(name, schema.Config(**section), f"{network}.")
    for path, field in schema.fields(schema.Config()).items():
        if not path.startswith(own):
            yield "", field


def _of(owner: str, config: schema.Config, prefix: str) -> Iterator[tuple[str, schema.Field]]:
    for path, field in schema.fields(config).items():
        if path.startswith(prefix):
            yield owner, field


def _value(text: str, field: schema.Field) -> Any:
    """Returns what an override means in the families in use."""
    if not _fits(text, field):
        raise UserError(f"--{_PREFIX}{field.path}={text}: expected {field.expected()}")
    return _read(text, field)


def _fits(text: str, field: schema.Field) -> bool:
    try:
        return field.fits(_read(text, field))
    except (ValueError, KeyError):
        return False


def _read(text: str, field: schema.Field) -> Any:
    if field.optional and text.lower() == "none":
        return None
    return _READERS[field.value_type](text)


def _read_int(text: str) -> int:
    """Reads 25_000_000 and 2.5e7 alike; int() takes the text first, to keep every digit."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


def _read_bool(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


_READERS: dict[type, Callable[[str], Any]] = {
    int: _read_int,
    float: float,
    bool: _read_bool,
    str: str,
}


def _folder() -> pathlib.Path:
    return pathlib.Path(configs.__file__).parent


def _expected_reference() -> str:
    others = [name for name in names() if not name.startswith(_ROWS)]
    rows = f"a row of the paper such as {_ROWS[0]}contr (docs/experiments.md)"
    return f"one of {', '.join(others)}, {rows}, or the path of a .py file"


def _split(reference: str) -> tuple[pathlib.Path, list[str]]:
    """The file and the arguments of get_config: none or one."""
    if reference.endswith(".py") and pathlib.Path(reference).is_file():
        return pathlib.Path(reference), []
    if reference.endswith(".py") or ".py:" in reference:
        stem, _, argument = reference.partition(".py:")
        path = pathlib.Path(stem if stem.endswith(".py") else f"{stem}.py")
    else:
        name, _, argument = reference.partition(":")
        path = _folder() / f"{name}.py" if name in names() else pathlib.Path(name)
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"--config={reference}: no such file, expected {_expected_reference()}")
    return path, [argument] if argument else []


def _get_config(path: pathlib.Path) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(f"dualcontrast_config_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    _guarded(path, lambda: spec.loader.exec_module(module))
    if not callable(getattr(module, "get_config", None)):
        raise UserError(f"{path}: defines no function get_config(), which should return a Config")
    return module.get_config


def _guarded(path: pathlib.Path, call: Callable[[], Any]) -> Any:
    """Calls code of the file at `path`; whatever it raises becomes one line."""
    try:
        return call()
    except UserError as error:  # says what to do instead, whatever line it comes from
        raise UserError(f"{path.name}: {error}") from error
    except Exception as error:  # whatever a stranger's file may raise
        text = str(error).partition("\n")[0]
        line = _line(path, error)
        raise UserError(f"{path}{line}: {type(error).__name__}: {text}") from error


def _line(path: pathlib.Path, error: Exception) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if pathlib.Path(frame.filename).resolve() == path.resolve()
    ]
    return f":{lines[-1]}" if lines else ""
