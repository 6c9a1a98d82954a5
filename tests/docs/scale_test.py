"""The files that start a run on a cluster give every host its own TF_CONFIG, without a cluster."""

import os
import pathlib
import subprocess

import pytest
import yaml

from dualcontrast.trainer import cluster

SCALE = pathlib.Path(__file__).parents[2] / "docs" / "scale"


@pytest.fixture(name="bash")
def _bash(tmp_path):
    """Runs a script where the programs that it calls are these, and returns what it printed."""

    def run(programs, arguments, **environment):
        for name, text in programs.items():
            (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
            (tmp_path / name).chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        env = os.environ | environment | {"PATH": path}
        done = subprocess.run(["bash", *arguments], env=env, capture_output=True, text=True)
        return done.stdout.splitlines(), done.returncode

    return run


def read(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    return cluster.of_environment()


PRINTS = 'printf "%s\\n" "$TF_CONFIG" "$*"'


def test_slurm_tells_every_task_all_hosts_and_its_number(bash, monkeypatch):
    tasks = 'shift; for i in 0 1; do SLURM_PROCID=$i "$@"; done'
    names = 'test "$1" = show && printf "%s\\n" node07 node08'
    programs = {"scontrol": names, "srun": tasks, "dualcontrast-train": PRINTS}
    arguments = [SCALE / "train.sbatch", "--config=demo", "--workdir=a folder"]
    lines, code = bash(programs, arguments, SLURM_JOB_NODELIST="node[07-08]", SLURM_JOB_ID="1")
    assert code == 0 and lines[1] == lines[3] == "--config=demo --workdir=a folder"
    for index, text in enumerate(lines[::2]):
        found = read(text, monkeypatch)
        assert found.addresses == ("node07:2222", "node08:2222") and found.index == index


@pytest.mark.parametrize("code, again", [(0, False), (2, False), (3, True), (143, True)])
def test_slurm_queues_a_run_again_that_lost_a_host_or_was_stopped(code, again, bash):
    programs = {"scontrol": 'test "$1" = show || echo "$@"', "srun": f"exit {code}"}
    lines, found = bash(programs, [SCALE / "train.sbatch"], SLURM_JOB_ID="7")
    assert found == code and lines == ["requeue 7"] * again


def test_kubernetes_names_every_pod_as_the_service_does(bash, monkeypatch):
    service, job = yaml.safe_load_all((SCALE / "train.yaml").read_text())
    pod, name = job["spec"]["template"]["spec"], job["metadata"]["name"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": name}
    (train,) = pod["containers"]
    port = train["ports"][0]["containerPort"]
    hosts = {variable["name"]: variable["value"] for variable in train["env"]}
    for index in range(job["spec"]["completions"]):
        programs = {"dualcontrast-train": PRINTS}
        lines, _ = bash(programs, train["command"][1:], JOB_COMPLETION_INDEX=str(index), **hosts)
        found = read(lines[0], monkeypatch)
        expected = [f"{name}-{i}.{pod['subdomain']}:{port}" for i in range(2)]
        assert list(found.addresses) == expected and found.index == index
