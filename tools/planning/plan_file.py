"""A plan as the text of a Python file, and as the commands to type."""

import pathlib
import shlex
from typing import Any

from dualcontrast.tools.planning.choice import Choice
from dualcontrast.tools.planning.planner import Plan
from dualcontrast.trainer.formatting import duration

_HEAD = '''"""{what}
{how}

{commands}

{cost}
"""

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config


def get_config() -> Config:
    """What differs from the defaults, each with its reason."""
    return schema.replace(
        Config(),
        {{
{fields}
        }},
    )
'''
_INDENT = 12 * " "


def text(plan: Plan, output: pathlib.Path, data: pathlib.Path) -> str:
    """Returns the file.

    Args:
      plan: to write down.
      output: where the file will be, for its commands.
      data: the dataset's folder, likewise.
    """
    side = f"{plan.images.resolution}x{plan.images.resolution}"
    return _HEAD.format(
        what=f"{plan.images.count:,} images at {side}: a plan by dualcontrast-plan.",
        how=f"\nFor {plan.machine}.",
        commands=_in_docstring("\n".join(f"    {line}" for line in commands(plan, output, data))),
        cost=cost(plan),
        fields="\n".join(map(_lines, plan.choices)),
    )


def commands(plan: Plan, output: pathlib.Path, data: pathlib.Path) -> list[str]:
    """Returns what to type: train, then generate and evaluate; arguments as of `text`."""
    folder = data.resolve().name
    run = _flag("run", f"runs/{folder}")
    train = [_flag("config", output), _flag("data", data), _flag("workdir", f"runs/{folder}")]
    generate = [run, _flag("output", f"samples/{folder}"), "--seeds=0-63", "--grid"]
    found = [["dualcontrast-train", *train], ["dualcontrast-generate", *generate]]
    if plan.images.channels != 4:  # which no extractor of ours takes
        found.append(["dualcontrast-evaluate", run, _flag("data", data)])
    return [" ".join(words) for words in found]


def cost(plan: Plan) -> str:
    """Returns the time and the disk that the plan takes, in two lines."""
    return (
        f"Time: {duration(plan.hours * 3600)} at {plan.rate.images_per_second:.3g} images a second"
        f" ({plan.rate.source}).\nDisk: {plan.disk / 1e9:.2g} GB, estimated."
    )


def _flag(name: str, value: object) -> str:
    return f"--{name}={shlex.quote(str(value))}"


def _in_docstring(content: str) -> str:
    return content.replace("\\", "\\\\").replace('"', '\\"')


def _lines(choice: Choice) -> str:
    fields = [f'{_INDENT}"{path}": {_literal(value)},' for path, value in choice.fields.items()]
    return "\n".join([f"{_INDENT}# {choice.why}", *fields])


def _literal(value: Any) -> str:
    """Returns Python that means a value: a text, a number, true or false."""
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:_}" if type(value) is int and value >= 10_000 else repr(value)
