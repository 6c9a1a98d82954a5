"""Who may import whom, and what no file of the project may mention."""

import ast
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["augmentation", "configs", "custom_ops", "layers", "losses", "tools", "trainer"]
SOURCES = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
# `errors.py` turns the errors of absl's flags into a line; it defines no flag.
MAY_USE_FLAGS = {"trainer/train.py", "trainer/config/config_flags.py", "trainer/path_flags.py"}
MAY_USE_FLAGS |= {"trainer/errors.py"}


def imported_modules(path: pathlib.Path) -> set[str]:
    """Full names of everything that a file imports; a relative import starts with a dot."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def below(name: str, packages: set[str]) -> bool:
    """Whether a module is one of `packages` or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offences(folder: str, allowed: set[str]) -> list[str]:
    """Imports in a folder of what is neither allowed nor part of Python."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in sorted(imported_modules(path))
        if not below(name, allowed | sys.stdlib_module_names)
    ]


def test_the_reader_of_imports_sees_every_form(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("import a.b\nfrom c import d as e\ndef f():\n    from .g import h\n")
    assert imported_modules(path) == {"a.b", "c.d", ".g.h"}
    assert below("absl.flags.FLAGS", {"absl.flags"})
    assert not below("absl.flagship", {"absl.flags"})


def test_there_is_something_to_check():
    assert len(SOURCES) > len(PACKAGES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_imported_by_their_one_name(path):
    # `import layers` would load a second copy of a module and register its layers twice.
    wrong = {name for name in imported_modules(path) if below(name, {*PACKAGES, "tests"})}
    relative = {name for name in imported_modules(path) if name.startswith(".")}
    assert not wrong | relative


@pytest.mark.parametrize("folder", ["losses", "augmentation"])
def test_functions_of_tensors_import_tensorflow_and_numpy_only(folder):
    assert offences(folder, {"tensorflow", "numpy", f"dualcontrast.{folder}"}) == []


def test_operations_import_tensorflow_and_numpy_only():
    assert offences("custom_ops", {"tensorflow", "numpy", "dualcontrast.custom_ops"}) == []


def test_experiments_import_the_schema_its_families_and_its_error_only():
    allowed = {
        "dualcontrast.trainer.config.augmentation_sections",
        "dualcontrast.trainer.config.families",
        "dualcontrast.trainer.config.loss_sections",
        "dualcontrast.trainer.config.schema",
        "dualcontrast.trainer.errors",
        "dualcontrast.configs",
    }
    assert offences("configs", allowed) == []


def test_flags_are_defined_by_the_binaries_only():
    users = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(below(name, {"absl.flags"}) for name in imported_modules(path))
    }
    assert {user for user in users - MAY_USE_FLAGS if not user.startswith("tools/")} == set()


def lint_imports(folder: pathlib.Path) -> subprocess.CompletedProcess:
    """Runs the contracts of setup.cfg on `folder`/dualcontrast."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    arguments = ["--config", str(ROOT / "setup.cfg"), "--no-cache"]
    return subprocess.run(
        [sys.executable, "-c", command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def link_packages(folder: pathlib.Path, leave_out: str) -> pathlib.Path:
    """Makes a second tree of links to the folders, with one missing."""
    package = folder / "dualcontrast"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in PACKAGES:
        if name != leave_out:
            (package / name).symlink_to(ROOT / name)
    return package


def test_the_contracts_of_the_folders_are_kept():
    pytest.importorskip("importlinter")
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


def test_the_contracts_notice_a_layer_that_imports_the_trainer(tmp_path):
    pytest.importorskip("importlinter")
    layers = link_packages(tmp_path, leave_out="layers") / "layers"
    shutil.copytree(ROOT / "layers", layers)
    (layers / "greedy.py").write_text("from dualcontrast.trainer import config\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "dualcontrast.layers.greedy" in result.stdout


def tracked_files() -> list[pathlib.Path]:
    """The files of the checkout, the new ones included, the ignored ones not."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if (ROOT / name).is_file()]


def test_no_file_mentions_a_place_on_the_authors_machine():
    # Put together here, so that this file does not match itself.
    places = re.compile("(?<![\\w.~])/" + r"(work|root)\b|\b" + "share" + "d/")
    files = tracked_files()
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if (match := places.search(path.read_text(errors="ignore")))
    ]
    assert files and found == []
