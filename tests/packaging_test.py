"""The wheel and the editable installation, each in an environment of its own.

TensorFlow is too large to install for a test, so the new environments see the packages of the one
that runs the tests, behind their own.
"""

import ast
import configparser
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["augmentation", "configs", "custom_ops", "layers", "losses", "tools", "trainer"]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
SCRIPTS = dict(
    line.split(" = ")
    for line in SETUP["options.entry_points"]["console_scripts"].strip().splitlines()
)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-deps", "--no-index", "--no-build-isolation"]


def call(*command: str | os.PathLike, cwd: pathlib.Path) -> str:
    """Runs a command that must succeed, away from the checkout; returns what it printed."""
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module", name="checkout")
def _checkout(tmp_path_factory) -> pathlib.Path:
    """A copy of what a clone has: a build/ of the original would put deleted files in the wheel."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ["setup.cfg", "pyproject.toml", "LICENSE", "README.md"]:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    for name in ["dualcontrast", *PACKAGES]:
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
    return copy


@pytest.fixture(scope="module", name="wheel")
def _wheel(checkout, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, checkout, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def new_environment(folder: pathlib.Path) -> pathlib.Path:
    """An environment that holds no package, but finds those of the running one; its bin folder."""
    call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    site = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # A folder named by a .pth file is searched last, and the .pth files in it (those of an editable
    # installation of this project, for one) are not read.
    running = [path for path in sys.path if path.endswith("site-packages")]
    (pathlib.Path(site) / "running.pth").write_text("\n".join(running))
    return folder / "bin"


@pytest.fixture(scope="module", name="installed")
def _installed(wheel, tmp_path_factory) -> pathlib.Path:
    bin_folder = new_environment(tmp_path_factory.mktemp("installed"))
    python = ["--python", bin_folder / "python"]
    call(*PIP, *python, "install", *OFFLINE, wheel, cwd=wheel.parent)
    return bin_folder


def test_every_folder_with_python_files_is_a_package_behind_a_link():
    links = {path.name for path in (ROOT / "dualcontrast").iterdir() if path.is_symlink()}
    assert links == set(PACKAGES)
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_wheel_holds_the_python_files_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {"dualcontrast/__init__.py"}
    for name in PACKAGES:
        for path in (ROOT / name).rglob("*"):
            if path.suffix in (".py", ".cc", ".cu", ".h", ".npz", ".css", ".js", ".csv"):
                expected.add(f"dualcontrast/{path.relative_to(ROOT)}")
    assert held == expected


def test_the_wheel_says_what_it_needs_and_may_be_used_for(wheel):
    archive = zipfile.ZipFile(wheel)
    info = f"dualcontrast-{SETUP['metadata']['version']}.dist-info"
    metadata = archive.read(f"{info}/METADATA").decode()
    tensorflow = [
        line
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: tensorflow") and "datasets" not in line
    ]
    assert len(tensorflow) == 2  # the second one brings the CUDA libraries
    assert all(">=2.21" in line and "<2.22" in line for line in tensorflow)
    assert "and-cuda" in tensorflow[1] and "extra ==" in tensorflow[1]
    licence = [name for name in archive.namelist() if name.endswith("LICENSE")]
    assert b"Apache License" in archive.read(licence[0])


def test_the_package_knows_its_version():
    package = importlib.import_module("dualcontrast")
    assert package.__version__ == SETUP["metadata"]["version"]


def test_the_installed_layers_are_imported_from_any_folder(installed, tmp_path):
    code = "import dualcontrast.layers.stylegan2.generator as module; print(module.__file__)"
    printed = call(installed / "python", "-c", code, cwd=tmp_path)
    assert pathlib.Path(printed.strip()).is_relative_to(installed.parent)


def test_the_installed_experiments_are_found(installed, tmp_path):
    code = "from dualcontrast.trainer.config import config_flags; print(*config_flags.names())"
    names = call(installed / "python", "-c", code, cwd=tmp_path).split()
    assert names == sorted(path.stem for path in (ROOT / "configs").glob("[a-z]*.py"))


def test_the_folders_are_not_importable_loose(installed, tmp_path):
    code = (
        "import importlib.util as u;"
        f"print([name for name in {[*PACKAGES, 'tests']} if u.find_spec(name)])"
    )
    assert call(installed / "python", "-c", code, cwd=tmp_path) == "[]\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_command_shows_its_usage(script, installed, tmp_path):
    module = SCRIPTS[script].partition(":")[0].removeprefix("dualcontrast.")
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
    usage = ast.get_docstring(ast.parse(source), clean=False)
    assert f"\n  {script} " in usage or f"\n    {script} " in usage
    assert usage in call(installed / script, "--help", cwd=tmp_path)


def test_an_editable_installation_follows_the_checkout(checkout, tmp_path):
    (tmp_path / "environment").mkdir()
    bin_folder = new_environment(tmp_path / "environment")
    python = ["--python", bin_folder / "python"]
    call(*PIP, *python, "install", *OFFLINE, "--editable", checkout, cwd=tmp_path)
    code = "import dualcontrast.trainer.config.schema as module; print(module.__file__)"
    printed = call(bin_folder / "python", "-c", code, cwd=tmp_path)
    assert pathlib.Path(printed.strip()).resolve() == checkout / "trainer" / "config" / "schema.py"
    assert {script.name for script in bin_folder.glob("dualcontrast-*")} == set(SCRIPTS)
