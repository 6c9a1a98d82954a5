"""The compiled operations are loaded once, or are missing in one line."""

import concurrent.futures
import hashlib
import json
import logging
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import build, library, toolchain

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")

OPERATION = """
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace {

REGISTER_OP("LibraryTest>Scale").Input("x: float").Output("y: float").Attr("by: float");

class Scale : public tensorflow::OpKernel {
 public:
  explicit Scale(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("by", &by_));
  }
  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 1, absl::InvalidArgumentError("x is no vector"));
    tensorflow::Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    for (int i = 0; i < x.NumElements(); ++i) y->vec<float>()(i) = by_ * x.vec<float>()(i);
  }

 private:
  float by_;
};

REGISTER_KERNEL_BUILDER(Name("LibraryTest>Scale").Device(tensorflow::DEVICE_CPU), Scale);

}  // namespace
"""


@pytest.fixture(name="place", autouse=True)
def _place(tmp_path, monkeypatch) -> pathlib.Path:
    """A process that loaded nothing yet, with one source and a cache of its own in a folder."""
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "a.cc").write_text("int a() { return 1; }\n")
    monkeypatch.setattr(toolchain, "SOURCES", tmp_path / "kernels")
    monkeypatch.setattr(library, "_outcome", None)
    monkeypatch.setenv("DUALCONTRAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("DUALCONTRAST_CUDA_ARCHS", raising=False)
    return tmp_path


def warning_of(caplog) -> str:
    """The reason in the one warning of a load that fails, now and ever after."""
    caplog.clear()
    assert library.load() is None and library.load() is None
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (record.name, record.levelno) == ("dualcontrast", logging.WARNING)
    message = record.getMessage()
    beginning = "no compiled operations, TensorFlow computes in their place: "
    assert message.startswith(beginning) and "\n" not in message
    assert library.unavailable_because() == message.removeprefix(beginning)
    return message.removeprefix(beginning)


@needs_compiler
def test_an_operation_is_compiled_loaded_and_computes(place):
    (place / "kernels" / "a.cc").write_text(OPERATION)
    loaded = library.load()
    assert library.unavailable_because() is None
    assert not loaded.cuda and loaded.path.is_relative_to(place / "cache")
    y = tf.function(loaded.ops.library_test_scale)([1.0, 2.0], by=3.0)
    np.testing.assert_array_equal(y, [3.0, 6.0])
    # An error passes through the library's edge as what it is.
    with pytest.raises(tf.errors.InvalidArgumentError, match="x is no vector"):
        loaded.ops.library_test_scale([[1.0]], by=3.0)


@needs_compiler
def test_threads_that_ask_together_load_once(monkeypatch):
    calls = []
    load_op_library = tf.load_op_library
    monkeypatch.setattr(
        tf, "load_op_library", lambda path: calls.append(path) or load_op_library(path)
    )
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: library.load(), range(8)))
    assert len(calls) == 1 and loaded[0] is not None
    assert all(one is loaded[0] for one in loaded)


@needs_compiler
def test_compiling_is_announced_and_finding_is_not(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "dualcontrast")
    library.load()
    assert caplog.messages == ["compiling the operations, once (about a minute)"]
    caplog.clear()
    monkeypatch.setattr(library, "_outcome", None)
    assert library.load() is not None and caplog.messages == []


def test_nothing_is_unavailable_before_it_is_asked_for():
    assert library.unavailable_because() is None


def test_without_a_compiler_there_are_no_operations(monkeypatch, caplog):
    monkeypatch.setenv("PATH", "/nowhere")
    assert warning_of(caplog).startswith("no C++ compiler found: install g++")


@needs_compiler
def test_a_failed_build_is_not_tried_again_by_the_next_process(place, monkeypatch, caplog):
    (place / "kernels" / "a.cc").write_text("int a() { return }\n")
    first = warning_of(caplog)
    assert "error: expected primary-expression" in first and ".failed" in first
    assert first.endswith("type python -m dualcontrast.custom_ops.build")
    (log,) = (place / "cache").glob("ops-*.failed")
    written = log.stat().st_mtime_ns
    monkeypatch.setattr(library, "_outcome", None)  # as in another process
    assert warning_of(caplog) == first and log.stat().st_mtime_ns == written


@needs_compiler
def test_without_a_cache_there_are_no_operations(place, monkeypatch, caplog):
    monkeypatch.setenv("DUALCONTRAST_CACHE", str(place / "kernels" / "a.cc"))
    assert "set DUALCONTRAST_CACHE to a folder that can be written" in warning_of(caplog)


@needs_compiler
def test_a_library_that_does_not_load_is_one_line(caplog):
    path = build.build().library
    path.write_bytes(b"no library")
    record = json.loads((path.parent / "build.json").read_text())
    record["sha256"] = hashlib.sha256(b"no library").hexdigest()
    (path.parent / "build.json").write_text(json.dumps(record))
    assert str(path) in warning_of(caplog)


@needs_compiler
def test_a_library_that_lost_its_end_is_built_again():
    path = build.build().library
    path.write_bytes(path.read_bytes()[:2000])
    assert library.load().path == path and path.stat().st_size > 2000


def test_even_a_mistake_of_ours_does_not_stop_a_training(monkeypatch, caplog):
    monkeypatch.setattr(build, "build", lambda: {}["a\nb"])
    assert warning_of(caplog) == r"KeyError('a\nb')"


@needs_compiler
def test_the_operations_of_the_project_compile_without_a_warning(monkeypatch):
    monkeypatch.undo()  # in the cache of the user, where all tests that need them find them
    loaded = library.load()
    assert loaded is not None, library.unavailable_because()
    assert "warning:" not in (loaded.path.parent / "build.log").read_text()
