"""The section of configurations: what differs from the base, and everything."""

from typing import Any

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.config import schema

_FROM_DATASET = ("data.resolution", "data.channels")


def section(runs: list[Run]) -> Html:
    """Returns the section."""
    base, fields = schema.Config(), _fields(runs)
    changed = [
        path for path in fields if any(_get(run.config, path) != _get(base, path) for run in runs)
    ]
    apart = [path for path in changed if len({_get(run.config, path) for run in runs}) > 1]
    changed.sort(key=lambda path: path not in apart)
    columns = [markup.run_name(index, run.name) for index, run in enumerate(runs)]
    head = ["field", "base", *columns, "meaning"]
    table = markup.table(head, [_row(fields[path], base, runs, path in apart) for path in changed])
    whole = markup.table(head, [_row(fields[path], base, runs, path in apart) for path in fields])
    lead = (
        f"{len(changed)} of {len(fields)} fields differ from the base, which is "
        "StyleGAN2 config E with the dual contrastive loss (configs/stylegan2_e.py)."
    )
    if len(runs) > 1:
        lead += f" {len(apart) or 'None'} of them, marked, differ between the runs."
    return markup.section(
        "Configuration",
        lead,
        table if changed else "",
        markup.details(f"All {len(fields)} fields", whole),
    )


def _fields(runs: list[Run]) -> dict[str, schema.Field]:
    """Returns the fields that any run has, and the families, which have no field of their own."""
    found = {}
    for name in schema.SECTIONS_OF_FAMILIES:
        found[f"{name}.family"] = schema.Field(
            f"{name}.family", str, None, f"which {name}", {}, (), False
        )
    for run in runs:
        found |= schema.fields(run.config)
    return found


def _get(config: schema.Config, path: str) -> Any:
    """Returns the value at `path`; None where the run's families have no such field."""
    known = path in schema.fields(config) or path.endswith(".family")
    return schema.get(config, path) if known else None


def _row(field: schema.Field, base: schema.Config, runs: list[Run], is_apart: bool) -> list[object]:
    path, default = field.path, _get(base, field.path)
    shown = "the dataset's" if path in _FROM_DATASET else _value(default)
    cells = [
        (
            _value(value)
            if (value := _get(run.config, path)) == default
            else markup.element("b", _value(value), class_="changed")
        )
        for run in runs
    ]
    meaning = markup.element("small", field.help)
    name = markup.element("code", path, class_="apart" if is_apart else "alike")
    return [name, shown, *cells, meaning]


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
