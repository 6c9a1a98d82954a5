"""Whether the hosts of a run were started alike: configuration, images, programs."""

import hashlib
from typing import Any

from dualcontrast.trainer.checkpoints import checkpoint, environment
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.hosts import Hosts

# Hosts may have other processors: then they may disagree in the last bit of what each computes.
_FREE = ("processor", "processor_model")


def check_run(hosts: Hosts, config: schema.Config, dataset: manifest.Manifest) -> None:
    """Checks that all hosts train one thing.

    Raises:
      UserError: one has another configuration or other images; all raise it.
    """
    images = checkpoint.description_of_data(config, dataset)
    shards = "".join(images.pop("sha256"))
    images["contents"] = hashlib.sha256(shards.encode()).hexdigest()[:12]
    hosts.check_same({"config": serialisation.to_json(config), "images": images}, _of_runs)


def check_environment(hosts: Hosts, found: dict[str, Any]) -> None:
    """Checks that all hosts compute with the same programs.

    Args:
      hosts: of the run.
      found: what `environment.of_training` returns.

    Raises:
      UserError: one has other versions or operations; all raise it.
    """
    found = {name: value for name, value in found.items() if name not in _FREE}
    hosts.check_same(found, environment.differences)


def _of_runs(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    configs = [serialisation.from_json(said["config"]) for said in (one, other)]
    return [f"--config.{change}" for change in schema.differences(*configs)] + [
        f"--data, {name} {environment.words(value)} -> {environment.words(other['images'][name])}"
        for name, value in one["images"].items()
        if value != other["images"].get(name)
    ]
