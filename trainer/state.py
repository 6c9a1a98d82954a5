"""Everything that training changes: networks, averages, optimizers, counters."""

import dataclasses

import keras
import tensorflow as tf

from dualcontrast.layers.attention import dfn, reference_attention, sagan, san, vt
from dualcontrast.layers.stylegan2 import discriminator, generator
from dualcontrast.trainer.config import attention_fields, schema


def generator_attention(
    attention: attention_fields.GeneratorAttentionConfig,
) -> keras.layers.Layer | None:
    """Returns the layer that the configuration asks for, unbuilt; None for none."""
    if attention.kind == "san":
        return san.SAN(**dataclasses.asdict(attention.san))
    if attention.kind == "sagan":
        paper = attention.sagan.variant == "paper"
        return sagan.SAGAN(pool=not paper, value_reduction=8 if paper else 2)
    if attention.kind == "dfn":
        return dfn.DFN(**dataclasses.asdict(attention.dfn))
    if attention.kind == "vt":
        return vt.VT(**dataclasses.asdict(attention.vt))
    return None


def discriminator_attention(
    attention: attention_fields.DiscriminatorAttentionConfig,
) -> keras.layers.Layer | None:
    """Returns the layer that the configuration asks for, unbuilt; None for none."""
    if attention.pairing == "none":
        return None
    fields = dataclasses.asdict(attention.san)
    if attention.pairing == "self":
        return san.SAN(**fields)
    return reference_attention.ReferenceAttention(attention.pairing, **fields)


def make_generator(config: schema.Config, name: str = "generator") -> generator.Generator:
    """Returns the generator that `config` describes, with its variables made.

    Args:
      config: resolved, that is with data.resolution and data.channels.
      name: of the model.
    """
    g = config.generator
    network = generator.Generator(
        resolution=config.data.resolution,
        channels=config.data.channels,
        latent_size=g.latent_size,
        w_size=g.w_size,
        mapping_layers=g.mapping_layers,
        mapping_learning_rate_multiplier=g.mapping_learning_rate_multiplier,
        fmap_base=g.fmap_base,
        fmap_max=g.fmap_max,
        w_mean_decay=g.w_mean_decay,
        attention=generator_attention(g.attention),
        attention_resolution=g.attention.resolution,
        attention_in_both=g.attention.convolutions == "both",
        normalize_style=g.attention.normalize_style,
        name=name,
        dtype=config.training.precision,
    )
    network.build()
    return network


def make_discriminator(config: schema.Config) -> discriminator.Discriminator:
    """Returns the discriminator that `config` (resolved) describes, with its variables made."""
    d = config.discriminator
    network = discriminator.Discriminator(
        resolution=config.data.resolution,
        channels=config.data.channels,
        fmap_base=d.fmap_base,
        fmap_max=d.fmap_max,
        minibatch_stddev_group=d.minibatch_stddev_group,
        attention=discriminator_attention(d.attention),
        attention_resolution=d.attention.resolution,
        name="discriminator",
        dtype=config.training.precision,
    )
    network.build()
    return network


def make_optimizer(
    training: schema.TrainingConfig, learning_rate: float, regularize_every: int | None
) -> keras.optimizers.Adam:
    """Returns Adam with the constants corrected for lazy regularisation.

    Karras et al. 2020, appendix B: with a regulariser every k batches Adam takes k + 1 steps where
    it took k, so its learning rate and decays are adjusted by c = k / (k + 1).

    Args:
      training: the uncorrected constants.
      learning_rate: uncorrected.
      regularize_every: k; None without a regulariser.
    """
    c = 1.0 if regularize_every is None else regularize_every / (regularize_every + 1)
    return keras.optimizers.Adam(
        learning_rate=learning_rate * c,
        beta_1=training.adam_beta_1**c,
        beta_2=training.adam_beta_2**c,
        epsilon=training.adam_epsilon,
    )


def variables_of(part: keras.Model | keras.optimizers.Optimizer) -> dict[str, tf.Variable]:
    """Returns every variable of a network or optimizer by its path inside it.

    For tf.train.Checkpoint, which looks into dictionaries but not into Keras's lists of layers:
    given the network itself it leaves out most weights, and no check of its own notices.
    """
    # Without the first word, which differs between the networks, and counts a process's optimizers.
    paths = [variable.path.split("/", 1)[1].replace("/", ".") for variable in part.variables]
    named = dict(zip(paths, (variable.value for variable in part.variables), strict=True))
    assert len(named) == len(paths), "two variables have one path"
    return named


class State:
    """The variables of a run; build it inside `strategy.scope()`.

    Attributes:
      generator, discriminator: the networks in training.
      average: the generator with the exponential moving average of the weights; what is released.
      generator_optimizer, discriminator_optimizer: Adam.
      path_length_mean: running mean of the path length, float32 scalar.
      images_seen: reals shown so far, int64 scalar.
    """

    def __init__(self, config: schema.Config):
        keras.utils.set_random_seed(config.training.seed)
        self.generator = make_generator(config)
        self.discriminator = make_discriminator(config)
        self.average = make_generator(config, name="average")
        for variable, source in zip(self.average.variables, self.generator.variables):
            variable.assign(source)
        g, d, training = config.generator, config.discriminator, config.training
        self.generator_optimizer = make_optimizer(
            training, g.learning_rate, g.regularize_every if g.path_length_weight else None
        )
        self.discriminator_optimizer = make_optimizer(
            training,
            d.learning_rate,
            d.regularize_every if d.r1_gamma or d.gradient_penalty_weight else None,
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.path_length_mean = tf.Variable(
            0.0, trainable=False, aggregation=tf.VariableAggregation.MEAN, name="path_length_mean"
        )
        self.images_seen = tf.Variable(0, trainable=False, dtype=tf.int64, name="images_seen")

    def checkpoint(self) -> tf.train.Checkpoint:
        """Returns the checkpoint that saves and restores every variable."""
        parts = {
            name: variables_of(part) if hasattr(part, "variables") else part
            for name, part in vars(self).items()
        }
        return tf.train.Checkpoint(**parts)

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns every floating variable by a name that a reader can place."""
        named = {}
        owners = ("generator", "discriminator", "average")
        for owner in (*owners, "generator_optimizer", "discriminator_optimizer"):
            for path, variable in variables_of(getattr(self, owner)).items():
                if variable.dtype == tf.float32:
                    named[f"{owner}/{path}"] = variable
        return named | {"path_length_mean": self.path_length_mean}
