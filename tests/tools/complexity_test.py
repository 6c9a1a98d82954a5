"""dualcontrast-complexity as a user runs it."""

import json

import pytest

KINDS = ["none", "dfn", "vt", "sagan", "san"]


@pytest.fixture(name="results", scope="module")
def _results(bench, tmp_path_factory):
    """What the tool answers to each of these, and the files that it wrote."""
    folder = tmp_path_factory.mktemp("complexity")
    commands = {
        "256": ["--config=stylegan2_e", "--resolution=256"],
        "128": ["--config=stylegan2_e", "--resolution=128"],
        "table": ["--table"],
        "siamese": [
            "--config=demo",
            "--config.data.resolution=32",
            "--channels=1",
            "--config.discriminator.attention.pairing=reference",
        ],
    }
    arguments = [[*given, f"--json={folder / name}"] for name, given in commands.items()]
    found = {}
    for name, (code, out, err) in zip(commands, bench.calls("complexity", *arguments)):
        assert (code, err) == (0, ""), name
        found[name] = out, json.loads((folder / name).read_text())
    return found


@pytest.mark.parametrize(
    "resolution, generator, discriminator, parameters",
    [("256", "14.90", "15.38", 48_768_547), ("128", "11.27", "11.62", 48_407_582)],
)
def test_config_e_has_the_published_size_and_its_true_work(
    results, resolution, generator, discriminator, parameters
):
    out, content = results[resolution]
    works = [content[name]["multiply_adds"] for name in ("generator", "discriminator")]
    assert [f"{work / 1e9:.2f}" for work in works] == [generator, discriminator]
    assert content["parameters"] == parameters
    assert content["multiply_adds"] == sum(works)
    both = f"both networks: {parameters:,} parameters, {sum(works) / 1e9:.2f} G multiply-adds"
    assert both in out
    assert "for each reference" not in out


def test_every_layer_is_listed_with_what_it_adds(results):
    out, content = results["256"]
    for network in ("generator", "discriminator"):
        rows = content[network]["rows"]
        for key in ("parameters", "multiply_adds"):
            assert sum(row[key] for row in rows) == content[network][key]
        assert all(row["name"] in out for row in rows)
    first = content["discriminator"]["rows"][1]
    work = 9 * 64 * 64 * 256 * 256
    assert first == {
        "name": "256x256/same",
        "shape": [256, 256, 64],
        "parameters": 9 * 64 * 64 + 64,
        "multiply_adds": work,
        "attention_weights": 0,
    }


def test_the_papers_table_has_its_numbers_beside_ours(results):
    out, content = results["table"]
    rows = content["table"]
    assert [row["attention"] for row in rows] == KINDS
    assert [row["parameters"] for row in rows] == [
        48_768_547,
        49_035_811,
        52_446_755,
        46_736_932,
        48_431_651,
    ]
    published = [48_770_000, 177_600_000, 240_090_000, 44_990_000, 48_430_000]
    assert [row["published_parameters"] for row in rows] == published
    # Per image at 32x32, 512 channels: the convolution away, SAN's four parts and its sum instead.
    san = 2 * 512 * 128 + 512 * 512 + 50 * 128 * 128 + 128 * 49 * 128 + 49 * 512
    change = rows[4]["multiply_adds"] - rows[0]["multiply_adds"]
    assert change == 1024 * (san - 9 * 512 * 512)
    assert [line for line in out.splitlines() if line.startswith("san ")] == [
        "san              48.43 M    1.08 G      48,431,651         29.96 G"
    ]
    assert "FLOPS. The published column is not what an image costs" in out
    assert "generator" not in content


def test_a_reference_costs_the_layers_before_the_attention(results):
    out, content = results["siamese"]
    assert content["resolution"] == 32 and content["channels"] == 1
    # 16 maps at 32x32, 32 from 16x16 on; skips are 1x1.
    from_rgb = 16 * 1024
    first = 9 * 16 * 16 * 1024 + (9 + 1) * 16 * 32 * 256
    second = 9 * 32 * 32 * 256 + (9 + 1) * 32 * 32 * 64
    expected = from_rgb + first + second
    assert content["discriminator"]["reference_multiply_adds"] == expected
    assert f"{expected / 1e9:.2f} G for each reference" in out


def test_mistakes_are_answered_in_a_line_or_two(bench, tmp_path):
    demo = "--config=demo"
    cases = [
        ([], ["--config is missing"]),
        (["--table", "--resolution=128"], ["--config is missing"]),
        (["--table", "--config.generator.fmap_max=64"], ["--config is missing"]),
        ([demo], ["--resolution is missing"]),
        ([demo, "--resolution=48"], ["data.resolution", "48", "power of two"]),
        ([demo, "--resolution=32", "--channels=2"], ["data.channels", "got 2"]),
        ([demo, "--resolution=0"], ["data.resolution", "got 0"]),
        (
            [demo, "--config.data.resolution=64", "--resolution=32"],
            ["--resolution=32", "data.resolution=64"],
        ),
        (
            [demo, "--resolution=16", "--config.generator.attention.kind=san"],
            ["generator.attention.resolution=32 is larger"],
        ),
        (
            [demo, "--resolution=32", f"--json={tmp_path / 'no' / 'x'}"],
            ["no/x cannot be written: No such file"],
        ),
        (["more"], ["more"]),
    ]
    results = bench.calls("complexity", *(arguments for arguments, _ in cases))
    for (arguments, words), (code, _, err) in zip(cases, results, strict=True):
        assert code == 2, (arguments, err)
        assert 1 <= len(err.strip().splitlines()) <= 2, (arguments, err)
        assert [word for word in words if word not in err] == [], (arguments, err)
