"""Operations are compiled once, again when something changed, and never by halves."""

import json
import logging
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from dualcontrast.custom_ops import build, toolchain

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")

VARIABLES = ["CXX", "NVCC", "CUDA_HOME", "DUALCONTRAST_CUDA_ARCHS", "XDG_CACHE_HOME"]

# Counts the sources it compiles. Files beside it make it fail, find the disk full, meet an editor
# at work, or take its time; in the last case it leaves its process number.
COMPILER = """#!/bin/sh
here=$(dirname "$0")
case " $* " in *" -c "*)
  echo >> "$here/count"
  echo "$TMPDIR" > "$here/tmpdir"
  if [ -e "$here/edit" ]; then echo "#define A 7" > "$here/../kernels/a.h"; fi
  if [ -e "$here/broken" ]; then echo "a.cc:1:2: error: as arranged" >&2; exit 1; fi
  if [ -e "$here/full" ]; then echo "error: No space left on device" >&2; exit 1; fi
  if [ -e "$here/slow" ]; then echo $$ > "$here/pid.new"; mv "$here/pid.new" "$here/pid"
    exec sleep 60; fi
esac
exec g++ "$@" $MORE_FLAGS
"""

# Prints what the real ones do, as far as it is read.
NVCC = """#!/bin/sh
case " $* " in
  *" --version "*) echo "release 99.9";;
  *" --dryrun "*) echo '#$ TOP=/x'; echo '#$ LIBRARIES=  "-L/cuda one/lib" "-L/cuda/two"';;
  *) echo "a.cu(1): error: as arranged"; exit 1;;
esac
"""


def program(path: pathlib.Path, text: str) -> pathlib.Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class Place:
    """Sources, a cache and a compiler of the test's own."""

    def __init__(self, folder: pathlib.Path):
        self.sources, self.cache = folder / "kernels", folder / "cache"
        self.tools = folder / "tools"
        self.sources.mkdir()
        self.tools.mkdir()
        (self.sources / "a.cc").write_text('#include "a.h"\nint a() { return A; }\n')
        (self.sources / "a.h").write_text("#define A 1\n")
        program(self.tools / "c++", COMPILER)

    def compiled(self) -> int:
        """How many sources were compiled."""
        count = self.tools / "count"
        return count.read_text().count("\n") if count.exists() else 0

    def names(self) -> set[str]:
        """What the cache holds, with keys cut off."""
        return {
            path.name[:4] + path.suffix if path.name.startswith("ops-") else path.name
            for path in self.cache.iterdir()
        }

    def arrange(self, name: str) -> pathlib.Path:
        """Has the compiler do as a file of that name says, until the file is removed."""
        (self.tools / name).touch()
        return self.tools / name


@pytest.fixture(name="place")
def _place(tmp_path, monkeypatch) -> Place:
    place = Place(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(toolchain, "SOURCES", place.sources)
    monkeypatch.setattr(toolchain, "_DEVICES", tmp_path / "devices")
    monkeypatch.setenv("DUALCONTRAST_CACHE", str(place.cache))
    monkeypatch.setenv("CXX", str(place.tools / "c++"))
    monkeypatch.setenv("PATH", f"{place.tools}:{os.environ['PATH']}")
    program(place.tools / "nvidia-smi", "#!/bin/sh\necho No devices were found\nexit 6\n")
    return place


def error_of(**arguments) -> str:
    """The one line of a build that fails."""
    with pytest.raises(build.BuildError) as caught:
        build.build(**arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_second_build_finds_the_first(place):
    first, second = build.build(), build.build()
    assert (first.cached, second.cached, place.compiled()) == (False, True, 1)
    assert first.library == second.library and first.seconds == second.seconds > 0
    assert first.library.read_bytes().startswith(b"\x7fELF")
    assert place.names() == {"ops-", "lock"}
    assert {path.name for path in first.library.parent.iterdir()} == {
        "libdualcontrast_ops.so",
        "build.json",
        "build.log",
    }


def test_building_again_what_succeeded_finds_it(place):
    build.build()
    assert build.build(retry=True).cached and place.compiled() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda place, patch: (place.sources / "a.cc").write_text("int a() { return 3; }\n"),
        lambda place, patch: (place.sources / "a.h").write_text("#define A 2\n"),
        lambda place, patch: (place.sources / "a.h").rename(place.sources / "b.h"),
        lambda place, patch: patch.setattr(toolchain, "_CXX_FLAGS", (*toolchain._CXX_FLAGS, "-g")),
        lambda place, patch: patch.setattr(
            toolchain, "_LINK_FLAGS", (*toolchain._LINK_FLAGS, "-s")
        ),
        lambda place, patch: patch.setattr(tf, "__version__", "2.99.0"),
        lambda place, patch: patch.setattr(tf.version, "GIT_VERSION", "v2.99.0"),
        lambda place, patch: patch.setattr(tf.version, "COMPILER_VERSION", "Clang 99"),
        # The processor of another machine: the same -march=native, other instructions.
        lambda place, patch: patch.setenv("MORE_FLAGS", "-mno-sse4.2 -mno-avx -mno-crc32"),
        lambda place, patch: program(
            place.tools / "c++",
            COMPILER.replace("case", '[ "$1" = --version ] && echo g++ 99 && exit\ncase', 1),
        ),
    ],
    ids="source header name flag link version git tensorflow_compiler processor compiler".split(),
)
def test_whatever_a_library_depends_on_is_in_its_key(place, monkeypatch, change):
    before = toolchain.plan().key
    assert toolchain.plan().key == before
    change(place, monkeypatch)
    assert toolchain.plan().key != before


@pytest.mark.parametrize("has", [True, False])
def test_half_floats_of_a_processor_are_left_alone_because_the_headers_have_errors(
    place, monkeypatch, has
):
    monkeypatch.setenv("MORE_FLAGS", f"-{'D' if has else 'U'}__AVX512FP16__")
    assert ("-mno-avx512fp16" in toolchain.plan().flags) == has


def test_a_changed_source_is_compiled_into_another_folder(place):
    old = build.build().library
    (place.sources / "a.h").write_text("#define A 2\n")
    new = build.build()
    assert not new.cached and new.library != old and old.exists() and place.compiled() == 2


def test_where_tensorflow_is_installed_is_not_in_the_key(place, monkeypatch):
    before = toolchain.plan().key
    monkeypatch.setattr(tf.sysconfig, "get_include", lambda: "/else/where")
    flags = [flag for flag in tf.sysconfig.get_compile_flags() if not flag.startswith("-I")]
    monkeypatch.setattr(tf.sysconfig, "get_compile_flags", lambda: ["-I/else/where", *flags])
    assert toolchain.plan().key == before


def test_commands_are_safe_for_infinities_and_quiet_about_headers(place):
    compile_one, link = build.compile_commands()
    assert not any("fast-math" in word for word in compile_one + link)
    assert compile_one[compile_one.index("-isystem") + 1] == tf.sysconfig.get_include()
    assert "-I" + tf.sysconfig.get_include() not in compile_one
    assert "-DDUALCONTRAST_CUDA=1" not in compile_one
    assert "-Wl,-z,defs" in link


def test_an_undefined_symbol_fails_the_link_by_name(place):
    (place.sources / "b.cc").write_text("int nobody(); int b() { return nobody(); }\n")
    assert "undefined reference to `nobody()'" in error_of()


def test_a_folder_without_sources_is_an_incomplete_installation(place):
    shutil.rmtree(place.sources)
    assert error_of() == f"no C++ sources in {place.sources}: install dualcontrast again"


@pytest.mark.parametrize("outcome", ["success", "broken"])
def test_what_is_compiled_while_its_source_changes_is_not_kept(place, outcome):
    place.arrange("edit")
    place.arrange(outcome)
    assert error_of() == f"{place.sources} changed while it was compiled: start again"
    assert place.names() == {"lock"}


# Several processes. Forked ones need no second import of TensorFlow.

FORK = multiprocessing.get_context("fork")


def start(target, *arguments) -> multiprocessing.process.BaseProcess:
    process = FORK.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def build_with_others(barrier, built) -> None:
    barrier.wait()
    built.put(str(build.build().library))


def build_until_interrupted() -> None:
    try:
        build.build()
    except KeyboardInterrupt:
        os._exit(130)


def wait_for(path: pathlib.Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.02)


def has_ended(process_number: int) -> bool:
    """Whether a process is gone, or waits for nothing but to be asked how it ended."""
    try:
        status = pathlib.Path(f"/proc/{process_number}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_processes_that_start_together_compile_once(place):
    barrier, built = FORK.Barrier(4), FORK.Queue()
    processes = [start(build_with_others, barrier, built) for _ in range(4)]
    libraries = {built.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(libraries) == 1 and place.compiled() == 1


def test_a_killed_build_leaves_nothing_that_matters(place):
    slow = place.arrange("slow")
    process = start(build_until_interrupted)
    wait_for(place.tools / "pid")
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    os.kill(int((place.tools / "pid").read_text()), signal.SIGKILL)  # its compiler lives on
    slow.unlink()
    assert any(name.startswith("tmp-") for name in place.names())
    assert not build.build().cached
    assert place.names() == {"ops-", "lock"}


def test_an_interrupted_build_ends_at_once_with_its_compilers(place):
    place.arrange("slow")
    process = start(build_until_interrupted)
    wait_for(place.tools / "pid")
    os.kill(process.pid, signal.SIGINT)
    process.join(20)  # the compiler would take 60
    assert process.exitcode == 130
    assert has_ended(int((place.tools / "pid").read_text()))
    assert place.names() == {"lock"}


# Compilers that are missing or fail.


def test_a_missing_compiler_is_one_line(place, monkeypatch):
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "/nowhere")
    assert error_of() == (
        "no C++ compiler found: install g++, or set CXX to a compiler, then type "
        "python -m dualcontrast.custom_ops.build"
    )


def test_a_wrong_name_of_a_compiler_is_not_passed_over(place, monkeypatch):
    monkeypatch.setenv("CXX", "g+++ -g")
    assert error_of().startswith("CXX=g+++ -g is not a program: ")


def test_a_compiler_may_be_several_words(place, monkeypatch):
    monkeypatch.setenv("CXX", f"env {place.tools / 'c++'}")
    assert build.compile_commands()[0][:2] == ["env", str(place.tools / "c++")]


def test_a_program_that_is_no_compiler_is_one_line(place, monkeypatch):
    monkeypatch.setenv("CXX", "false")
    assert error_of().startswith("false --version fails: ")


def test_a_failure_is_remembered_until_the_user_tries_again(place):
    broken = place.arrange("broken")
    message = error_of()
    assert "c++ fails: a.cc:1:2: error: as arranged (log: " in message
    assert message.endswith("; once mended, type python -m dualcontrast.custom_ops.build")
    log = pathlib.Path(message.partition("(log: ")[2].partition(")")[0])
    assert log.parent == place.cache and log.suffix == ".failed"
    assert " -c " in log.read_text() and "as arranged" in log.read_text()

    assert error_of() == message and place.compiled() == 1
    assert error_of(retry=True) == message and place.compiled() == 2
    broken.unlink()
    assert error_of() == message and place.compiled() == 2
    assert not build.build(retry=True).cached
    assert build.build().cached and place.names() == {"ops-", "lock"}


def test_what_compilers_leave_when_they_are_killed_goes_with_their_folder(place):
    build.build()
    litter = pathlib.Path((place.tools / "tmpdir").read_text().strip())
    assert litter.parent == place.cache and not litter.exists()


def test_a_failure_is_forgotten_when_the_source_changes(place):
    place.arrange("broken").rename(place.tools / "mended")
    (place.sources / "a.cc").write_text("int a() { return }\n")
    assert "a.cc:1:" in error_of()
    (place.sources / "a.cc").write_text("int a() { return 1; }\n")
    assert not build.build().cached


def test_all_that_compilers_say_is_in_the_log(place):
    (place.sources / "b.cc").write_text("void b() { int idle; }\n")
    log = (build.build().library.parent / "build.log").read_text()
    assert "unused variable 'idle'" in log and log.count("$ ") == 3


# The cache.


def test_the_cache_is_made_for_its_owner_alone(place):
    build.build()
    assert place.cache.stat().st_mode & 0o777 == 0o700


def test_the_cache_follows_the_environment(place, monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/mine")
    assert build._cache_path() == place.cache
    monkeypatch.delenv("DUALCONTRAST_CACHE")
    assert build._cache_path() == pathlib.Path("/home/of/mine/.cache/dualcontrast")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert build._cache_path() == pathlib.Path("/home/of/mine/.cache/dualcontrast")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert build._cache_path() == pathlib.Path("/xdg/dualcontrast")


def test_a_cache_that_cannot_be_made_is_one_line(place, monkeypatch):
    (place.tools / "file").touch()
    monkeypatch.setenv("DUALCONTRAST_CACHE", str(place.tools / "file" / "cache"))
    message = error_of()
    assert "Not a directory" in message and "set DUALCONTRAST_CACHE to a folder" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_one_line(place):
    place.cache.mkdir(mode=0o500)
    assert "Permission denied" in error_of()


def test_a_full_disk_is_one_line_and_no_lasting_failure(place):
    full = place.arrange("full")
    message = error_of()
    assert "No space left on device" in message and "set DUALCONTRAST_CACHE" in message
    assert place.names() == {"lock"}
    full.unlink()
    assert not build.build().cached


def test_a_cache_of_another_user_is_refused(place, monkeypatch):
    build.build()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    message = error_of()
    assert message.startswith(f"{place.cache} belongs to another user")
    assert "set DUALCONTRAST_CACHE to a folder of your own" in message


@pytest.mark.parametrize("mode", [0o777, 0o702, 0o770])
def test_a_cache_that_others_can_write_is_refused(place, mode):
    build.build()
    place.cache.chmod(mode)
    message = error_of()
    assert message.startswith(f"{place.cache} can be written by others")
    assert message.endswith(f": type chmod go-w {place.cache}")
    place.cache.chmod(mode & ~0o022)
    assert build.build().cached


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: os.truncate(folder / build.LIBRARY, 1000),
        lambda folder: (folder / build.LIBRARY).unlink(),
        lambda folder: (folder / "build.json").unlink(),
        lambda folder: (folder / "build.json").write_text("{"),
        lambda folder: (folder / "build.json").write_text("[]"),
    ],
    ids="truncated no_library no_record broken_record other_record".split(),
)
def test_a_damaged_library_is_built_again(place, damage):
    first = build.build()
    content = first.library.read_bytes()
    damage(first.library.parent)
    second = build.build()
    assert not second.cached and second.library == first.library
    assert second.library.read_bytes() == content and place.names() == {"ops-", "lock"}


# CUDA.


@pytest.fixture(name="cuda")
def _cuda(place, monkeypatch) -> Place:
    """With a CUDA source and an nvcc that fails to compile it."""
    (place.sources / "a.cu").write_text("// nothing\n")
    program(place.tools / "nvcc", NVCC)
    return place


def show_gpus(place: Place, answer: str) -> None:
    program(place.tools / "nvidia-smi", f"#!/bin/sh\nprintf '{answer}'\n")


def show_device(place: Place) -> None:
    (place.tools.parent / "devices").mkdir()
    (place.tools.parent / "devices" / "nvidia0").touch()


def test_commands_for_cuda_name_its_runtime_before_tensorflow(cuda, monkeypatch):
    monkeypatch.setenv("DUALCONTRAST_CUDA_ARCHS", "90;80")
    host, device, link = build.compile_commands()
    assert "-DDUALCONTRAST_CUDA=1" in host
    assert device[0] == str(cuda.tools / "nvcc")
    assert not any("fast" in word for word in device)
    assert device[device.index("-ccbin") + 1] == str(cuda.tools / "c++")
    assert [word for word in device if word.startswith("arch=")] == [
        "arch=compute_80,code=sm_80",
        "arch=compute_90,code=sm_90",
        "arch=compute_90,code=compute_90",
    ]
    assert {"-L/cuda one/lib", "-L/cuda/two"} < set(link)
    order = ["-lcudart_static", "-lculibos", "-l:libtensorflow_framework.so.2"]
    assert [word for word in link if word in order] == order


def test_the_gpus_present_are_compiled_for(cuda):
    show_gpus(cuda, "12.0\\n8.0\\n9.0\\n8.0\\n")
    assert toolchain.architectures() == ("80", "90", "120")


def test_a_gpu_that_does_not_say_what_it_is_gets_the_usual_ones(cuda):
    show_device(cuda)
    assert toolchain.architectures() == ("75", "80", "86", "89", "90")
    show_gpus(cuda, 'Field "compute_cap" is not a valid field to query.\\n')
    assert toolchain.architectures() == ("75", "80", "86", "89", "90")


def test_the_architectures_are_in_the_key(cuda, monkeypatch):
    keys = set()
    for names in ["80", "90", "80;90"]:
        monkeypatch.setenv("DUALCONTRAST_CUDA_ARCHS", names)
        keys.add(toolchain.plan().key)
    assert len(keys) == 3


@pytest.mark.parametrize("names", ["8.0", "80,90", "80;", "sm_80", "all"])
def test_wrong_architectures_are_one_line(cuda, monkeypatch, names):
    monkeypatch.setenv("DUALCONTRAST_CUDA_ARCHS", names)
    assert error_of() == f'DUALCONTRAST_CUDA_ARCHS="{names}": expected the form "80;90"'


def test_without_a_gpu_cuda_is_left_out(cuda):
    built = build.build()
    assert (built.cuda, built.architectures, cuda.compiled()) == (False, (), 1)
    assert built.note == 'no GPU here; DUALCONTRAST_CUDA_ARCHS="80;90" compiles for others'


def test_without_nvcc_cuda_is_left_out(cuda, monkeypatch):
    show_gpus(cuda, "9.0\\n")
    monkeypatch.setenv("NVCC", "/nowhere/nvcc")
    assert build.build().note.startswith("no nvcc in NVCC, ")
    monkeypatch.setenv("NVCC", "false")
    assert build.build().note.startswith(f"{shutil.which('false')} --version fails: ")


def test_cuda_that_fails_is_left_out_and_said_in_one_line(cuda, monkeypatch, caplog):
    show_gpus(cuda, "9.0\\n")
    built = build.build()
    assert (built.cuda, built.cached, built.architectures) == (False, False, ())
    assert "a.cu(1): error: as arranged" in built.note and "\n" not in built.note
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == [
        f"operations compiled for the CPU only: {built.note}"
    ]
    log = (built.library.parent / "build.log").read_text()
    assert "as arranged" in log and "-DDUALCONTRAST_CUDA=1" in log

    again = build.build()  # finds it, with the reason
    assert again.cached and again.note == built.note and cuda.compiled() == 2
    assert not build.build(retry=True).cached  # the user may have mended CUDA
    assert cuda.compiled() == 4 and cuda.names() == {"ops-", "lock"}


@pytest.mark.skipif(not shutil.which("nvcc"), reason="there is no nvcc")
@pytest.mark.skipif(not shutil.which("nm"), reason="there is no nm")
def test_the_cuda_runtime_stays_inside_the_library(place, monkeypatch):
    # TensorFlow's libraries export stubs of the runtime: neither side may see the other's.
    (place.sources / "a.cc").write_text(
        "#if DUALCONTRAST_CUDA\n"
        'extern "C" int Double(float*, int);\n'
        "static const int started = Double(nullptr, 0);\n"
        "int a() { return started; }\n"
        "#endif\n"
    )
    (place.sources / "a.cu").write_text(
        "__global__ void Kernel(float* x) { x[threadIdx.x] *= 2; }\n"
        'extern "C" int Double(float* x, int n) {\n'
        "  if (n > 0) Kernel<<<1, n>>>(x);\n"
        "  return cudaGetLastError();\n"
        "}\n"
    )
    monkeypatch.setenv("DUALCONTRAST_CUDA_ARCHS", "80")
    built = build.build()
    assert (built.cuda, built.architectures, built.note) == (True, ("80",), "")
    command = ["nm", "-D", "--format=posix", built.library]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    assert names and [name for name in names if name.lstrip("_").startswith("cuda")] == []
    tf.load_op_library(str(built.library))  # loads where there is no GPU, too


# The command.


def call_main(monkeypatch, capsys) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["build"])
    code = build.main()
    return code, *capsys.readouterr()


def test_the_command_says_what_it_built_and_then_found(place, monkeypatch, capsys):
    code, out, err = call_main(monkeypatch, capsys)
    (library,) = place.cache.glob("ops-*/*.so")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (code, err, lines["library"]) == (0, "", str(library))
    assert lines["state"].startswith("compiled now in ")
    assert "g++" in lines["compiler"] and "-march=native" in lines["flags"]
    assert lines["CUDA"] == "not in the library: there are no CUDA sources"
    code, out, err = call_main(monkeypatch, capsys)
    assert (code, err) == (0, "") and "found, compiled before in " in out


def test_the_command_tries_again_what_failed(place, monkeypatch, capsys):
    broken = place.arrange("broken")
    for times in (1, 2):
        code, out, err = call_main(monkeypatch, capsys)
        assert (code, out, place.compiled()) == (2, "", times)
        assert err.startswith("python -m dualcontrast.custom_ops.build: error: ")
        assert err.count("\n") == 1 and "as arranged" in err
    broken.unlink()
    assert call_main(monkeypatch, capsys)[0] == 0


def test_the_command_notices_a_library_that_does_not_load(place, monkeypatch, capsys):
    library = build.build().library
    library.write_bytes(b"no library")
    record = json.loads((library.parent / "build.json").read_text())
    record["sha256"] = toolchain.digest(library)
    (library.parent / "build.json").write_text(json.dumps(record))
    code, out, err = call_main(monkeypatch, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"TensorFlow cannot load {library}: " in err


def run_command(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dualcontrast.custom_ops.build", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_explains_itself(place):
    result = run_command("-h")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(name in result.stdout for name in [*VARIABLES, "DUALCONTRAST_CACHE"])
    assert run_command("--no-such-flag").returncode == 2


def test_a_failure_of_the_command_is_one_line_without_tensorflows_greeting(place, monkeypatch):
    monkeypatch.setenv("CXX", "g+++")
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    result = run_command()
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("python -m dualcontrast.custom_ops.build: error: CXX=g+++ is")
    assert result.stderr.count("\n") == 1
