"""What every layer owes: its configuration, its file, its shapes, its types, its derivatives."""

import doctest
import importlib
import inspect
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import (
    batch_normalisation,
    class_table,
    convolution,
    equalized_conv2d,
    equalized_dense,
    head,
    minibatch_stddev,
    networks,
    spectral_normalisation,
    style_generator,
)
from dualcontrast.layers.attention import dfn, reference_attention, sagan, san, serialised_layer, vt
from dualcontrast.layers.biggan import discriminator as biggan_discriminator
from dualcontrast.layers.biggan import down_block as biggan_down_block
from dualcontrast.layers.biggan import generator as biggan_generator
from dualcontrast.layers.biggan import modulated_normalisation
from dualcontrast.layers.biggan import self_attention as biggan_self_attention
from dualcontrast.layers.biggan import up_block as biggan_up_block
from dualcontrast.layers.r3gan import convolution as r3gan_convolution
from dualcontrast.layers.r3gan import discriminative_basis
from dualcontrast.layers.r3gan import discriminator as r3gan_discriminator
from dualcontrast.layers.r3gan import down_transition, generative_basis
from dualcontrast.layers.r3gan import generator as r3gan_generator
from dualcontrast.layers.r3gan import residual_block, up_transition
from dualcontrast.layers.sagan import discriminator as sagan_discriminator
from dualcontrast.layers.sagan import down_block as sagan_down_block
from dualcontrast.layers.sagan import generator as sagan_generator
from dualcontrast.layers.sagan import self_attention
from dualcontrast.layers.sagan import up_block as sagan_up_block
from dualcontrast.layers.sngan import (
    base,
    basic_block,
    dcgan_discriminator,
    dcgan_generator,
)
from dualcontrast.layers.sngan import discriminator as sngan_discriminator
from dualcontrast.layers.sngan import down_block
from dualcontrast.layers.sngan import generator as sngan_generator
from dualcontrast.layers.sngan import resnet18_discriminator, uniform_discriminator, up_block
from dualcontrast.layers.stylegan import adaptive_instance_normalisation
from dualcontrast.layers.stylegan import convolution as stylegan_convolution
from dualcontrast.layers.stylegan import discriminator as stylegan_discriminator
from dualcontrast.layers.stylegan import discriminator_block as stylegan_discriminator_block
from dualcontrast.layers.stylegan import generator as stylegan_generator
from dualcontrast.layers.stylegan import synthesis_layer as stylegan_synthesis_layer
from dualcontrast.layers.stylegan import synthesis_network as stylegan_synthesis_network
from dualcontrast.layers.stylegan2 import (
    discriminator,
    discriminator_block,
    generator,
    mapping_network,
    modulated_attention,
    modulated_conv2d,
    synthesis_layer,
    synthesis_network,
    to_rgb,
)
from dualcontrast.layers.unet import discriminator as unet_discriminator
from dualcontrast.layers.unet import stylegan2_discriminator, stylegan2_up_block
from dualcontrast.layers.unet import up_block as unet_up_block

NARROW = {"fmap_base": 32, "fmap_max": 6}
SAN = {
    "patch_size": 3,
    "reduction": 2,
    "sharing": 1,
    "form": "literal",
    "border": "zero",
    "weight_activation": "leaky_relu",
}
CLAMP = 50.0  # Out of reach: where values are clipped there is no derivative to compare.
HEADS = {"head_width": 12, "projection_size": 3}
R3GAN = {"fmap_base": 16, "fmap_max": 6, "blocks": 1, "expansion": 3, "group_width": 2}
# Of a generator's 6 channels some are all but constant at first, and instance normalisation
# magnifies what was rounded in them.
STYLEGAN = {"fmap_base": 32, "fmap_max": 8, "growing": True}
ATTENTION = {
    "attention": serialised_layer.of(san.SAN(**SAN, name="attention")),
    "attention_resolution": 8,
    "attention_in_both": True,
    "normalize_style": False,
}
# The class, arguments none of which has its default value, shapes of the inputs. Those of rank 1
# are labels, of three classes.
LAYERS = {
    "equalized_dense": (
        equalized_dense.EqualizedDense,
        {
            "units": 5,
            "learning_rate_multiplier": 0.5,
            "activation": "leaky_relu",
            "gain_on_bias": False,
        },
        [(6, 4)],
    ),
    "conv2d": (
        convolution.Conv2D,
        {"filters": 5, "kernel_size": (3, 3), "use_bias": False},
        [(6, 4, 4, 3)],
    ),
    "equalized_conv2d": (
        equalized_conv2d.EqualizedConv2D,
        {
            "filters": 5,
            "kernel_size": 3,
            "downsample": True,
            "activation": "linear",
            "use_bias": False,
            "clamp": CLAMP,
        },
        [(6, 4, 4, 3)],
    ),
    "modulated_conv2d": (
        modulated_conv2d.ModulatedConv2D,
        {"filters": 5, "kernel_size": 3, "upsample": True, "demodulate": False},
        [(6, 4, 4, 3), (6, 7)],
    ),
    "mapping_network": (
        mapping_network.MappingNetwork,
        {
            "w_size": 7,
            "layers": 2,
            "learning_rate_multiplier": 0.2,
            "classes": 3,
            "gain_on_bias": False,
        },
        [(6, 5), (6,)],
    ),
    "minibatch_stddev": (minibatch_stddev.MinibatchStddev, {"group": 3}, [(6, 4, 4, 3)]),
    "to_rgb": (to_rgb.ToRGB, {"channels": 3, "clamp": CLAMP}, [(6, 4, 4, 5), (6, 7)]),
    "synthesis_layer": (
        synthesis_layer.SynthesisLayer,
        {
            "filters": 5,
            "upsample": True,
            "attention": ATTENTION["attention"],
            "normalize_style": False,
            "clamp": CLAMP,
        },
        [(6, 4, 4, 5), (6, 7)],
    ),
    "modulated_attention": (
        modulated_attention.ModulatedAttention,
        {"attention": ATTENTION["attention"], "upsample": True, "normalize": False},
        [(6, 4, 4, 6), (6, 7)],
    ),
    "synthesis_network": (
        synthesis_network.SynthesisNetwork,
        {"resolution": 8, "channels": 4, "conv_clamp": CLAMP, **NARROW, **ATTENTION},
        [(6, 4, 7)],
    ),
    "discriminator_block": (
        discriminator_block.DiscriminatorBlock,
        {"filters": 5, "attention": ATTENTION["attention"], "clamp": CLAMP},
        [(6, 4, 4, 3)],
    ),
    "san": (san.SAN, SAN, [(6, 4, 4, 6)]),
    "reference_attention": (
        reference_attention.ReferenceAttention,
        {"pairing": "supplement_1", **SAN},
        [(6, 4, 4, 6), (6, 4, 4, 6)],
    ),
    "sagan": (sagan.SAGAN, {"pool": False, "value_reduction": 3}, [(6, 4, 4, 6)]),
    "dfn": (
        dfn.DFN,
        {"patch_size": 5, "hidden": 4, "sharing": 2, "border": "zero"},
        [(6, 4, 4, 6)],
    ),
    "vt": (vt.VT, {"tokens": 3, "token_size": 4, "tokenizer": "recurrent"}, [(6, 4, 4, 6)]),
    "batch_normalisation": (
        batch_normalisation.BatchNormalization,
        {"decay": 0.5, "epsilon": 0.25, "classes": 3},
        [(6, 4, 4, 3), (6,)],
    ),
    "class_table": (
        class_table.ClassTable,
        {"units": 5, "classes": 3, "initializer": "orthogonal"},
        [(6,)],
    ),
    "spectral_normalisation": (
        spectral_normalisation.SpectralNormalization,
        {
            "layer": serialised_layer.of(keras.layers.Conv2D(5, 3, padding="same", name="inner")),
            "as_in_sagan": True,
        },
        [(6, 4, 4, 3)],
    ),
    "up_block": (up_block.UpBlock, {"filters": 5, "classes": 3}, [(6, 4, 4, 3), (6,)]),
    "down_block": (
        down_block.DownBlock,
        {"filters": 5, "downsample": False, "first": True},
        [(6, 4, 4, 3)],
    ),
    "sngan_generator": (
        sngan_generator.Generator,
        {
            "resolution": 32,
            "channels": 1,
            "latent_size": 5,
            "width": 3,
            "classes": 3,
            "latent": "uniform",
        },
        [(6, 5), (6,)],
    ),
    "sngan_discriminator": (
        sngan_discriminator.Discriminator,
        {"resolution": 32, "channels": 4, "width": 12, "classes": 3, **HEADS},
        [(6, 32, 32, 4), (6,)],
    ),
    "self_attention": (
        self_attention.SelfAttention,
        {"pool": False, "value_reduction": 3},
        [(6, 4, 4, 6)],
    ),
    "sagan_up_block": (
        sagan_up_block.UpBlock,
        {"filters": 5, "classes": 3, "attention": True},
        [(6, 4, 4, 3), (6,)],
    ),
    "sagan_down_block": (
        sagan_down_block.DownBlock,
        {"filters": 5, "downsample": False, "first": True, "attention": True},
        [(6, 4, 4, 3)],
    ),
    "sagan_generator": (
        sagan_generator.Generator,
        {
            "resolution": 32,
            "channels": 1,
            "latent_size": 5,
            "width": 2,
            "classes": 3,
            "attention_resolution": 8,
        },
        [(6, 5), (6,)],
    ),
    "sagan_discriminator": (
        sagan_discriminator.Discriminator,
        {
            "resolution": 32,
            "channels": 4,
            "width": 6,
            "classes": 3,
            "attention_resolution": 8,
        },
        [(6, 32, 32, 4), (6,)],
    ),
    "biggan_normalisation": (
        modulated_normalisation.ModulatedBatchNormalization,
        {"hidden": 4, "decay": 0.5, "epsilon": 0.25},
        [(6, 4, 4, 3), (6, 5)],
    ),
    "biggan_self_attention": (
        biggan_self_attention.SelfAttention,
        {"pool": False, "value_reduction": 3},
        [(6, 4, 4, 6)],
    ),
    "biggan_up_block": (
        biggan_up_block.UpBlock,
        {"filters": 5, "attention": True, "hidden": 4},
        [(6, 4, 4, 3), (6, 5)],
    ),
    "biggan_down_block": (
        biggan_down_block.DownBlock,
        {"filters": 5, "downsample": False, "first": True, "attention": True},
        [(6, 4, 4, 3)],
    ),
    "biggan_generator": (
        biggan_generator.Generator,
        {
            "resolution": 32,
            "channels": 1,
            "latent_size": 8,
            "width": 4,
            "classes": 3,
            "attention_resolution": 8,
            "latent": "uniform",
        },
        [(6, 8), (6,)],
    ),
    "biggan_discriminator": (
        biggan_discriminator.Discriminator,
        {
            "resolution": 32,
            "channels": 4,
            "width": 3,
            "classes": 3,
            "attention_resolution": 8,
        },
        [(6, 32, 32, 4), (6,)],
    ),
    "unet_up_block": (unet_up_block.UpBlock, {"filters": 5}, [(6, 4, 4, 3)]),
    "unet_discriminator": (
        unet_discriminator.Discriminator,
        {
            "resolution": 32,
            "channels": 4,
            "width": 5,
            "classes": 3,
            "attention_resolution": 8,
        },
        [(6, 32, 32, 4), (6,)],
    ),
    "r3gan_convolution": (
        r3gan_convolution.Convolution,
        {"filters": 6, "kernel_size": 3, "groups": 2, "gain": 0.5, "activated": True},
        [(6, 4, 4, 4)],
    ),
    "r3gan_residual_block": (
        residual_block.ResidualBlock,
        {"groups": 3, "depth": 4, "expansion": 3},
        [(6, 4, 4, 4)],
    ),
    "r3gan_up_transition": (up_transition.UpTransition, {"filters": 5}, [(6, 4, 4, 3)]),
    "r3gan_down_transition": (down_transition.DownTransition, {"filters": 5}, [(6, 4, 4, 3)]),
    "r3gan_generative_basis": (generative_basis.GenerativeBasis, {}, [(6, 5)]),
    "r3gan_discriminative_basis": (
        discriminative_basis.DiscriminativeBasis,
        {},
        [(6, 4, 4, 5)],
    ),
    "r3gan_generator": (
        r3gan_generator.Generator,
        {"resolution": 8, "channels": 1, "latent_size": 5, "classes": 3, **R3GAN},
        [(6, 5), (6,)],
    ),
    "r3gan_discriminator": (
        r3gan_discriminator.Discriminator,
        {"resolution": 8, "channels": 4, "classes": 3, **R3GAN},
        [(6, 8, 8, 4), (6,)],
    ),
    "stylegan_convolution": (
        stylegan_convolution.Convolution,
        {
            "filters": 5,
            "kernel_size": 3,
            "resampling": "up",
            "gain": 0.5,
            "use_bias": False,
            "activation": "linear",
        },
        [(6, 4, 4, 3)],
    ),
    "adaptive_instance_normalisation": (
        adaptive_instance_normalisation.AdaptiveInstanceNormalization,
        {},
        [(6, 4, 4, 3), (6, 7)],
    ),
    "stylegan_synthesis_layer": (
        stylegan_synthesis_layer.SynthesisLayer,
        {"filters": 5, "source": "up"},
        [(6, 4, 4, 3), (6, 7)],
    ),
    "stylegan_synthesis_network": (
        stylegan_synthesis_network.SynthesisNetwork,
        {"resolution": 8, "channels": 4, **STYLEGAN},
        [(6, 4, 7)],
    ),
    "stylegan_discriminator_block": (
        stylegan_discriminator_block.DiscriminatorBlock,
        {"filters": 5},
        [(6, 4, 4, 3)],
    ),
    "stylegan_generator": (
        stylegan_generator.Generator,
        {
            "resolution": 8,
            "channels": 1,
            "latent_size": 5,
            "w_size": 7,
            "mapping_layers": 2,
            "mapping_learning_rate_multiplier": 0.1,
            "style_mixing_probability": 0.5,
            "w_mean_decay": 0.9,
            "truncation_layers": 2,
            "classes": 3,
            **STYLEGAN,
        },
        [(6, 5), (6,)],
    ),
    "stylegan_discriminator": (
        stylegan_discriminator.Discriminator,
        {
            "resolution": 8,
            "channels": 4,
            "minibatch_stddev_group": 3,
            "classes": 3,
            "growing": True,
            **NARROW,
        },
        [(6, 8, 8, 4), (6,)],
    ),
    "dcgan_generator": (
        dcgan_generator.DCGANGenerator,
        {"resolution": 8, "channels": 1, "latent_size": 5, "width": 2, "latent": "uniform"},
        [(6, 5)],
    ),
    "dcgan_discriminator": (
        dcgan_discriminator.DCGANDiscriminator,
        {"resolution": 8, "channels": 4, "width": 6, **HEADS},
        [(6, 8, 8, 4)],
    ),
    "basic_block": (basic_block.BasicBlock, {"filters": 5, "stride": 2}, [(6, 4, 4, 3)]),
    "resnet18_discriminator": (
        resnet18_discriminator.ResNet18Discriminator,
        {"resolution": 8, "channels": 4, "width": 6, **HEADS},
        [(6, 8, 8, 4)],
    ),
    "head": (
        head.Head,
        {"units": 5, "hidden": 4, "normalised": True, "deviation": 0.5, "classes": 3},
        [(6, 7), (6,)],
    ),
    "generator": (
        generator.Generator,
        {
            "resolution": 8,
            "channels": 1,
            "latent_size": 5,
            "w_size": 7,
            "mapping_layers": 2,
            "mapping_learning_rate_multiplier": 0.1,
            "style_mixing_probability": 0.5,
            "w_mean_decay": 0.9,
            "conv_clamp": CLAMP,
            "classes": 3,
            **NARROW,
            **ATTENTION,
        },
        [(6, 5), (6,)],
    ),
    "discriminator": (
        discriminator.Discriminator,
        {
            "resolution": 16,
            "channels": 4,
            "minibatch_stddev_group": 3,
            "attention": serialised_layer.of(
                reference_attention.ReferenceAttention(**SAN, name="attention")
            ),
            "attention_resolution": 16,
            "conv_clamp": CLAMP,
            "label_layers": 2,
            "label_learning_rate_multiplier": 0.2,
            "classes": 3,
            **HEADS,
            **NARROW,
        },
        [(6, 16, 16, 4), (6, 16, 16, 4), (6,)],
    ),
}
LAYERS |= {
    "unet_stylegan2_up_block": (
        stylegan2_up_block.StyleGAN2UpBlock,
        {"filters": 5, "clamp": CLAMP},
        [(6, 4, 4, 3), (6, 8, 8, 4)],
    ),
    # The arguments are those of its encoder.
    "unet_stylegan2_discriminator": (
        stylegan2_discriminator.StyleGAN2Discriminator,
        *LAYERS["discriminator"][1:],
    ),
}
# Without attention, classes, heads: arguments at their defaults take other ways through the code.
OFTEN_LEFT_OUT = {*ATTENTION, *HEADS, "classes", "clamp", "conv_clamp", "growing"}
PLAIN = {
    f"{name} without attention": (
        LAYERS[name][0],
        {key: value for key, value in LAYERS[name][1].items() if key not in OFTEN_LEFT_OUT},
        LAYERS[name][2][:inputs],
    )
    for name, inputs in (
        ("synthesis_layer", 2),
        ("synthesis_network", 1),
        ("generator", 1),
        ("discriminator_block", 1),
        ("discriminator", 1),
        ("biggan_generator", 1),
        ("unet_discriminator", 1),
        ("stylegan_synthesis_network", 1),
        ("stylegan_generator", 1),
        ("stylegan_discriminator", 1),
    )
}
EVERY = LAYERS | PLAIN
FLOAT32_OUT = (
    *("to_rgb", "synthesis_network", "mapping_network", "generator", "discriminator"),
    *("biggan_generator", "biggan_discriminator", "unet_discriminator"),
    "unet_stylegan2_discriminator",
    *("sagan_generator", "sagan_discriminator", "resnet18_discriminator"),
    *("r3gan_generator", "r3gan_discriminator", "stylegan_synthesis_network"),
    *("stylegan_generator", "stylegan_discriminator"),
    *("sngan_generator", "sngan_discriminator", "dcgan_generator", "dcgan_discriminator"),
)
# What the networks of several families are made of.
COMMON = {
    batch_normalisation.Moments,
    *(networks.Generator, networks.Discriminator, base.Generator, base.Discriminator),
    style_generator.StyleGenerator,
    uniform_discriminator.UniformDiscriminator,
}
every_layer = pytest.mark.parametrize("name", EVERY)


def _build(name: str, dtype: str = "float32"):
    """A built layer and its inputs, which are the same for every type."""
    keras.utils.set_random_seed(0)
    cls, arguments, shapes = EVERY[name]
    layer = cls(**arguments, dtype=dtype)
    layer.build(*_known(shapes))
    dtype = tf.float64 if dtype == "float64" else tf.float32
    draw = np.random.default_rng(0)
    inputs = [tf.constant(draw.standard_normal(s), dtype) for s in shapes if len(s) > 1]
    return layer, inputs + [tf.constant(draw.integers(0, 3, s)) for s in shapes if len(s) == 1]


def _known(shapes: list) -> list:
    """The shapes that a layer is built by: not those of labels, if there are others."""
    return [s for s in shapes if len(s) > 1] or shapes


def _zeros(shapes: list) -> list[tf.Tensor]:
    return [tf.zeros(s, tf.int64 if len(s) == 1 else tf.float32) for s in shapes]


def _real(inputs: list) -> list[tf.Tensor]:
    """The inputs that there are derivatives by."""
    return [x for x in inputs if x.dtype.is_floating]


def _of_a_call(layer) -> list:
    """The variables of a call, of which neither projections nor logits of pixels are a part."""
    others = ("projection_of_", "/decoder", "/pixel_")
    return [v for v in layer.trainable_variables if not any(part in v.path for part in others)]


def _fill(layer) -> None:
    """Gives every element of every variable a value of its own, so that a swap would show."""
    draw = np.random.default_rng(0)
    for k, variable in enumerate(layer.variables):
        n = np.arange(np.prod(variable.shape, dtype=int))
        values = np.sin(k + 0.37 * n).reshape(variable.shape)
        if _normalised(layer):
            # Sines make kernels of rank 2, which let nothing through a chain of normalised ones.
            values = draw.standard_normal(variable.shape)
        if "_hidden/" in variable.path:
            # Self-modulation's scales, multiplied in every block: its second derivative is near
            # 1e16 otherwise, and so curved that differences are none of its slope.
            values = values / 20
        if "label_mapping/dense" in variable.path:
            values = 100 * values  # times the multiplier of its learning rate
        # Far from 0: rounding errors are divided by its root in every block.
        variable.assign(1 + np.abs(values) if variable.name == "variance" else values)


def _normalised(layer) -> list:
    """The spectrally normalised layers in a layer."""
    kind = spectral_normalisation.SpectralNormalization
    return [part for part in layer._flatten_layers() if isinstance(part, kind)]


def _converge(layer) -> None:
    """Gives the power method's vectors the values that it converges to.

    Only there is the derivative of an estimated norm that of the norm, see SpectralNormalization.
    """
    for part in _normalised(layer):
        part.u.assign(np.linalg.svd(part._matrix().numpy())[2][0])


def _gradients(layer, inputs):
    """Gradients of a fixed projection of the output, for inputs and variables, as one vector."""
    watched = [*_real(inputs), *(v.value for v in _of_a_call(layer))]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        out = layer(*inputs)
        y = tf.random.stateless_normal(out.shape, [0, 1])
        projected = tf.reduce_sum(tf.cast(out, y.dtype) * y)
    found = tape.gradient(projected, watched)
    assert all(gradient is not None for gradient in found)
    return tf.concat([tf.reshape(gradient, [-1]) for gradient in found], 0)


def test_every_layer_of_the_project_is_here():
    folder = pathlib.Path(inspect.getfile(generator)).parents[1]
    found = set()
    for path in sorted(folder.rglob("[a-z]*.py")):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        module = importlib.import_module(f"dualcontrast.layers.{name}")
        own = [x for x in vars(module).values() if getattr(x, "__module__", "") == module.__name__]
        found |= {x for x in own if inspect.isclass(x) and issubclass(x, keras.layers.Layer)}
    assert found - COMMON == {cls for cls, _, _ in LAYERS.values()}


@every_layer
def test_the_example_in_the_documentation_runs(name):
    found = doctest.testmod(inspect.getmodule(EVERY[name][0]), extraglobs={"tf": tf, "san": san})
    assert found.attempted and not found.failed


@pytest.mark.parametrize("name", LAYERS)
def test_the_configuration_makes_the_same_layer(name):
    cls, arguments, _ = LAYERS[name]
    layer = cls(**arguments, name="named", dtype="mixed_bfloat16")
    again = cls.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "named" and again.dtype_policy.name == "mixed_bfloat16"
    if cls.__init__ is keras.layers.Layer.__init__:
        return  # It has no arguments of its own.
    for argument, parameter in inspect.signature(cls.__init__).parameters.items():
        if argument not in ("self", "kwargs"):
            assert arguments[argument] != parameter.default, f"the test leaves out {argument}"
            assert again.get_config()[argument] == arguments[argument]


@every_layer
def test_a_saved_layer_is_the_same_once_loaded(name, tmp_path):
    layer, inputs = _build(name)
    _fill(layer)
    ends = [keras.Input(x.shape[1:], dtype=x.dtype.name) for x in inputs]
    model = keras.Model(ends, layer(*ends))
    expected = model(inputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not np.allclose(expected, 0)
    np.testing.assert_array_equal(loaded(inputs), expected)
    assert [v.shape for v in loaded.trainable_variables] == [
        v.shape for v in model.trainable_variables
    ]


@pytest.mark.parametrize("name", ["generator", "discriminator", *FLOAT32_OUT[-4:]])
def test_a_network_is_saved_without_a_model_around_it(name, tmp_path):
    network, inputs = _build(name)
    _fill(network)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(*inputs), network(*inputs))
    network.save_weights(tmp_path / "network.weights.h5")
    other, _ = _build(name)
    other.load_weights(tmp_path / "network.weights.h5")
    np.testing.assert_array_equal(other(*inputs), network(*inputs))


@every_layer
def test_variables_are_made_when_the_layer_is_built(name):
    cls, arguments, shapes = EVERY[name]
    layer = cls(**arguments)
    assert not layer.variables
    layer.build(*_known(shapes))
    built = [v.path for v in layer.variables]
    assert built or name == "minibatch_stddev"
    layer(*_zeros(shapes))
    assert [v.path for v in layer.variables] == built


@every_layer
def test_a_layer_that_is_called_builds_itself_to_the_shape_it_declares(name):
    cls, arguments, shapes = EVERY[name]
    layer = cls(**arguments)
    out = layer(*_zeros(shapes))
    assert tuple(layer.compute_output_shape(*_known(shapes))) == tuple(out.shape)


@every_layer
def test_a_traced_layer_with_an_unknown_batch_gives_the_eager_values(name):
    layer, inputs = _build(name)
    _fill(layer)
    signature = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in inputs]
    traced = tf.function(layer, input_signature=signature)
    np.testing.assert_allclose(traced(*inputs), layer(*inputs), rtol=1e-5, atol=1e-5)


# The minibatch deviation is of groups: samples i, i + 2 and i + 4 of six.
GROUPED = (
    *("minibatch_stddev", "discriminator", "stylegan_discriminator"),
    "unet_stylegan2_discriminator",
)


@every_layer
def test_what_a_sample_becomes_does_not_depend_on_the_rest_of_its_batch(name):
    layer, inputs = _build(name)
    _fill(layer)
    kept = [0, 2, 4] if name.split()[0] in GROUPED else [4, 1]
    alone = layer(*(tf.gather(x, kept) for x in inputs))
    expected = tf.gather(layer(*inputs), kept)
    np.testing.assert_allclose(alone, expected, rtol=1e-5, atol=1e-5)


@every_layer
def test_two_replicas_compute_what_one_computes_of_each_share(name):
    # No collectives: another strategy in the same process would use the same keys for its own.
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one, inputs = _build(name)
    _fill(one)
    with strategy.scope():
        two, _ = _build(name)
        _fill(two)

    def gradients(layer, share):
        return _gradients(layer, [tf.gather(x, 2 * tf.range(3) + share) for x in inputs])

    @tf.function(autograph=False)
    def step():
        def replica():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            return gradients(two, number)

        return strategy.experimental_local_results(strategy.run(replica))

    for share, found in enumerate(step()):
        expected = gradients(one, share)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)


# Of so many ReLUs one bends within 1e-7 on one side; the slope on the other agrees to 6e-6 there,
# and both together to 5e-12 within this step.
STEPS = {"biggan_generator without attention": 3e-8}


@pytest.mark.parametrize("name", [name for name in EVERY if name != "class_table"])
def test_second_derivatives_match_finite_differences(name):
    # P = |gradient in the inputs|^2, as in R1 and path length, along one direction of all variables
    # and inputs together. A lost second-order path would be missing from the slope.
    layer, inputs = _build(name, "float64")
    labels = inputs[len(_real(inputs)) :]
    inputs = _real(inputs)
    _fill(layer)
    _converge(layer)
    variables = _of_a_call(layer)
    values = [*inputs, *(tf.identity(v.value) for v in variables)]
    draw = np.random.default_rng(1)
    directions = [tf.constant(draw.standard_normal(v.shape)) for v in values]

    def penalty(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = layer(*inputs, *labels)
            assert out.dtype == tf.float64
            y = np.cos(np.arange(out.shape.num_elements())).reshape(out.shape)
            projected = tf.reduce_sum(out**2 * y)
        return tf.add_n([tf.reduce_sum(g**2) for g in tape.gradient(projected, inputs)])

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        p = penalty(inputs)
    gradients = tape.gradient(p, [*inputs, *(v.value for v in variables)])
    slope = sum(tf.reduce_sum(g * d) for g, d in zip(gradients, directions))

    def at(step):
        moved = [v + step * d for v, d in zip(values, directions)]
        for variable, value in zip(variables, moved[len(inputs) :]):
            variable.assign(value)
        return penalty(moved[: len(inputs)])

    step = STEPS.get(name, 1e-6)
    finite = (at(step) - at(-step)) / (2 * step)
    assert np.isfinite(slope) and abs(slope) > 1e-6
    np.testing.assert_allclose(slope, finite, rtol=1e-6)


@every_layer
def test_mixed_precision_gives_gradients_near_those_of_float32(name):
    full, inputs = _build(name)
    mixed, _ = _build(name, "mixed_bfloat16")
    for variable, value in zip(mixed.variables, full.variables):
        assert variable.dtype == "float32"
        variable.assign(value)
    out = mixed(*inputs)
    assert out.dtype == (tf.float32 if name.split()[0] in FLOAT32_OUT else tf.bfloat16)
    a, b = _gradients(full, inputs), _gradients(mixed, inputs)
    assert np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) > 0.99
    # With attention at both of two convolutions of 6 channels, where weights and values are rounded
    # and multiplied, the generator's is 1.061; its synthesis network's, alone, 0.997. Of SNGAN's
    # discriminator, where rounding decides which of few ReLUs are open, 1.055 with 5 channels; of
    # SAGAN's generator 1.030 on a processor that multiplies bfloat16 itself (AVX512_BF16).
    rounded = ("generator", "sngan_discriminator", "sagan_generator")
    tolerance = 0.07 if name in rounded else 0.03
    assert np.linalg.norm(b) / np.linalg.norm(a) == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize(
    "name, bad, named",
    [
        ("equalized_dense", {"units": 0}, "units must be >= 1, got 0"),
        ("equalized_dense", {"learning_rate_multiplier": 0}, "learning_rate_multiplier .* got 0"),
        ("equalized_dense", {"activation": "relu"}, "activation must be .* got 'relu'"),
        ("conv2d", {"kernel_size": 2}, r"expected 1 or 3 taps a side.* got \(2, 2\), 'same'"),
        ("conv2d", {"padding": "valid"}, "padding 'same', .* 'valid'"),
        ("conv2d", {"strides": 2}, r"no strides.* \(2, 2\), \(1, 1\) and 1"),
        ("equalized_conv2d", {"filters": 0}, "filters must be >= 1, got 0"),
        ("equalized_conv2d", {"kernel_size": 2}, "kernel_size must be odd, got 2"),
        ("equalized_conv2d", {"kernel_size": -1}, "kernel_size must be odd, got -1"),
        ("equalized_conv2d", {"activation": None}, "activation must be .* got None"),
        ("modulated_conv2d", {"filters": 0}, "filters must be >= 1, got 0"),
        ("modulated_conv2d", {"kernel_size": 4}, "kernel_size must be odd.* got 4"),
        ("modulated_conv2d", {"kernel_size": 1}, "3 with upsample, got 1"),
        ("mapping_network", {"w_size": 0}, "w_size .* got 0"),
        ("mapping_network", {"layers": -1}, "layers must be >= 1.* -1"),
        ("mapping_network", {"learning_rate_multiplier": -1}, "learning_rate_multiplier .* got -1"),
        ("batch_normalisation", {"decay": 1.0}, "decay must be in .* got 1.0"),
        ("batch_normalisation", {"epsilon": 0}, "epsilon must be > 0, got 0"),
        ("class_table", {"units": 0}, "units and classes must be >= 1, got 0 and 3"),
        ("up_block", {"filters": 0}, "filters must be >= 1, got 0"),
        ("down_block", {"filters": 0}, "filters must be >= 1, got 0"),
        ("sngan_generator", {"resolution": 16}, "one of .32, 64, 128, 256., got 16"),
        ("sngan_generator", {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ("sngan_generator", {"latent_size": 0}, "latent_size .* got 0"),
        ("sngan_generator", {"width": 0}, "width must be >= 1, got 0"),
        ("sngan_discriminator", {"resolution": 512}, "one of .32, 64, 128, 256., got 512"),
        ("sngan_discriminator", {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ("sagan_generator", {"resolution": 256}, "one of .32, 64, 128., got 256"),
        ("sagan_generator", {"attention_resolution": 32}, "must be one of .8, 16., got 32"),
        ("sagan_discriminator", {"attention_resolution": 4}, "must be one of .8, 16., got 4"),
        ("biggan_normalisation", {"hidden": -1}, "hidden must be >= 0, got -1"),
        ("biggan_normalisation", {"decay": -0.1}, "decay must be in .* got -0.1"),
        ("biggan_up_block", {"filters": 0}, "filters must be >= 1, got 0"),
        ("biggan_generator", {"latent_size": 6}, "latent_size must be a multiple of 4, got 6"),
        ("biggan_generator", {"attention_resolution": 32}, "must be one of .8, 16., got 32"),
        ("biggan_discriminator", {"resolution": 512}, "one of .32, 64, 128, 256., got 512"),
        ("r3gan_convolution", {"kernel_size": 5}, "kernel_size must be 1 or 3, got 5"),
        ("r3gan_convolution", {"groups": 4}, "groups must .* divide the filters, got 4 of 6"),
        ("r3gan_residual_block", {"depth": 0}, "must be >= 1, got 3, 0 and 3"),
        ("r3gan_up_transition", {"filters": 0}, "filters must be >= 1, got 0"),
        ("r3gan_down_transition", {"filters": 0}, "filters must be >= 1, got 0"),
        ("r3gan_generator", {"resolution": 12}, "resolution must be a power of two .* got 12"),
        ("r3gan_generator", {"latent_size": 0}, "latent_size must be >= 1, got 0"),
        ("r3gan_generator", {"group_width": 5}, "group_width=5 does not divide the 18 .* at 4x4"),
        ("r3gan_discriminator", {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ("r3gan_discriminator", {"blocks": 0}, "blocks, expansion .* >= 1, got 0, 3 and 2"),
        ("stylegan_convolution", {"filters": 0}, "filters must be >= 1, got 0"),
        ("stylegan_convolution", {"resampling": "u"}, "one of .'none', 'up', 'down'., got 'u'"),
        ("stylegan_convolution", {"kernel_size": 5}, "kernel_size must be 3, or 1 .* got 5"),
        ("stylegan_convolution", {"kernel_size": 1}, "kernel_size .* got 1 with 'up'"),
        ("stylegan_synthesis_layer", {"filters": 0}, "filters must be >= 1, got 0"),
        ("stylegan_synthesis_layer", {"source": "down"}, "source must be one of .* got 'down'"),
        ("stylegan_synthesis_network", {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ("stylegan_discriminator_block", {"filters": 0}, "filters must be >= 1, got 0"),
        ("stylegan_generator", {"truncation_layers": -1}, "truncation_layers .* got -1"),
        ("stylegan_discriminator", {"resolution": 12}, "resolution .* got 12"),
        ("dcgan_generator", {"resolution": 12}, "multiple of 8, got 12"),
        ("dcgan_generator", {"latent_size": 0}, "latent_size .* got 0"),
        ("dcgan_discriminator", {"width": 0}, "width must be >= 1, got 0"),
        ("resnet18_discriminator", {"resolution": 12}, "multiple of 8, got 12"),
        ("basic_block", {"stride": 0}, "filters and stride must be >= 1, got 5 and 0"),
        ("head", {"hidden": 0}, "units and hidden must be >= 1, got 5 and 0"),
        ("minibatch_stddev", {"group": 0}, "group must be >= 1, got 0"),
        ("to_rgb", {"channels": 0}, "channels must be >= 1, got 0"),
        ("synthesis_layer", {"filters": 0}, "filters must be >= 1, got 0"),
        ("synthesis_network", {"resolution": 48}, "resolution must be a power of two .* got 48"),
        ("synthesis_network", {"resolution": 4}, "resolution .* from 8, got 4"),
        ("synthesis_network", {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ("synthesis_network", {"fmap_base": 0}, "fmap_base .* got 0"),
        ("synthesis_network", {"attention_resolution": 4}, "from 8 to 8, got 4"),
        ("generator", {"attention_resolution": 16}, "from 8 to 8, got 16"),
        ("discriminator_block", {"filters": 0}, "filters must be >= 1, got 0"),
        ("discriminator", {"attention_resolution": 4}, "from 8 to 16, got 4"),
        ("generator", {"resolution": 0}, "resolution .* got 0"),
        ("generator", {"channels": 5}, "channels must be 1, 3 or 4, got 5"),
        ("generator", {"latent_size": 0}, "latent_size must be >= 1, got 0"),
        ("generator", {"w_size": 0}, "w_size .* got 0"),
        ("generator", {"mapping_layers": -1}, "layers must be >= 1.* -1"),
        ("generator", {"mapping_learning_rate_multiplier": 0}, "learning_rate_multiplier .* got 0"),
        ("generator", {"fmap_max": 0}, "fmap_max .* 0"),
        ("generator", {"w_mean_decay": 1.1}, "w_mean_decay .* got 1.1"),
        ("san", {"patch_size": 4}, "patch_size must be odd, 1 to 31, got 4"),
        ("san", {"patch_size": 33}, "patch_size must be odd, 1 to 31, got 33"),
        ("san", {"reduction": 0}, "reduction.* must be >= 1, got 0"),
        ("san", {"sharing": 0}, "sharing must be >= 1, got .* 0"),
        ("san", {"form": "short"}, "form must be .* got 'short'"),
        ("san", {"border": "wrap"}, "border must be .* got 'wrap'"),
        ("san", {"weight_activation": "relu"}, "activation must be .* got 'relu'"),
        ("reference_attention", {"pairing": "self"}, "pairing must be .* got 'self'"),
        ("sagan", {"value_reduction": 0}, "value_reduction must be >= 1, got 0"),
        ("dfn", {"patch_size": 0}, "patch_size must be odd, 1 to 31, got 0"),
        ("dfn", {"hidden": 0}, "hidden .* must be >= 1, got 0"),
        ("dfn", {"sharing": 0}, "sharing must be >= 1, got .* 0"),
        ("dfn", {"border": "wrap"}, "border must be .* got 'wrap'"),
        ("vt", {"tokens": 0}, "tokens must be >= 1, got 0"),
        ("vt", {"token_size": 3}, "token_size must be even, from 2, got 3"),
        ("vt", {"tokenizer": "cluster"}, "tokenizer must be .* got 'cluster'"),
        ("discriminator", {"resolution": 12}, "resolution .* got 12"),
        ("discriminator", {"channels": 0}, "channels must be 1, 3 or 4, got 0"),
        ("discriminator", {"fmap_max": -1}, "fmap_max .* -1"),
        ("discriminator", {"minibatch_stddev_group": 0}, "group must be >= 1, got 0"),
    ],
)
def test_a_bad_argument_is_named(name, bad, named):
    cls, arguments, _ = LAYERS[name]
    with pytest.raises(ValueError, match=named):
        cls(**{**arguments, **bad})


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"must be \[batch, 8, 8, 4\], got \[6, 16, 16, 4\]"):
        discriminator.Discriminator(8, 4, **NARROW)(tf.zeros([6, 16, 16, 4]))


def test_latents_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"z must be \[batch, 5\], got \[6, 8\]"):
        generator.Generator(**LAYERS["generator"][1])(tf.zeros([6, 8]))
