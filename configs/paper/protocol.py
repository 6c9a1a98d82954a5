"""What all experiments of the paper share: StyleGAN2's protocol for its config E.

Source: Karras et al. 2020 and its official training script; the paper trains "all other parameters
the same". Path length and R1 therefore stay on with every loss.
"""

from typing import Any, Optional

from dualcontrast.configs.paper import datasets
from dualcontrast.trainer.config import loss_sections, schema
from dualcontrast.trainer.config.schema import Config

# Written out although most are the schema's defaults: those may change, published settings not.
PROTOCOL = {
    "generator.latent_size": 512,
    "generator.w_size": 512,
    "generator.mapping_layers": 8,
    "generator.mapping_learning_rate_multiplier": 0.01,
    "generator.fmap_base": 8192,
    "generator.fmap_max": 512,
    "generator.style_mixing_probability": 0.9,
    "schedule.generator.learning_rate": 0.002,
    "generator.path_length_every": 4,
    "generator.path_length_weight": 2.0,
    "schedule.average.half_life_images": 10_000,
    "discriminator.fmap_base": 8192,
    "discriminator.fmap_max": 512,
    "discriminator.minibatch_stddev_group": 4,
    "schedule.discriminator.learning_rate": 0.002,
    "penalties.r1_every": 16,
    # Config E's at every resolution; config F, which is usual today, has 10.
    "penalties.r1_gamma": 100.0,
    "penalties.gradient_penalty_weight": 0.0,
    "training.batch_size": 32,
    "training.total_images": 25_000_000,
    "training.precision": "float32",
    "schedule.generator.adam_beta_1": 0.0,
    "schedule.generator.adam_beta_2": 0.99,
    "schedule.generator.adam_epsilon": 1e-8,
    "schedule.discriminator.adam_beta_1": 0.0,
    "schedule.discriminator.adam_beta_2": 0.99,
    "schedule.discriminator.adam_epsilon": 1e-8,
}


def experiment(dataset: Optional[str], row: dict[str, Any]) -> Config:
    """A row of the paper's tables.

    Args:
      dataset: the argument of `--config=ROW:DATASET`; None for images of one's own.
      row: the fields that make the row, by path.

    Raises:
      UserError: the paper has no such dataset.
    """
    return on_dataset(schema.replace(Config(), PROTOCOL | row), dataset)


def on_dataset(config: Config, dataset: Optional[str]) -> Config:
    """An experiment on a dataset of the paper.

    Args:
      config: of the experiment.
      dataset: as for `experiment`.

    Raises:
      UserError: the paper has no such dataset.
    """
    if dataset is None:
        return config
    chosen = datasets.find(dataset)
    changes = _data(chosen)
    if isinstance(config.loss, loss_sections.DualContrastive):
        changes["loss.warmup_images"] = chosen.warmup_images
    return schema.replace(config, changes)


def _data(chosen: datasets.TrainingSet) -> dict[str, Any]:
    return {
        "data.resolution": chosen.dataset.resolution,
        "data.channels": 3,
        "data.mirror": chosen.dataset.mirror,
    }
