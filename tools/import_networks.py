"""Makes a run of StyleGAN2's networks that NVIDIA's programs, or this one, have saved.

  dualcontrast-import --weights=ffhq.pkl --workdir=RUN
  dualcontrast-import --weights=faces.safetensors --workdir=RUN --config=stylegan2_e_ns
  dualcontrast-import --weights=animals.pkl --workdir=RUN --data=DATA

WEIGHTS is a pickle of stylegan2, stylegan2-ada or stylegan2-ada-pytorch, or a .safetensors or .npz
file with the names of docs/import.md. A pickle is read as data: no source in it is run, and what a
published network does not need is refused by its name. RUN gets the generator, the discriminator
and the averaged generator; dualcontrast-generate, -evaluate, -project, -export and -report take it
like any run; with classes, name them by a dataset that has them (--data). Resolution, widths, depth
and classes are the file's; --config says all else, and is what training goes on with:

  dualcontrast-train --config=stylegan2_e_ns --data=DATA --workdir=FINE --init_from=RUN \\
      --init_average

Other networks than this project's are refused, by the setting in which they differ.
"""

import dataclasses
import pathlib
from typing import Any

from absl import flags

from dualcontrast.tools.interchange import network_file, published
from dualcontrast.trainer import errors, path_flags, tensorflow_start
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

_WEIGHTS = path_flags.define("weights", None, "The file of networks.", required=True)
_WORKDIR = path_flags.define("workdir", None, "The run's folder, to be made.", required=True)
_DATA = path_flags.define(
    "data",
    None,
    "A dataset whose classes the networks know, number by number, for their names.",
    may_have_scheme=True,
)
config_flags.define(default="stylegan2_e")


def main(argv: list[str]) -> None:
    """Makes the run that the flags name."""
    errors.no_arguments(argv)
    workdir = pathlib.Path(_WORKDIR.value)
    check_free(workdir)
    asked = config_flags.config()
    for section, network in (
        (stylegan2.Generator, "generator"),
        (stylegan2.Discriminator, "discriminator"),
    ):
        section.expect(getattr(asked, network))
    found = _named(network_file.read(_WEIGHTS.value))
    config = _configured(asked, found)
    tensorflow_start.start()
    from dualcontrast.tools.interchange import imported_run

    imported_run.write(found, pathlib.Path(_WEIGHTS.value), config, workdir)
    print(f"{workdir}: {_words(config)}, from {_WEIGHTS.value}")
    for note in found.notes:
        print(f"note: {note}")
    print(f"It trains with: {_command(asked, found.settings)}")


def check_free(workdir: pathlib.Path) -> None:
    """Checks that nothing would be mixed up with the run.

    Raises:
      UserError: the folder holds something, or is none.
    """
    if not workdir.exists() and not workdir.is_symlink():
        return
    if not workdir.is_dir() or any(workdir.iterdir()):
        what = "holds a run" if (workdir / "config.json").exists() else "exists already"
        raise UserError(
            f"--workdir={workdir} {what}, and an import changes nothing that is there.\n"
            "Give a new folder."
        )


def _named(found: published.Published) -> published.Published:
    """Returns networks with the names of --data's classes.

    Raises:
      UserError: the dataset has not the classes of the networks.
    """
    classes = found.settings.get("data.classes", 0)
    if not _DATA.value:
        unnamed = classes and not found.classes
        note = "the file has no names of classes, and numbers stand for them; --data=DATA has names"
        return dataclasses.replace(found, notes=(*found.notes, note)) if unnamed else found
    names = tuple(category.name for category in manifest.read(_DATA.value).classes)
    if len(names) != classes:
        raise UserError(
            f"--data={_DATA.value} has {len(names) or 'no'} classes, and the networks of"
            f" {_WEIGHTS.value} know {classes or 'none'}: give one of the same classes, or none"
        )
    return dataclasses.replace(found, classes=names)


def _configured(asked: schema.Config, found: published.Published) -> schema.Config:
    """Returns the configuration with the networks' settings.

    Raises:
      UserError: a flag says otherwise, or the settings are none that a run may have.
    """
    for path, value in found.settings.items():
        flag = flags.FLAGS[f"config.{path}"]
        if flag.present and schema.get(asked, path) != value:
            raise UserError(
                f"--config.{path}={flag.value} contradicts {_WEIGHTS.value}, where it is"
                f" {_shown(value)}: leave the flag away"
            )
    try:
        config = schema.replace(
            asked, {"data.labels": False, "data.classes": None, **found.settings}
        )
        schema.validate(config)
    except UserError as error:
        raise UserError(f"{_WEIGHTS.value} with --config={flags.FLAGS.config}: {error}") from error
    return config


def _words(config: schema.Config) -> str:
    data = config.data
    classes = f"{data.classes} classes" if data.labels else "no classes"
    return f"StyleGAN2, {data.resolution}x{data.resolution}, {data.channels} channels, {classes}"


def _command(asked: schema.Config, settings: dict[str, Any]) -> str:
    """Returns the command that goes on with the run."""
    typed = {
        name: str(flags.FLAGS[name].value)
        for name in flags.FLAGS
        if name.startswith("config.") and flags.FLAGS[name].present
    }
    changed = {
        f"config.{path}": _shown(value)
        for path, value in settings.items()
        # A dataset says how large its images are.
        if path not in ("data.resolution", "data.channels", "data.classes")
        and schema.get(asked, path) != value
    }
    words = [f"--{name}={value}" for name, value in {**typed, **changed}.items()]
    return " ".join(
        [
            "dualcontrast-train",
            f"--config={flags.FLAGS.config}",
            *words,
            "--data=DATA",
            f"--workdir={_WORKDIR.value}",
        ]
    )


def _shown(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
