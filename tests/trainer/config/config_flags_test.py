"""The flags of a configuration: what they accept, and the line that a mistake gets."""

import subprocess
import sys
from typing import Optional

import pytest
from absl import flags

from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

FILES = {
    "empty.py": "",
    "broken.py": "def get_config(:",
    "raises.py": "import math\n\ndef get_config():\n    return math.sqrt(-1)\n",
    "imports.py": "import no_such_module\n",
    "returns.py": "def get_config():\n    return {'training': {}}\n",
    "constant.py": "get_config = 3\n",
    "sized.py": (
        "from dualcontrast.trainer.config.schema import Config, TrainingConfig\n"
        "def get_config(argument):\n"
        "    return Config(training=TrainingConfig(batch_size=int(argument)))\n"
    ),
    "whole.py": "from dualcontrast.trainer.config.schema import Config as get_config\n",
    "odd.py": (
        "from dualcontrast.trainer.config.schema import Config, TrainingConfig\n"
        "def get_config():\n"
        "    return Config(training=TrainingConfig(batch_size='8'))\n"
    ),
}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def parse(*arguments: str) -> Config:
    values = flags.FlagValues()
    config_flags.define("stylegan2_e", values)
    values(["program", *arguments])
    return config_flags.config(values)


BAD_INPUTS = [
    # A field that does not exist.
    ("--config.training.batchsize=8", "training.batch_size"),
    ("--config.training.batch_sizes=8", "training.batch_size"),
    ("--config.training.batch-size=8", "training.batch_size"),
    ("--config.trainning.seed=8", "training.seed"),
    ("--config.generator.latentsize=8", "generator.latent_size"),
    ("--config.loss.warm_up_images=8", "loss.warmup_images"),
    ("--config.data.miror=true", "data.mirror"),
    ("--config.training=8", "config.training"),
    ("--config.training.seed.x=8", "training.seed"),
    ("--conf=demo", "config"),
    # A value of another kind.
    ("--config.training.batch_size=many", "training.batch_size=many: expected a whole number >= 1"),
    ("--config.training.batch_size=", "training.batch_size=: expected a whole number"),
    ("--config.training.batch_size", "Missing value for flag --config.training.batch_size"),
    ("--config.training.batch_size=8.5", "training.batch_size=8.5: expected a whole number"),
    ("--config.training.batch_size=none", "training.batch_size=none: expected a whole number"),
    ("--config.training.batch_size=nan", "training.batch_size=nan: expected a whole number"),
    ("--config.training.batch_size=1e400", "training.batch_size=1e400: expected a whole number"),
    ("--config.schedule.generator.learning_rate=fast", "learning_rate=fast: expected a number > 0"),
    ("--config.schedule.generator.learning_rate=inf", "learning_rate=inf: expected a number > 0"),
    (
        "--config.schedule.generator.learning_rate=2e-3,",
        "learning_rate=2e-3,: expected a number > 0",
    ),
    ("--config.data.mirror=maybe", "data.mirror=maybe: expected true or false"),
    ("--config.data.mirror=2", "data.mirror=2: expected true or false"),
    ("--config.data.resolution=64x64", "resolution=64x64: expected a whole number >= 8 or none"),
    # A value out of range.
    ("--config.training.batch_size=0", "training.batch_size=0: expected a whole number >= 1"),
    ("--config.training.batch_size=-8", "training.batch_size=-8: expected a whole number >= 1"),
    ("--config.training.seed=-1", "training.seed=-1: expected a whole number >= 0"),
    ("--config.training.seed=2147483648", "expected a whole number >= 0 and <= 2147483647"),
    ("--config.schedule.generator.adam_beta_2=1", "adam_beta_2=1: expected a number >= 0 and < 1"),
    ("--config.schedule.generator.learning_rate=0", "learning_rate=0: expected a number > 0"),
    ("--config.generator.style_mixing_probability=1.1", "1.1: expected a number >= 0 and <= 1"),
    ("--config.loss=lsgan", "lsgan: expected dual_contrastive, non_saturating, "),
    ("--config.training.precision=float16", "float16: expected float32 or mixed_bfloat16"),
    ("--config.data.channels=2", "data.channels=2: expected 1, 3, 4 or none"),
    ("--config.data.resolution=4", "data.resolution=4: expected a whole number >= 8"),
    # Fields that contradict each other.
    ("--config.data.resolution=48", "data.resolution: got 48, expected a power of two"),
    ("--config.training.total_images=1e6", "loss.warmup_images=1_400_000 is longer than"),
    ("--config.loss.warmup_images=3e7", "is longer than training.total_images=25_000_000"),
    ("--config.generator.fmap_base=4 --config.data.resolution=64", "generator.fmap_base: 4"),
    # A file that is no configuration.
    ("--config=stylegan3", "stylegan3: no such file, expected one of "),
    ("--config=", "--config is missing: expected one of ada, comparison, demo, emoji64"),
    ("--config=__init__", "--config=__init__: no such file"),
    ("--config={folder}/none.py", "none.py: no such file, expected one of ada, comparison, demo"),
    ("--config={folder}", "no such file, expected one of ada, comparison, demo"),
    ("--config={folder}/empty.py", "empty.py: defines no function get_config()"),
    ("--config={folder}/constant.py", "constant.py: defines no function get_config()"),
    ("--config={folder}/broken.py", "broken.py: SyntaxError: invalid syntax"),
    ("--config={folder}/imports.py", "imports.py:1: ModuleNotFoundError: No module named"),
    ("--config={folder}/raises.py", "raises.py:4: ValueError:"),
    ("--config={folder}/returns.py", "get_config() returned dict, expected"),
    ("--config={folder}/odd.py", "training.batch_size: got '8', expected a whole number"),
    ("--config={folder}/sized.py", "its get_config needs an argument, as in :ARGUMENT"),
    ("--config={folder}/sized.py:x", "sized.py:3: ValueError: invalid literal for int()"),
    ("--config=demo:small", "--config=demo:small: its get_config takes no argument"),
]


@pytest.mark.parametrize("arguments, expected", BAD_INPUTS)
def test_bad_input_gets_two_lines_at_most(arguments, expected, folder):
    with pytest.raises((flags.Error, UserError)) as caught:
        parse(*arguments.format(folder=folder).split(" "))
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_the_default_experiment_needs_no_flag():
    assert parse() == Config()


def test_a_missing_experiment_without_a_default_is_named():
    values = flags.FlagValues()
    config_flags.define(None, values)
    values(["program"])
    with pytest.raises(UserError, match="--config is missing"):
        config_flags.config(values)


@pytest.mark.parametrize(
    "argument, path, value",
    [
        ("--config.training.total_images=25_000_000", "training.total_images", 25_000_000),
        ("--config.training.total_images=2.5e7", "training.total_images", 25_000_000),
        # One more than a float can hold.
        ("--config.training.total_images=9007199254740993", "training.total_images", 2**53 + 1),
        (
            "--config.schedule.generator.learning_rate=2e-3",
            "schedule.generator.learning_rate",
            0.002,
        ),
        ("--config.penalties.r1_gamma=1", "penalties.r1_gamma", 1.0),
        ("--config.data.mirror=true", "data.mirror", True),
        ("--config.data.mirror=False", "data.mirror", False),
        ("--config.data.mirror", "data.mirror", True),
        ("--noconfig.data.mirror", "data.mirror", False),
        ("--config.data.resolution=64", "data.resolution", 64),
        ("--config.data.resolution=none", "data.resolution", None),
        ("--config.data.channels=4", "data.channels", 4),
        ("--config.loss.generator_objective=swapped", "loss.generator_objective", "swapped"),
    ],
)
def test_an_override_is_read_as_the_type_of_its_field(argument, path, value):
    read = schema.get(parse(argument), path)
    assert read == value
    assert type(read) is type(value)


def test_an_override_is_read_by_the_family_in_use(folder):
    # SNGAN's width may be none; of two families with a field of one name each has its own limits.
    assert parse("--config=sngan_adv", "--config.generator.width=none").generator.width is None
    with pytest.raises(flags.IllegalFlagValueError, match="width=0: expected .* >= 1 or none"):
        parse("--config=sngan_adv", "--config.generator.width=0")
    fields = [field("x", int), field("x", Optional[int])]
    parser = config_flags._FieldParser(fields)
    assert parser.parse("none") == "none"
    with pytest.raises(UserError, match="--config.x=none: expected a whole number$"):
        config_flags._value("none", fields[0])
    assert config_flags._value("none", fields[1]) is None


def field(path, kind):
    return schema.Field(path, kind, None, "", {}, (), False)


def test_the_last_of_two_overrides_counts():
    parsed = parse("--config.training.seed=1", "--config.training.seed=2")
    assert parsed.training.seed == 2


def test_an_override_may_stand_before_the_experiment():
    parsed = parse("--config.training.seed=5", "--config=demo")
    assert parsed == schema.replace(config_flags.load("demo"), {"training.seed": 5})


def test_an_override_back_to_the_default_beats_the_experiment():
    default = Config().generator.fmap_max
    assert config_flags.load("demo").generator.fmap_max != default
    assert parse("--config=demo", f"--config.generator.fmap_max={default}").generator.fmap_max == (
        default
    )


def test_a_file_is_chosen_by_its_path(folder):
    assert parse(f"--config={folder}/whole.py") == Config()


def test_a_file_gets_its_argument(folder):
    assert parse(f"--config={folder}/sized.py:48").training.batch_size == 48


def test_a_file_beside_the_reader_may_have_the_name_of_a_packaged_one(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "demo.py").write_text(FILES["whole.py"])
    assert parse("--config=demo.py") == Config()
    assert parse("--config=demo") != Config()


def test_an_experiment_may_say_itself_what_its_argument_should_be(folder):
    text = (
        "from dualcontrast.trainer.errors import UserError\n"
        "def get_config(argument):\n"
        "    raise UserError(f'no size {argument}, expected small')\n"
    )
    (folder / "choosy.py").write_text(text)
    with pytest.raises(UserError, match="^choosy.py: no size big, expected small$"):
        parse(f"--config={folder}/choosy.py:big")


def test_the_line_that_fails_is_named_for_a_relative_path_too(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match="^raises.py:4: ValueError:"):
        parse("--config=raises.py")


@pytest.mark.parametrize("name", config_flags.names())
def test_every_packaged_experiment_is_valid(name):
    config = parse(f"--config={name}")
    schema.resolve(config, config.data.resolution or 128, channels=3, classes=1000)
    if config.loss.family == "dual_contrastive":
        assert config.loss.warmup_images < config.training.total_images


def test_the_help_shows_every_field_with_its_default_and_meaning():
    text = config_flags.help_text()
    flat = " ".join(text.split())
    for path, field in schema.fields(schema.Config()).items():
        assert f"--config.{path}=" in text
        assert field.help in flat
        assert field.expected() in flat
    assert "--config.training.total_images=25_000_000" in text
    assert max(len(line) for line in text.splitlines()) <= 100


PROGRAM = """
from dualcontrast.trainer import errors
from dualcontrast.trainer.config import config_flags
config_flags.define("demo")
errors.run(lambda argv: print("seed", config_flags.config().training.seed))
"""


def run_program(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_program_runs_with_its_configuration():
    result = run_program("--config.training.seed=12")
    assert (result.returncode, result.stdout) == (0, "seed 12\n")


def test_a_program_prints_the_fields_and_stops():
    result = run_program("--help_config", "--config=no_such")
    assert result.returncode == 0
    assert "--config.training.seed=0" in result.stdout
    assert "seed 0" not in result.stdout


@pytest.mark.parametrize(
    "argument", ["--config=no_such", "--config.training.seed=x", "--config.training.sed=1"]
)
def test_a_program_exits_with_2_and_a_line(argument):
    result = run_program(argument)
    assert result.returncode == 2
    assert result.stdout == ""
    assert 1 <= len(result.stderr.splitlines()) <= 2
    assert "Traceback" not in result.stderr
