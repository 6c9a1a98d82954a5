"""A sweep as a user runs it: trained, measured and compared by the real binaries."""

import csv

import pytest

SWEEP = """
config: demo
data: {data}
seeds: [0, 1]
change:
  training.total_images: 32
  training.batch_size: 8
  generator.fmap_max: 8
  discriminator.fmap_max: 8
  loss.warmup_images: 0
  evaluation.every_images: 0
rows:
  plain: {{}}
  augmented: {{augmentation: diffaugment}}
baseline: plain
evaluate: {{data: {data}, metrics: fid, fake_count: 64, error_bars: false}}
"""


@pytest.mark.slow
def test_rows_are_trained_measured_and_compared_and_nothing_is_done_twice(bench, tmp_path):
    made = bench.convert("scenes", tmp_path / "data", "--resolution=8", "--max_images=64")
    (tmp_path / "sweep.yaml").write_text(SWEEP.format(data=made.folder))
    command = [f"--sweep={tmp_path / 'sweep.yaml'}", f"--output={tmp_path / 'out'}"]
    done = bench.run("sweep", *command)
    assert done.returncode == 0, done.stderr
    plain, augmented = [line.split() for line in done.stdout.splitlines()[1:]]
    assert plain[:3] == ["plain", "fid", "2"] and augmented[:3] == ["augmented", "fid", "2"]
    assert augmented[6][0] in "+-"
    with (tmp_path / "out" / "values.csv").open() as file:
        found = {(row["row"], row["seed"]): float(row["value"]) for row in csv.DictReader(file)}
    assert len(found) == 4 and len(set(found.values())) == 4
    with (tmp_path / "out" / "runs.csv").open() as file:
        records = list(csv.DictReader(file))
    assert [(record["row"], record["images"]) for record in records[:2]] == [
        ("plain", "32"),
        ("augmented", "32"),
    ]
    assert len(records) == 4 and len({record["data"] for record in records}) == 1
    assert all("dualcontrast-evaluate" in record["command"] for record in records)
    assert "augmented" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "samples.png").stat().st_size > 1000
    again = bench.run("sweep", *command)
    assert again.stdout == done.stdout and again.returncode == 0
