"""Configurations as text: JSON to keep, of today and of older runs, and YAML to read."""

import dataclasses
import json
from typing import Any

import yaml

from dualcontrast.trainer.config import families, moved_fields, schema
from dualcontrast.trainer.errors import UserError

_FAMILY = "family"
# Fields of one loss, which older runs wrote beside the name of another.
_OF_ONE_LOSS = (
    "loss.drift",
    "loss.generator_objective",
    "loss.contrast_scope",
    "loss.warmup_images",
)


def to_json(config: schema.Config) -> str:
    """The configuration as JSON text, which `from_json` reads back."""
    return json.dumps(as_dict(config), indent=2)


def as_yaml(config: schema.Config) -> str:
    """The configuration as YAML, for people to read."""
    return yaml.safe_dump(as_dict(config), sort_keys=False)


def as_dict(config: schema.Config) -> dict[str, Any]:
    """Returns the configuration as what JSON has, which `to_json` writes."""
    content = dataclasses.asdict(config)
    for name in schema.SECTIONS_OF_FAMILIES:
        content[name] = {_FAMILY: getattr(config, name).family, **content[name]}
    return content


def from_json(text: str) -> schema.Config:
    """The configuration that `to_json` wrote; a field that the text lacks takes its default.

    Raises:
      UserError: the text is no JSON object of sections, or a field is unknown or does not fit.
    """
    try:
        content = json.loads(text)
        if _FAMILY not in content.get("generator", {}):
            content = _modernised(content)
        config = _empty(content)
        values = _flatten(_without_empty_sections(content))
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        raise UserError(f"not a configuration in JSON: {error}") from error
    config = schema.replace(config, values)
    schema.validate(config)
    return config


def _empty(content: dict[str, Any]) -> schema.Config:
    """A configuration of the text's families, with their defaults; their names are taken out."""
    sections: dict[str, Any] = {
        name: families.find(content[name].pop(_FAMILY), name)()
        for name in ("generator", "discriminator")
    }
    for name, choice in schema.CHOICES.items():
        kind = content.setdefault(name, {}).pop(_FAMILY, choice.default)
        sections[name] = schema.find_kind(name, kind)()
    return schema.Config(**sections)


def _without_empty_sections(content: dict[str, Any]) -> dict[str, Any]:
    """The content without the sections that have nothing but a family."""
    sections = {field.name for field in dataclasses.fields(schema.Config)}
    return {name: part for name, part in content.items() if part != {} or name not in sections}


def _modernised(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a run that was made when StyleGAN2 was the only family."""
    loss = content.get("loss", {}).pop("adversarial", schema.Config().loss.family)
    values: dict[str, Any] = {}
    for path, value in _flatten(content).items():
        values |= {new: value for new in moved_fields.MOVED.get(path, (path,))}
    own = schema.fields(schema.replace(schema.Config(), {"loss": loss}))
    values = {path: v for path, v in values.items() if path in own or path not in _OF_ONE_LOSS}
    modern: dict[str, Any] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        part = modern
        for section in sections:
            part = part.setdefault(section, {})
        part[name] = value
    for name in ("generator", "discriminator"):
        modern.setdefault(name, {})[_FAMILY] = "stylegan2"
    modern.setdefault("loss", {})[_FAMILY] = loss
    return modern


def _flatten(section: dict, prefix: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in section.items():
        if isinstance(value, dict) and value:
            values |= _flatten(value, f"{prefix}{name}.")
        else:
            values[prefix + name] = value
    return values
