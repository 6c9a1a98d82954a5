"""StyleGAN's networks in NumPy, written from the paper and the program's description alone.

Convolutions are loops over taps; up and down go by the two ways of the published program, one for
small images and one for large ones.
"""

import numpy as np

SLOPE = float(np.float32(0.2))  # an attribute of the operation is a float32


def lrelu(x):
    return np.where(x > 0, x, SLOPE * x)


def convolve(x, kernel):
    """A 3x3 or 1x1 convolution with zeros around, as neural networks do."""
    reach = kernel.shape[0] // 2
    padded = np.pad(x, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
    height, width = x.shape[1:3]
    return sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    )


def blur(x):
    taps = np.outer([1, 2, 1], [1, 2, 1]) / 16
    return convolve(x, taps[:, :, None, None] * np.eye(x.shape[-1]))


def halve(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def double(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def shifted_sum(kernel):
    """The 4x4 kernel of one convolution of stride 2: four shifted copies, added."""
    padded = np.pad(kernel, [(1, 1), (1, 1), (0, 0), (0, 0)])
    return padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]


def up_small(x, kernel):
    return blur(convolve(double(x), kernel))


def up_large(x, kernel):
    """Every pixel adds the 4x4 kernel to its place, two pixels from the next one's."""
    wide = shifted_sum(kernel)
    batch, height, width, _ = x.shape
    out = np.zeros([batch, 2 * height + 2, 2 * width + 2, kernel.shape[-1]])
    for row, column in np.ndindex(height, width):
        added = np.einsum("nc,ijco->nijo", x[:, row, column], wide)
        out[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += added
    return blur(out[:, 1:-1, 1:-1])


def down_small(x, kernel):
    return halve(convolve(blur(x), kernel))


def down_large(x, kernel):
    wide = shifted_sum(kernel) / 4
    padded = np.pad(blur(x), [(0, 0), (1, 1), (1, 1), (0, 0)])
    batch, height, width, _ = x.shape
    out = np.empty([batch, height // 2, width // 2, kernel.shape[-1]])
    for row, column in np.ndindex(out.shape[1:3]):
        seen = padded[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
        out[:, row, column] = np.einsum("nijc,ijco->no", seen, wide)
    return out


def adain(x, w, kernel, bias):
    """Instance normalisation, then 1 + the first half of the style as factor, the other added."""
    style = w @ kernel / np.sqrt(w.shape[-1]) + bias
    factor, shift = np.split(style[:, None, None, :], 2, axis=-1)
    x = x - x.mean(axis=(1, 2), keepdims=True)
    x = x / np.sqrt((x**2).mean(axis=(1, 2), keepdims=True) + 1e-8)
    return x * (factor + 1) + shift


class Weights:
    """The variables of a network by the end of their path, and a kernel's scale."""

    def __init__(self, network):
        self._values = {v.path.split("/", 1)[1]: v.numpy() for v in network.variables}

    def __call__(self, name):
        return self._values[name]

    def kernel(self, name, gain=np.sqrt(2)):
        kernel = self(f"{name}/kernel")
        return kernel * gain / np.sqrt(np.prod(kernel.shape[:3]))


def epilogue(at, name, x, w, noise):
    x = lrelu(x + noise * at(f"{name}/strength") + at(f"{name}/bias"))
    return adain(x, w, at(f"{name}/adain/style/kernel"), at(f"{name}/adain/style/bias"))


def synthesis(network, w, noise, lod=0.0):
    """Images of a built network that grows, at a level of detail."""
    at = Weights(network)
    sides = network.resolutions
    x = np.repeat(at("constant"), len(w), axis=0)
    image = None
    for k, side in enumerate(sides):
        if side == 4:
            x = epilogue(at, "4x4_input", x, w[:, 0], noise[0])
        else:
            # The variable is that of the transposed convolution: [rows, columns, out, in].
            name = f"{side}x{side}_up"
            kernel = at(f"{name}/convolution/kernel")
            fan_in = 9 * kernel.shape[3]
            kernel = kernel.swapaxes(2, 3) * np.sqrt(2 / fan_in)
            x = epilogue(at, name, up_large(x, kernel), w[:, 2 * k], noise[2 * k])
        name = f"{side}x{side}"
        x = convolve(x, at.kernel(f"{name}/convolution"))
        x = epilogue(at, name, x, w[:, 2 * k + 1], noise[2 * k + 1])
        fine = convolve(x, at.kernel(f"{name}_rgb", 1)) + at(f"{name}_rgb/bias")
        if image is None:
            image = fine
            continue
        share = np.clip(lod - (len(sides) - 1 - k), 0, 1)
        image = fine + (double(image) - fine) * share
    return image


def logits(network, images, lod=0.0, group=4):
    """Logits of a built discriminator that grows, at a level of detail."""
    at = Weights(network)

    def from_rgb(image):
        name = "{0}x{0}_rgb".format(image.shape[1])
        return lrelu(convolve(image, at.kernel(name)) + at(f"{name}/bias"))

    x = from_rgb(images)
    for level, side in enumerate(network.resolutions[:-1]):
        name = f"{side}x{side}"
        x = lrelu(convolve(x, at.kernel(f"{name}/same")) + at(f"{name}/same/bias"))
        x = lrelu(down_small(x, at.kernel(f"{name}/down")) + at(f"{name}/down/bias"))
        images = halve(images)
        x = x + (from_rgb(images) - x) * np.clip(lod - level, 0, 1)
    groups = x.reshape(group, -1, *x.shape[1:])
    deviation = np.sqrt(groups.var(axis=0) + 1e-8).mean(axis=(1, 2, 3))
    plane = np.tile(deviation, group)[:, None, None, None] * np.ones([1, 4, 4, 1])
    x = np.concatenate([x, plane], axis=-1)
    x = lrelu(convolve(x, at.kernel("4x4_conv")) + at("4x4_conv/bias"))
    x = x.reshape(len(x), -1)
    kernel = at("4x4_dense/kernel")
    x = lrelu(x @ kernel * np.sqrt(2 / len(kernel)) + at("4x4_dense/bias"))
    kernel = at("logit/kernel")
    return (x @ kernel / np.sqrt(len(kernel)) + at("logit/bias"))[:, 0]
