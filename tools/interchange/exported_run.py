"""The networks of a run as a file of arrays."""

import pathlib

import numpy as np

from dualcontrast.tools.interchange import array_files, layout, published
from dualcontrast.trainer import files, locations, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError


def write(run: str, path: pathlib.Path) -> int:
    """Writes the networks of a run, or of one checkpoint, and returns the images they have seen.

    Raises:
      UserError: there is no such run, its networks have layers that such a file has no name for, or
        the file cannot be written.
    """
    config = checkpoint.read_config(checkpoint.workdir_of(locations.of(run)))
    _check(config)
    _, prefix = checkpoint.locate(locations.of(run))  # of one moment, while a run goes on
    average, _, images_seen = checkpoint.load_average(str(prefix))
    parts = {
        "generator": checkpoint.load_generator(str(prefix)),
        "discriminator": checkpoint.load_discriminator(str(prefix)),
        "average": average,
    }
    try:
        arrays = {
            theirs: layout.arrays_of(theirs, _values(parts[ours]))
            for ours, theirs in layout.NETWORKS.items()
        }
    except UserError as error:
        raise UserError(f"--format=safetensors: {error}.\n{_INSTEAD}") from error
    classes = tuple(category.name for category in checkpoint.read_classes(run))
    settings = {name: schema.get(config, name) for name in array_files.DEFAULTS}
    found = published.Published(settings, arrays, classes=classes)
    files.write(path, array_files.write_safetensors(found))
    return images_seen


_INSTEAD = "A SavedModel holds any generator: leave --format away."


def _check(config: schema.Config) -> None:
    for section in (config.generator, config.discriminator):
        if section.family != "stylegan2":
            raise UserError(
                f"--format=safetensors has names for StyleGAN2 alone, this is {section.family}.\n"
                f"{_INSTEAD}"
            )


def _values(network) -> dict[str, np.ndarray]:
    return {path: variable.numpy() for path, variable in state.variables_of(network).items()}
