"""What is predicted of the CUDA kernels follows from shapes, and the documents say the same."""

import pathlib

import pytest

from dualcontrast.tools.benchmarks import kernel_model

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_the_documents_hold_what_the_command_prints(capsys):
    kernel_model.main(["kernel_model"])
    assert capsys.readouterr().out == kernel_model.text()
    assert kernel_model.text() in (ROOT / "docs" / "kernels.md").read_text()


def test_a_filter_reads_and_writes_every_number_once():
    work = kernel_model.resampling("filter", 2, 8, 16, 1, 1, (2, 1), 4)
    # [2, 8, 8, 16] in float32, there and back.
    assert work.moved == 2 * 2 * 8 * 8 * 16 * 4
    # Four products and four sums along each of the axes.
    assert work.operations == 2 * 8 * 8 * 16 * (4 + 4) * 2
    assert work.composition == work.moved


def test_upsampling_skips_the_zeros_that_tensorflow_writes():
    work = kernel_model.resampling("up", 1, 8, 16, 2, 1, (2, 1), 4)
    pixels, out = 8 * 8 * 16, 16 * 16 * 16
    assert work.moved == (pixels + out) * 4
    # Two of four taps meet a pixel: along 8 rows, then along 16.
    assert work.operations == (8 * 16 + 16 * 16) * 16 * 2 * 2
    # Zeros are written and read again.
    assert work.composition == (pixels + 4 * pixels + 4 * pixels + out) * 4


def test_activations_pass_once_and_add_small_sums():
    forward, backward = kernel_model.activation(2, 64, 64, 4)
    tensor = 2 * 64 * 64 * 64 * 4
    noise = 2 * 64 * 64 * 4
    assert forward.moved == 2 * tensor + noise
    # A sum a channel of every 32 rows, and one a row, each written and read.
    assert backward.moved == 3 * tensor + 2 * tensor // 32 + 2 * noise
    assert forward.composition > 2 * forward.moved


@pytest.mark.parametrize(
    "window, maps, moved, operations",
    # Weights, values and output of 32 images of 32x32x512 in float32, counted by hand without the
    # values' border: 0.96 and 2.02 GB.
    [(7, 128, 0.96e9, 1.64e9), (15, 64, 2.02e9, 7.55e9)],
)
def test_attention_moves_its_weights(window, maps, moved, operations):
    for work in kernel_model.aggregation(32, 32, 512, window, maps, 4):
        assert work.moved == pytest.approx(moved, rel=0.05)
        assert work.operations == pytest.approx(operations, rel=0.01)
        assert work.composition > 20 * work.moved


def test_half_the_bytes_take_half_the_time_and_no_fewer_operations():
    for wide, narrow in zip(kernel_model.predictions(4), kernel_model.predictions(2), strict=True):
        assert narrow.operations == wide.operations
        assert 0.45 < narrow.moved / wide.moved < 0.6


def test_time_is_bandwidth_or_rate_whichever_is_longer():
    gpu = kernel_model.Gpu("a GPU", "a GPU", bandwidth=100.0, rate=10.0, tf32=10.0, bfloat16=10.0)
    work = kernel_model.Prediction("", "", (), moved=300, operations=20, composition=0)
    assert work.seconds(gpu) == 3
    busy = kernel_model.Prediction("", "", (), moved=300, operations=70, composition=0)
    assert busy.seconds(gpu) == 7
