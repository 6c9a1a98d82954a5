"""dualcontrast-attention-maps as a user runs it, and the maps that it draws."""

import dataclasses
import json
import math
import pathlib

import numpy as np
import pytest
from PIL import Image

from dualcontrast.layers.attention import san
from dualcontrast.tools.attention import attention_figure, attention_weights, dots
from dualcontrast.tools.sampling import sampler
from dualcontrast.tools.scenes import raytrace, scenes, solids
from dualcontrast.trainer import files, pictures, seeds, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation
from dualcontrast.trainer.data import image_stream, manifest
from dualcontrast.trainer.errors import UserError

SMALL = {
    "data.resolution": 16,
    "data.channels": 3,
    "generator.latent_size": 8,
    "generator.w_size": 12,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 64,
    "generator.fmap_max": 8,
    "generator.attention.resolution": 8,
    "generator.attention.vt.tokens": 4,
    "generator.attention.vt.token_size": 8,
    "discriminator.fmap_base": 64,
    "discriminator.fmap_max": 8,
    "training.batch_size": 4,
}
RUNS = {
    "both": {"generator.attention.kind": "san", "discriminator.attention.pairing": "reference"},
    "generator": {"generator.attention.kind": "san", "data.labels": True},
    "discriminator": {"discriminator.attention.pairing": "self", "data.labels": True},
}
# Titles, a row of panels and gaps: 160 pixels a panel, 4 of frame on both sides, 8 between, and
# below every row 18 for what its maps range over.
STEP, MARGIN, DOWN = 176, 8, 176 + 18


def make(**changes: object) -> schema.Config:
    config = schema.replace(schema.Config(), {**SMALL, **changes})
    return schema.replace(config, {"data.classes": 3 if config.data.labels else None})


@pytest.fixture(name="runs", scope="module")
def _runs(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs")
    configs = {name: make(**changes) for name, changes in RUNS.items()}
    tiny = {"generator.latent_size": 4, "generator.width": 2, "generator.architecture": "dcgan"}
    tiny |= {"discriminator.width": 2, "discriminator.architecture": "dcgan"}
    tiny |= {"data.resolution": 8, "data.channels": 3}
    configs["none"] = schema.replace(config_flags.load("sngan_adv"), tiny)
    for name, config in configs.items():
        trained = state.State(config)
        trained.images_seen.assign(4000)
        checkpoint.Checkpoints(folder / name, trained, keep=2).save()
        files.write(folder / name / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return folder


@pytest.fixture(name="data", scope="module")
def _data(bench, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("data")
    bench.convert(bench.folder(folder / "in", 5), folder / "data")
    return folder / "data"


@pytest.fixture(name="drawn", scope="module")
def _drawn(bench, runs, data, tmp_path_factory):
    """Where the tool wrote what, and what it printed."""
    folder = tmp_path_factory.mktemp("drawn")
    commands = {
        "both": [f"--run={runs / 'both'}", f"--data={data}", "--seeds=3,0-1"],
        "again": [f"--run={runs / 'both'}", f"--data={data}", "--seeds=3,0-1"],
        "without data": [f"--run={runs / 'both' / 'checkpoints' / 'images-4000'}", "--seeds=3"],
        "given": [f"--run={runs / 'generator'}", "--seeds=3", "--dots=0,0;1,0.49"],
        "corner": [f"--run={runs / 'generator'}", "--seeds=3", "--dots=0,0"],
        "reflected": [f"--run={runs / 'generator'}", "--seeds=3", "--dots=0,0", "--reflections"],
        "self": [f"--run={runs / 'discriminator'}", f"--data={data}", "--seeds=3-4"],
    }
    arguments = [[*given, f"--output={folder / name}"] for name, given in commands.items()]
    found = {}
    for name, (code, out, err) in zip(commands, bench.calls("attention_maps", *arguments)):
        assert (code, err) == (0, ""), (name, err)
        found[name] = folder / name, out
    return found


def pixels(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_both_networks_have_a_picture_with_a_row_a_seed(drawn):
    folder, out = drawn["both"]
    content = json.loads((folder / "attention.json").read_text())
    for network, columns in (("generator", 4), ("discriminator", 5)):
        height, width, _ = pixels(folder / f"{network}.png").shape
        assert width == columns * STEP + MARGIN
        assert 3 * DOWN < height < 3 * DOWN + 40
        assert str(folder / f"{network}.png") in out
        for row in content[network]["rows"]:
            assert [dot["title"] for dot in row["dots"]] == ["object", "background", "boundary"]
            # 49 taps, all of about the same size before any training.
            assert all(3 < dot["entropy"] <= math.log(49) for dot in row["dots"])
            assert all(0 < dot["distance"] < 3 * 2**0.5 for dot in row["dots"])
            assert all(0 < dot["of_even"][0] < 1 < dot["of_even"][1] for dot in row["dots"])
        assert sum(content[network]["spread"].values()) == pytest.approx(1)
        assert content[network]["entropy_of_chance"] < math.log(49)
    assert [row["seed"] for row in content["generator"]["rows"]] == [3, 0, 1]
    assert content["generator"]["images_seen"] == 4000
    assert content["discriminator"]["data_seed"] == 3
    assert content["checkpoint"].endswith("images-4000")


def test_the_same_command_draws_the_same_pictures(bench, drawn):
    assert bench.bytes_of(drawn["both"][0]) == bench.bytes_of(drawn["again"][0])


def test_without_data_only_the_generator_is_drawn_and_the_tool_says_so(bench, drawn):
    folder, out = drawn["without data"]
    assert sorted(bench.bytes_of(folder)) == ["attention.json", "generator.png"]
    assert "--data=DATA" in out


def hidden(picture: np.ndarray, row: int, column: int, image: np.ndarray) -> int:
    """How many pixels of a panel are not the image's; dots hide some."""
    top, left = picture.shape[0] - (3 - row) * DOWN + 4, MARGIN + column * STEP + 4
    # The middles of the 10x10 squares that a pixel is shown as.
    shown = picture[top : top + 160, left : left + 160][5::10, 5::10]
    return int(np.any(shown != image, axis=-1).sum())


def test_the_pictures_show_what_the_generator_makes(runs, drawn):
    generator, _, _ = checkpoint.load_average(str(runs / "both"))
    picture = pixels(drawn["both"][0] / "generator.png")
    for row, image in enumerate(sampler.Sampler(generator, 1.0, False).from_seeds([3, 0, 1])):
        assert hidden(picture, row, 0, image) <= 3 * 4


def test_the_pictures_show_reals_and_then_their_references(data, drawn):
    picture = pixels(drawn["both"][0] / "discriminator.png")
    dataset = manifest.open_dataset(data)
    stream = image_stream.image_batches(dataset, batch_size=6, seed=3, start_image=0, mirror=False)
    images = next(iter(stream)).numpy()
    for row in range(3):
        assert hidden(picture, row, 0, images[row]) <= 3 * 4
        assert hidden(picture, row, 1, images[3 + row]) <= 3 * 4


def test_given_dots_are_drawn_in_their_places(drawn):
    folder, _ = drawn["given"]
    (row,) = json.loads((folder / "attention.json").read_text())["generator"]["rows"]
    places = [(dot["row"], dot["column"], dot["title"]) for dot in row["dots"]]
    assert places == [(0, 0, "(0, 0)"), (3, 7, "(1, 0.49)")]
    assert row["label"] == seeds.labels([3], 3)
    picture = pixels(folder / "generator.png")
    top = picture.shape[0] - DOWN
    first, second = picture[top + 1, MARGIN + STEP + 50], picture[top + 1, MARGIN + 2 * STEP + 50]
    # The dots have the colours of their maps' frames.
    shown = picture[top + 4 :, MARGIN + 4 :][:160, :160]
    assert tuple(shown[1, 1]) == tuple(first) != tuple(second)
    assert tuple(shown[int(0.49 * 160), 158]) == tuple(second)


def test_reflections_brighten_a_corner_and_leave_the_statistics(drawn):
    records = [
        json.loads((drawn[name][0] / "attention.json").read_text())
        for name in ("corner", "reflected")
    ]
    assert [record["reflections"] for record in records] == [False, True]
    (cut,), (added,) = (record["generator"]["rows"][0]["dots"] for record in records)
    assert added["largest"] > 1.3 * cut["largest"]
    assert (added["entropy"], added["distance"]) == (cut["entropy"], cut["distance"])


def test_self_attention_of_the_discriminator_has_no_column_of_references(drawn):
    folder, _ = drawn["self"]
    height, width, _ = pixels(folder / "discriminator.png").shape
    assert (width, height // DOWN) == (4 * STEP + MARGIN, 2)
    assert not (folder / "generator.png").exists()


def test_mistakes_are_answered_in_a_line_or_two(bench, runs, data, tmp_path):
    (tmp_path / "file").write_text("")
    other = tmp_path / "other"
    bench.convert(bench.folder(tmp_path / "in", 2, 8), other)
    both, out = f"--run={runs / 'both'}", f"--output={tmp_path / 'out'}"
    cases = [
        (
            [f"--run={runs / 'none'}", out],
            ["none has no attention to draw", "san, dfn, sagan, vt"],
        ),
        ([f"--run={runs / 'discriminator'}", out], ["--data is missing"]),
        (
            [f"--run={runs / 'generator'}", out, f"--data={data}"],
            ["--data has no place", "has no attention"],
        ),
        ([both, out, f"--data={other}"], ["8x8", "16x16"]),
        ([both, out, f"--data={tmp_path / 'no'}"], [str(tmp_path / "no")]),
        ([both, out, "--dots=0.5"], ["--dots=0.5", "x,y"]),
        ([both, out, "--dots=0.5,1.01"], ["'0.5,1.01' is no dot"]),
        ([both, out, "--dots=nan,0"], ["'nan,0' is no dot"]),
        ([both, out, "--dots="], ["'' is no dot"]),
        ([both, out, "--dots=" + ";".join(["0,0"] * 7)], ["7 dots", "at most 6"]),
        ([both, out, "--seeds=5-3"], ["--seeds=5-3"]),
        ([both, out, "--seeds=0-64"], ["65 rows", "64"]),
        ([both, out, "--truncation_psi=nan"], ["--truncation_psi=nan"]),
        ([f"--run={tmp_path / 'no'}", out], ["no run and no checkpoint"]),
        ([both, f"--output={tmp_path / 'file'}", "--seeds=0"], ["cannot be written"]),
        ([both], ["--output"]),
    ]
    results = bench.calls("attention_maps", *(arguments for arguments, _ in cases))
    for (arguments, words), (code, _, err) in zip(cases, results, strict=True):
        assert code == 2, (arguments, err)
        assert 1 <= len(err.strip().splitlines()) <= 2, (arguments, err)
        assert [word for word in words if word not in err] == [], (arguments, err)
    assert not (tmp_path / "out").exists()


def test_a_single_weight_is_a_hot_pixel_at_its_offset():
    # Tap 5 of a 3x3 window is its middle row and right column.
    weights = np.zeros([8, 8, 9, 2], np.float32)
    weights[4, 2, 5] = [3.0, -4.0]
    for border in ("reflect", "zero"):
        found = attention_weights.window_map(weights, (4, 2), 1, border)
        expected = np.zeros([8, 8])
        expected[4, 3] = 5.0
        np.testing.assert_array_equal(found.values, expected)
        assert (found.entropy, found.distance) == (0.0, 1.0)


@pytest.mark.parametrize("tap, place", [(0, (1, 1)), (1, (1, 0)), (3, (0, 1)), (8, (1, 1))])
def test_a_tap_beyond_the_border_is_reflected_or_left_out(tap, place):
    weights = np.zeros([8, 8, 9, 1], np.float32)
    weights[0, 0, tap] = 2.0
    reflected = attention_weights.window_map(weights, (0, 0), 1, "reflect").values
    assert [tuple(hot) for hot in np.argwhere(reflected)] == [place]
    cut = attention_weights.window_map(weights, (0, 0), 1, "zero").values
    assert cut.sum() == (2.0 if tap == 8 else 0.0)


def test_taps_that_meet_in_one_place_add_their_squares():
    weights = np.ones([8, 8, 9, 1], np.float32)
    corner = attention_weights.window_map(weights, (7, 7), 1, "reflect").values
    # The last row is met once, the one before it from both sides.
    np.testing.assert_allclose(corner[6:, 6:], [[2.0, 2**0.5], [2**0.5, 1.0]])
    assert corner.sum() == pytest.approx(3 + 2 * 2**0.5)


def test_sharing_is_the_same_as_equal_weights_for_every_channel():
    weights = np.random.default_rng(0).normal(size=[8, 8, 9, 3])
    shared = attention_weights.window_map(weights, (0, 3), 4, "reflect")
    spread = attention_weights.window_map(np.tile(weights, 4), (0, 3), 1, "reflect")
    np.testing.assert_allclose(shared.values, spread.values, rtol=1e-6)
    assert shared.entropy == pytest.approx(spread.entropy)
    assert shared.distance == pytest.approx(spread.distance)


def test_even_weights_have_the_entropy_of_their_number_and_no_weights_none():
    even = attention_weights.window_map(np.ones([8, 8, 9, 1]), (4, 4), 1, "reflect")
    assert even.entropy == pytest.approx(math.log(9))
    # Of 9 taps 4 are 1 away and 4 on the diagonals.
    assert even.distance == pytest.approx((4 + 4 * 2**0.5) / 9)
    none = attention_weights.window_map(np.zeros([8, 8, 9, 1]), (4, 4), 1, "reflect")
    assert (none.values.max(), none.entropy, none.distance) == (0.0, 0.0, 0.0)


def test_a_pooled_map_has_cells_of_four_pixels():
    weights = np.zeros(16)
    weights[7] = 1.0  # row 1, column 3 of 4x4 cells
    found = attention_weights.global_map(weights, (2, 2), 8)
    assert [tuple(hot) for hot in np.argwhere(found.values)] == [(2, 6), (2, 7), (3, 6), (3, 7)]
    # The cell's middle is at 2.5, 6.5.
    assert found.distance == pytest.approx(np.hypot(0.5, 4.5))


def test_a_generators_weights_are_those_of_its_own_forward_pass():
    network = state.make_generator(make(**{"generator.attention.kind": "san"}))
    (attend,) = (x.convolution.attend for x in network.synthesis.layers if x.attention is not None)
    # Only tap 10 (row 1, column 3 of 7x7), whatever the input.
    bias = np.zeros([49, attend.maps], np.float32)
    bias[10] = 7.0
    attend.to_weights.kernel.assign(np.zeros(attend.to_weights.kernel.shape))
    attend.to_weights.bias.assign(bias.reshape(-1))
    w = sampler.Sampler(network, 1.0, False).styles(np.ones([1, 8], np.float32))
    image, heard = attention_weights.of_generator(network, w)
    assert heard.layer is attend
    np.testing.assert_array_equal(image, network.synthesis(w))
    found = attention_weights.map_of(heard, (4, 4))
    assert [tuple(hot) for hot in np.argwhere(found.values)] == [(2, 4)]
    # bias 7, gain 1 / 7, eight channels.
    assert found.values[2, 4] == pytest.approx(8**0.5)


@pytest.mark.parametrize("kind", ["dfn", "sagan", "vt"])
def test_every_kind_of_attention_makes_a_map(kind):
    network = state.make_generator(make(**{"generator.attention.kind": kind}))
    w = sampler.Sampler(network, 1.0, False).styles(np.ones([1, 8], np.float32))
    _, heard = attention_weights.of_generator(network, w)
    assert (heard.kind, heard.side) == (kind, 8)
    weights, found = heard.weights, attention_weights.map_of(heard, (5, 2))
    assert found.values.shape == (8, 8) and found.values.min() >= 0
    if kind == "dfn":
        rows, columns = np.nonzero(found.values)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 6, 1, 3)
    if kind == "sagan":
        # A share of each 2x2 cell's, four times.
        assert found.values.sum() == pytest.approx(4, rel=1e-5)
        np.testing.assert_allclose(found.values[::2, ::2].ravel(), weights[5 * 8 + 2], rtol=1e-6)
    if kind == "vt":
        token = np.argmax(weights[5 * 8 + 2])
        np.testing.assert_array_equal(found.values.ravel(), weights[:, token])


def test_with_references_the_discriminators_weights_depend_on_the_reference_alone():
    network = state.make_discriminator(make(**{"discriminator.attention.pairing": "reference"}))
    a, b, c = np.random.default_rng(0).normal(size=[3, 1, 16, 16, 3]).astype(np.float32)
    of_a, of_b, swapped = (
        attention_weights.of_discriminator(network, image, reference).weights
        for image, reference in ((a, c), (b, c), (c, b))
    )
    assert of_a.shape == (8, 8, 49, 2)
    np.testing.assert_array_equal(of_a, of_b)
    assert np.abs(of_a - swapped).max() > 1e-3


def solid_share(scene: solids.Scene) -> np.ndarray:
    """How much of a solid a pixel of the scene shows, [32, 32]: what their colour changes."""
    black, white = (
        dataclasses.replace(
            scene,
            solids=tuple(
                dataclasses.replace(solid, colour=(light,) * 3, shiny=False)
                for solid in scene.solids
            ),
        )
        for light in (0.0, 0.9)
    )
    changed = np.subtract(raytrace.picture(white, 32), raytrace.picture(black, 32), dtype=float)
    return changed.mean(axis=-1) / changed.max()


@pytest.mark.parametrize("side", [8, 16])
def test_dots_are_on_what_they_are_named_for(side):
    rims = 0
    for number in range(12):
        share = solid_share(scenes.compose(3, number))
        named = dots.choose(scenes.render(3, number, 32), side)
        assert [dot.title for dot in named] == ["object", "background", "boundary"]
        assert len({dot.place(side) for dot in named}) == 3
        on, off, rim = (dot.place(32) for dot in named)
        assert share[on] > 0.3 and share[off] == 0, number
        around = share[rim[0] - 1 : rim[0] + 2, rim[1] - 1 : rim[1] + 2]
        rims += around.min() < 0.1 and around.max() > 0.3
    assert rims >= 11  # A shadow has a rim too.


@pytest.mark.parametrize("side", [8, 16, 64])
def test_an_image_of_one_colour_has_three_dots_too(side):
    chosen = dots.choose(np.zeros([64, 64, 1], np.uint8), side)
    assert len({dot.place(side) for dot in chosen}) == 3


def test_the_first_dot_of_a_wrong_list_is_named():
    assert dots.parse("dots", "0,1; .5,.25")[1] == dots.Dot(0.5, 0.25, "(0.5, 0.25)")
    with pytest.raises(UserError, match="'0;1' is no dot|'0' is no dot"):
        dots.parse("dots", "0.5,0.5;0;1")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_any_channels_and_size_are_drawn(channels, tmp_path):
    image = np.full([512, 512, channels], 90, np.uint8)
    row = attention_figure.Row([image], [dots.Dot(0.5, 0.5, "a")], [np.eye(8)])
    picture = attention_figure.draw(["image", "a"], [row])
    assert picture.shape == (8 + 20 + 272 + 18, 2 * 272 + 8, 3)
    pictures.save_png(tmp_path / "a.png", picture)


def test_a_map_lies_over_its_image_from_its_least_to_its_most():
    image = np.zeros([8, 8, 3], np.uint8)
    image[:, :4] = 200
    values = np.zeros([8, 8])
    values[2:6, 2:6] = 3.0
    values[3, 3], values[4, 4] = 2.0, 4.0
    assert attention_figure.range_of(values) == (2 / 3, 4 / 3)
    row = attention_figure.Row([image], [dots.Dot(0.95, 0.95, "a")], [values])
    panel = attention_figure.draw(["image", "a"], [row])[28 + 4 :, 176 + 8 + 4 :][:160, :160]
    light = panel[10::20, 10::20].astype(int).sum(axis=-1)
    # Beyond the map the image in half its light; within, the same value is lighter over light.
    assert light[0, 0] == 300 and light[0, 5] == 0
    assert light[2, 2] > light[2, 5] > light[0, 5]
    assert light[3, 3] < light[2, 2] and light[4, 4] > light[2, 5]


def test_a_map_of_nothing_has_no_range_and_can_be_drawn():
    assert attention_figure.range_of(np.zeros([8, 8])) == (0, 0)
    row = attention_figure.Row([np.zeros([8, 8, 3], np.uint8)], [], [np.zeros([8, 8])])
    assert attention_figure.draw(["image", "a"], [row]).any()


def heard(weights: np.ndarray, side: int) -> attention_weights.Heard:
    return attention_weights.Heard(san.SAN(patch_size=3), weights, side)


@pytest.mark.parametrize("part", ["fixed", "place", "image"])
def test_the_spread_of_weights_says_what_they_go_with(part):
    random = np.random.default_rng(0)
    shapes = {"fixed": (1, 1, 1, 9, 2), "place": (1, 8, 8, 9, 2), "image": (6, 8, 8, 9, 2)}
    weights = np.broadcast_to(random.normal(size=shapes[part]), shapes["image"])
    found = attention_weights.spread([heard(image, 8) for image in weights])
    assert found._asdict()[part] == pytest.approx(1, abs=0.02)


def test_the_spread_of_a_sum_has_all_its_parts():
    random = np.random.default_rng(1)
    parts = 3 * random.normal(size=(9, 40)), 2 * random.normal(size=(64, 9, 40))
    weights = parts[0] + parts[1] + random.normal(size=(6, 64, 9, 40))
    images = weights.reshape(6, 8, 8, 9, 40)
    found = attention_weights.spread([heard(image, 8) for image in images])
    assert found == pytest.approx((9 / 14, 4 / 14, 1 / 14), abs=0.06)


@pytest.mark.parametrize("maps", [1, 8, 128])
def test_random_weights_have_the_entropy_of_chance(maps):
    weights = np.random.default_rng(2).normal(size=(16, 16, 49, maps))
    entropy = np.mean(
        [
            attention_weights.window_map(weights, (row, column), 4, "zero").entropy
            for row in range(16)
            for column in range(16)
        ]
    )
    attend = san.SAN(patch_size=7)
    chance = attention_weights.entropy_of_chance(attention_weights.Heard(attend, weights, 16))
    assert entropy == pytest.approx(chance, abs=0.02)
