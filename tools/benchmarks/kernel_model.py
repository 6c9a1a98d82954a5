"""Predicts what the CUDA kernels move and how long they take, as a table in Markdown.

  python -m dualcontrast.tools.benchmarks.kernel_model

A prediction, nothing is run: seconds = max(bytes / bandwidth, operations / peak rate) with the
makers' figures for the GPUs. `python -m dualcontrast.tools.gpu_check` measures the same kernels.
"""

import dataclasses

from dualcontrast.trainer import errors

TAPS = 4  # of the [1, 3, 3, 1] filter
ROWS_OF_TILE = 32  # of bias_act: a tile gives one sum a channel
BYTES_OF_CHUNK = 512  # of bias_act: a chunk gives one sum a row


@dataclasses.dataclass(frozen=True)
class Gpu:
    """What a GPU can do by its maker's data sheet.

    Attributes:
      name: as people say it.
      called: a part of what its driver calls it.
      bandwidth: of its memory, bytes a second.
      rate: float32 operations a second, without tensor cores.
      tf32, bfloat16: operations a second of its tensor cores in these types, summed in float32 and
        without sparsity.
    """

    name: str
    called: str
    bandwidth: float
    rate: float
    tf32: float
    bfloat16: float


GPUS = (
    Gpu("A100 80GB", "A100", 2039e9, 19.5e12, 156e12, 312e12),
    Gpu("H100 SXM", "H100 80GB HBM3", 3350e9, 66.9e12, 494.7e12, 989.4e12),
    Gpu("RTX 4090", "RTX 4090", 1008e9, 82.6e12, 82.6e12, 165.2e12),
)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A kernel's work.

    Attributes:
      kernel: what runs.
      size: its tensors, for the reader.
      arguments: the same for the program of gpu_check, less the type.
      moved: bytes read and written, every tensor once.
      operations: float32 additions and multiplications.
      composition: bytes that TensorFlow's operations move for the same result.
    """

    kernel: str
    size: str
    arguments: tuple[str, ...]
    moved: int
    operations: int
    composition: int

    def seconds(self, gpu: Gpu) -> float:
        """Returns the time at the GPU's full bandwidth or rate, whichever takes longer."""
        return max(self.moved / gpu.bandwidth, self.operations / gpu.rate)


def resampling(
    kernel: str, batch: int, side: int, channels: int, up: int, down: int, around, width: int
) -> Prediction:
    """Returns the work of upfirdn2d with four taps on squares.

    Args:
      kernel: what to call it.
      batch, side, channels: of the input.
      up, down: of both axes.
      around: padding before and after both axes.
      width: bytes of a number, 4 or 2.
    """
    out = (side * up + sum(around) - TAPS) // down + 1
    read, written = batch * side**2 * channels, batch * out**2 * channels
    # Along the rows of the input, then along the columns of the output.
    operations = 2 * TAPS // up * batch * channels * out * (side + out)
    size = f"[{batch}, {side}, {side}, {channels}] to {out}x{out}"
    numbers = (batch, side, channels, up, down, *around)
    if up == 1:
        composition = (read + written) * width
    elif channels <= 4:  # a small convolution makes four phases, which are then interleaved
        composition = (read + 3 * written) * width
    else:  # zeros are put in between first
        composition = (read + 2 * up**2 * read + written) * width
    if width == 2 and down > 1:  # by way of float32
        composition = read * (2 + 4 + 4) + written * (4 + 4 + 2)
    moved = (read + written) * width
    return Prediction(kernel, size, _words("upfirdn2d", numbers), moved, operations, composition)


def activation(batch: int, side: int, channels: int, width: int) -> list[Prediction]:
    """Returns the work of bias_act with bias, noise and leaky ReLU: forward, then backward.

    Args:
      batch, side, channels: of the tensor.
      width: bytes of a number, 4 or 2.
    """
    rows = batch * side**2
    tensor, noise = rows * channels * width, rows * 4
    size = f"[{batch}, {side}, {side}, {channels}]"
    words = _words("bias_act", (batch, side, channels))
    # Noise is added, bias is added, the slope multiplies: three operations there, each a pass.
    forward = Prediction(
        "bias_act", size, words, 2 * tensor + noise, 3 * rows * channels, 6 * tensor + noise
    )
    # Sums of tiles are written and read again to be summed.
    tiles = -(-rows // ROWS_OF_TILE) * channels * 4
    chunks = -(-channels * width // BYTES_OF_CHUNK) * noise
    moved = 3 * tensor + 2 * tiles + 2 * chunks
    words = _words("bias_act_backward", (batch, side, channels))
    # There: the gradient, then a pass for each of the two sums.
    backward = Prediction(
        "bias_act, backward", size, words, moved, 3 * rows * channels, 5 * tensor + noise
    )
    return [forward, backward]


def aggregation(
    batch: int, side: int, channels: int, window: int, maps: int, width: int
) -> list[Prediction]:
    """Returns the work of local_aggregation: output, weights' gradient, values' gradient.

    Args:
      batch, side, channels: of the output.
      window: side of the neighbourhood.
      maps: weights a tap.
      width: bytes of a number, 4 or 2.
    """
    taps, padded = window**2, side + window - 1
    output, values = batch * side**2 * channels, batch * padded**2 * channels
    weights = batch * side**2 * taps * maps
    size = f"[{batch}, {side}, {side}, {channels}], window {window}, {maps} maps"
    # TensorFlow computes in float32, tap by tap: slices of both, their product, the running sum.
    tap, slices = output * 4, weights // taps * 4
    compositions = {
        "": taps * (7 * tap + 3 * slices),
        ", gradient of weights": taps * (6 * tap + 3 * slices),
        ", gradient of values": taps * (3 * tap + 3 * slices + 4 * tap * padded // side),
    }
    widened = (weights + values + output) * (2 + 4) if width == 2 else 0
    commands = ("aggregation", "aggregation_weights", "aggregation_values")
    return [
        Prediction(
            f"local_aggregation{of}",
            size,
            _words(command, (batch, side, channels, window, maps)),
            (weights + values + output) * width,
            2 * output * taps,
            composition + widened,
        )
        for command, (of, composition) in zip(commands, compositions.items())
    ]


def predictions(width: int) -> list[Prediction]:
    """Returns the work at the sizes that matter: StyleGAN2 config E at 256x256, and attention.

    Args:
      width: bytes of a number, 4 or 2.
    """
    return [
        resampling("upfirdn2d, filter (G)", 32, 257, 64, 1, 1, (1, 1), width),
        resampling("upfirdn2d, filter (D)", 32, 256, 64, 1, 1, (2, 2), width),
        resampling("upfirdn2d, down 2 (D)", 32, 256, 64, 1, 2, (1, 1), width),
        resampling("upfirdn2d, up 2 (RGB)", 32, 128, 3, 2, 1, (2, 1), width),
        resampling("upfirdn2d, up 2 (D, backward)", 32, 128, 64, 2, 1, (2, 1), width),
        *activation(32, 256, 64, width),
        *activation(32, 32, 512, width),
        *aggregation(32, 32, 512, 7, 128, width),
        *aggregation(32, 32, 512, 15, 64, width),
    ]


def table(width: int) -> str:
    """Returns the predictions as a table in Markdown.

    Args:
      width: bytes of a number, 4 or 2.
    """
    heads = ["kernel", "tensors", "moved, MB", "GFLOP", "FLOP a byte"]
    heads += [f"{gpu.name}, ms" for gpu in GPUS]
    heads += ["TensorFlow's operations move, MB", "times as much"]
    lines = [heads, ["---"] * 2 + ["---:"] * (len(heads) - 2)]
    lines += [_row(prediction) for prediction in predictions(width)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text() -> str:
    """Returns both tables under their titles."""
    return f"#### float32\n\n{table(4)}\n\n#### float16, bfloat16\n\n{table(2)}\n"


def main(argv: list[str]) -> None:
    """Prints the tables."""
    errors.no_arguments(argv)
    print(text(), end="")


def run() -> None:
    """The console command."""
    errors.run(main)


def _words(command: str, numbers) -> tuple[str, ...]:
    return (command, *map(str, numbers))


def _row(work: Prediction) -> list[str]:
    row = [work.kernel, work.size, f"{work.moved / 1e6:.0f}", f"{work.operations / 1e9:.2f}"]
    row.append(f"{work.operations / work.moved:.1f}")
    row += [f"{work.seconds(gpu) * 1e3:.3f}" for gpu in GPUS]
    return row + [f"{work.composition / 1e6:.0f}", f"{work.composition / work.moved:.1f}"]


if __name__ == "__main__":
    run()
