"""The comparison of imported networks refuses what it cannot compare."""


def test_mistakes_are_named_before_anything_is_made(bench, tmp_path):
    (tmp_path / "peer" / "training").mkdir(parents=True)
    for name in ("networks", "loss"):
        (tmp_path / "peer" / "training" / f"{name}.py").touch()
    (tmp_path / "python").write_text("#!/bin/sh\necho True\n")  # what one with PyTorch answers
    (tmp_path / "python").chmod(0o755)
    asked = (f"--peer={tmp_path}/peer", f"--python={tmp_path}/python")
    mistakes = {
        (): "--peer is missing",
        (*asked, "--sides="): "--sides=: expected powers of two from 8 on",
        (*asked, "--sides=32,"): "--sides=: expected powers of two from 8 on",
        (*asked, "--sides=48"): "--sides=48: expected powers of two from 8 on",
        (*asked, "word"): "unexpected 'word'",
    }
    answers = bench.early_calls("tools.crosscheck_import", *map(list, mistakes))
    for expected, (code, _, err) in zip(mistakes.values(), answers, strict=True):
        assert code == 2 and expected in err and len(err.splitlines()) <= 2, (expected, err)
