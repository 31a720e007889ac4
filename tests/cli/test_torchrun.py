"""torchrun -m regard train: two processes, of two launchers, one of them killed; one report."""

import json
import os
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from tests.cli.conftest import invoke, train_arguments
from tests.training.test_ranks import free_port

KILL = """
import os, sys
import regard.training.loop as loop
loop._SAVE_EVERY = 2
from regard.training.config import TrainConfig
real, calls = TrainConfig.rate, []
def rate(*rest):  # asked for once a step
    calls.append(1)
    if len(calls) == 6 and os.environ["RANK"] == "1":
        os._exit(9)
    return real(*rest)
TrainConfig.rate = rate
from regard.cli.main import run
run()
"""


def launched(*program, nodes=1):
    """Results of launchers that start two processes together, one a node where there are two."""
    port, launchers = free_port(), []
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # as torchrun sets it for two of a node
    for node in range(nodes):
        where = ["--nnodes", nodes, "--node-rank", node, "--nproc-per-node", 2 // nodes]
        meet = ["--master-addr", "127.0.0.1", "--master-port", port]
        command = [sys.executable, "-m", "torch.distributed.run", *where, *meet, *program]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        program_of = [str(part) for part in command]
        launchers.append(subprocess.Popen(program_of, env=one_thread, **pipes))
    return [(one, *one.communicate(timeout=240)) for one in launchers]


@pytest.mark.slow
def test_two_launchers_and_a_killed_process_come_to_the_same_run(world, tmp_path):
    command = train_arguments(world.captions, world.regions, tmp_path / "whole")
    first, second = launched("-m", "regard", *command, "--json", nodes=2)
    assert first[0].returncode == second[0].returncode == 0, (first[2], second[2])
    tree = json.loads(first[1])  # one report
    assert second[1] == ""
    assert (tmp_path / "whole/log.jsonl").read_text().count("\n") == 2
    (start,) = (tmp_path / "whole/starts.jsonl").read_text().splitlines()
    assert json.loads(start)["processes"] == 2

    script = tmp_path / "kill.py"
    script.write_text(KILL)
    again = train_arguments(world.captions, world.regions, tmp_path / "again")
    ((killed, *_),) = launched(script, *again)
    assert killed.returncode != 0
    assert (tmp_path / "again/state.safetensors").is_file()
    ((resumed, told, errors),) = launched("-m", "regard", *again, "--json")
    assert resumed.returncode == 0, errors
    assert json.loads(told)["rsum"] == tree["rsum"]
    expected, found = (load_file(tmp_path / n / "state.safetensors") for n in ("whole", "again"))
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in expected)


def test_other_verbs_refuse_several_processes(world, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = invoke("ablate", "--data", world.captions, "--regions", world.regions, "-o", tmp_path)
    assert "Run it without torchrun" in str(done.exception)
