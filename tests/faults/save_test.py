"""Kills and full disks at every step of a save: nothing acknowledged is lost, nothing is left."""

import random
import shutil

import pytest

from dualcontrast.trainer.checkpoints import discovery

# A step of the save of checkpoint N: a call of the C library, the path, and where it dies.
STEPS = {
    "folder made": ("mkdir", "images-{N}.saving", "KILL_AFTER"),
    "data opened": ("open", ".data-00000-of-00001.tempstate", "KILL_AFTER"),
    "data half written": ("write", ".data-00000-of-00001.tempstate", "KILL_HALFWAY"),
    "data written": ("rename", ".saving/images-{N}.data", "KILL_BEFORE"),
    "index half written": ("write", ".saving/images-{N}.index", "KILL_HALFWAY"),
    "both written": ("rmdir", "images-{N}_temp", "KILL_BEFORE"),
    "data not synced": ("fsync", ".saving/images-{N}.data", "KILL_BEFORE"),
    "data named": ("rename", "checkpoints/images-{N}.data", "KILL_AFTER"),
    "index not named": ("rename", "checkpoints/images-{N}.index", "KILL_BEFORE"),
    "index named": ("rename", "checkpoints/images-{N}.index", "KILL_AFTER"),
    "folder synced": ("rmdir", "images-{N}.saving", "KILL_AFTER"),
    "list not named": ("rename", "checkpoints/checkpoint", "KILL_BEFORE"),
}
SITUATIONS = ("first", "pruning", "over a damaged one")
PARTS = [(step, SITUATIONS[index % 3]) for index, step in enumerate(STEPS)]
ALL = [(step, situation) for step in STEPS for situation in SITUATIONS]
PRUNING = [("unlink", "images-8.index", "KILL_AFTER"), ("unlink", "images-8.data", "KILL_BEFORE")]


@pytest.fixture(name="runs", scope="module")
def _runs(saving, tmp_path_factory):
    """A run's folder before its first, third and again its third save, which is that of 24."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "first").mkdir()
    saving.train(folder / "pruning", 16)
    saving.train(folder / "over a damaged one", 24)
    index = folder / "over a damaged one" / "checkpoints" / "images-24.index"
    index.write_bytes(index.read_bytes()[:40])
    return folder


def whole(numbers) -> set[str]:
    """The names in a folder of checkpoints."""
    endings = ("index", "data-00000-of-00001")
    return {f"images-{number}.{ending}" for number in numbers for ending in endings}


def assert_recovers(saving, workdir, acknowledged: int, until: int) -> None:
    """The next process goes on from what was acknowledged, or later, and leaves nothing else."""
    found = discovery.newest_whole(workdir)
    assert found is None if not acknowledged else int(found.name[7:]) >= acknowledged
    state = saving.train(workdir, until)
    assert state.check() == until
    newest = range(until, max(0, until - saving.EVERY * saving.KEEP), -saving.EVERY)
    names = {path.name for path in (workdir / "checkpoints").iterdir()}
    assert names == whole(newest) | {"checkpoint"}
    assert {path.name for path in workdir.iterdir()} == {"checkpoints"}


def kill(saving, faulty, runs, workdir, step, situation) -> None:
    shutil.copytree(runs / situation, workdir)
    call, part, action = STEPS[step] if isinstance(step, str) else step
    number, before = (8, 0) if situation == "first" else (24, 16)
    # TensorFlow's own folder lies in ours, and goes first.
    count = 2 if step == "folder synced" else 1
    part = part.format(N=number)
    signal, saved, _ = faulty.train(workdir, number, call, part, getattr(saving, action), count)
    assert (signal, saved) == (9, []), (step, situation)
    if step in ("index named", "folder synced", "list not named") and before == 0:
        before = 8  # it has its name
    assert_recovers(saving, workdir, before, number)
    shutil.rmtree(workdir)


@pytest.mark.parametrize("cases", [PARTS, pytest.param(ALL, marks=pytest.mark.faults)])
def test_a_kill_at_any_step_of_a_save_loses_and_leaves_nothing(
    cases, saving, faulty, runs, tmp_path, count_faults
):
    count_faults("kills inside a save", len(cases))
    for step, situation in cases:
        kill(saving, faulty, runs, tmp_path / "run", step, situation)


def test_a_kill_while_old_checkpoints_go_leaves_nothing(saving, faulty, runs, tmp_path):
    for step in PRUNING:
        kill(saving, faulty, runs, tmp_path / "run", step, "pruning")


@pytest.mark.parametrize("number", [6, pytest.param(40, marks=pytest.mark.faults)])
def test_a_process_that_does_nothing_but_save_may_be_killed_at_any_moment(
    number, saving, faulty, tmp_path, count_faults, capsys
):
    count_faults("kills at random while saving", number)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    acknowledged, longest = 0, 0.5
    for _ in range(number):
        saved = faulty.kill_after(tmp_path / "run", rng.uniform(0.1, longest))
        acknowledged = max([acknowledged, *saved])
        longest *= 1 if saved else 2  # a busy machine saves nothing in so short a time
        found = discovery.newest_whole(tmp_path / "run")
        assert (int(found.name[7:]) if found else 0) >= acknowledged
    assert acknowledged > 0
    until = int(found.name[7:]) + saving.EVERY
    assert_recovers(saving, tmp_path / "run", acknowledged, until)


def test_a_checkpoint_is_synced_once_before_it_is_named_and_others_go_after(faulty, runs, tmp_path):
    workdir = shutil.copytree(runs / "pruning", tmp_path / "run")
    folder = workdir / "checkpoints"
    calls = [
        (call, path.relative_to(folder))
        for call, path in faulty.calls(workdir, 24)
        if path.is_relative_to(folder) and call in ("fsync", "rename", "unlink")
    ]
    # TensorFlow's own renames inside of the folder where it writes are no business of ours.
    calls = [(call, str(path)) for call, path in calls if call != "rename" or len(path.parts) == 1]
    data, index = "images-24.data-00000-of-00001", "images-24.index"
    synced = [("fsync", f"images-24.saving/{name}") for name in (data, index)]
    named = [("rename", name) for name in (data, index)]
    assert [call for call in calls if call[0] != "unlink" or "images-8" in call[1]] == [
        *synced,
        *named,
        ("fsync", "."),
        ("unlink", "images-8.index"),
        ("unlink", "images-8.data-00000-of-00001"),
        ("fsync", calls[-2][1]),
        ("rename", "checkpoint"),
    ]
    assert calls[-2][1].startswith("checkpoint.")


# A full disk refuses to make, to write and to sync; `rename` needs room for a name.
FULL = [
    ("mkdir", "images-24.saving"),
    ("open", ".data-00000-of-00001.tempstate"),
    ("write", ".data-00000-of-00001.tempstate"),
    ("write", ".saving/images-24.index"),
    ("fsync", ".saving/images-24.data"),
    ("rename", "checkpoints/images-24.data"),
    ("rename", "checkpoints/images-24.index"),
]


@pytest.mark.parametrize("cases", [FULL[2:7:2], pytest.param(FULL, marks=pytest.mark.faults)])
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    cases, saving, faulty, runs, tmp_path, count_faults
):
    count_faults("full disks", len(cases))
    for call, part in cases:
        workdir = tmp_path / "run"
        shutil.copytree(runs / "pruning", workdir)
        signal, saved, end = faulty.train(workdir, 24, call, part, saving.NO_SPACE)
        assert (signal, saved) == (0, []), (call, part)
        assert end.startswith("refused") and "Make room" in end and "No space" in end, end
        names = {path.name for path in (workdir / "checkpoints").iterdir()}
        assert names == whole((8, 16)) | {"checkpoint"}, (call, part)
        assert_recovers(saving, workdir, 16, 24)
        shutil.rmtree(workdir)


@pytest.mark.parametrize("number", [1, pytest.param(1, marks=pytest.mark.faults)])
def test_a_list_that_finds_no_room_stops_nothing(
    number, saving, faulty, runs, tmp_path, count_faults
):
    count_faults("full disks", number)
    shutil.copytree(runs / "pruning", tmp_path / "run")
    signal, saved, end = faulty.train(
        tmp_path / "run", 24, "write", "checkpoints/checkpoint.", saving.NO_SPACE
    )
    assert (signal, saved) == (0, [24]) and end.startswith("done")
    assert_recovers(saving, tmp_path / "run", 24, 32)


def test_a_file_system_without_locks_is_warned_of_and_used(saving, faulty, tmp_path):
    signal, saved, end = faulty.train(tmp_path / "run", 8, "flock", "training", saving.NO_LOCKS)
    assert (signal, saved) == (0, [8]) and end.startswith("done")
