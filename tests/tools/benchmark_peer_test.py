"""The comparison with the peer refuses what it cannot compare."""


def test_mistakes_are_named_before_anything_is_measured(bench, tmp_path):
    (tmp_path / "peer" / "training").mkdir(parents=True)
    for name in ("networks", "loss"):
        (tmp_path / "peer" / "training" / f"{name}.py").touch()
    (tmp_path / "python").write_text("#!/bin/sh\necho False\n")  # what one without PyTorch answers
    (tmp_path / "python").chmod(0o755)
    peer, python = f"--peer={tmp_path}/peer", f"--python={tmp_path}/python"
    mistakes = {
        (): "--peer is missing: expected a checkout of https://",
        (f"--peer={tmp_path}/none", python): "none: there is no such folder; type: git clone",
        (f"--peer={tmp_path}", python): "it has no training/networks.py",
        (peer,): "--python is missing",
        (peer, f"--python={tmp_path}/none"): "none: no Python runs there",
        (peer, "--python=false"): "--python=false: no Python runs there",
        (peer, python): "python -m pip install torch",
        (peer, python, "--side=48"): "--side=48: expected a power of two",
        (peer, python, "--batch=6"): "--batch=6: expected a multiple of 4",
        (peer, python, "word"): "unexpected 'word'",
    }
    answers = bench.early_calls("tools.benchmark_peer", *map(list, mistakes))
    for expected, (code, _, err) in zip(mistakes.values(), answers, strict=True):
        assert code == 2 and expected in err and len(err.splitlines()) <= 2, (expected, err)
