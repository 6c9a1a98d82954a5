"""The rows of ContraD's tables: the fields in which they differ from their baseline, by path."""

from typing import Any

_VIEWS: dict[str, Any] = {
    "loss": "contrad",
    "augmentation": "simclr",
    "discriminator.projection_size": 128,
}

ROWS: dict[str, dict[str, Any]] = {
    "base": {},
    "cr": {"consistency.real_weight": 10.0},
    "bcr": {"consistency.real_weight": 10.0, "consistency.fake_weight": 10.0},
    "diffaug": {
        "augmentation": "diffaugment",
        "augmentation.translation": False,
        "data.mirror": True,
    },
    "contrad": _VIEWS,
    "simclr": _VIEWS | {"loss.lambda_con": 0.0, "loss.lambda_dis": 0.0},
}
# Those with larger batches, whose step size rises from 0 at the start.
WITH_VIEWS = ("contrad", "simclr")
