"""Several processes make the steps of one: the same loss, the same gradients, one run on disk."""

import os
import socket

import numpy as np
import pytest
import torch
from tests.training.test_machine import learner

from regard.errors import ConfigError
from regard.training.ranks import ALONE, Ranks, joined

# Python says so of forks in a process that has threads; those of the children are their own
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
STILL = (
    *("training.batch_size=12", "training.precision=float32", "training.clip_norm=1e9"),
    *("model.feature_dropout=0", "model.dropout=0", "model.label_dropout=0"),
)
CASES = [
    (2, "official", "training.mask_same_photo=true"),
    (3, "official", "training.negatives=sum", "model.scoring.direction=i2t"),
    (3, "flickr8k", "training.feature_rank=0", "training.mask_same_photo=true"),
    (2, "wide", "training.triplet_weight=1.0"),
    (3, "saf-f30k", "model.aspects=8"),
]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def in_processes(count, work, folder):
    """Do some work in several processes that have met; gives what each wrote as numbers."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    children = []
    for rank in range(count):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.environ.update(place | {"RANK": str(rank)})
                with joined("cpu") as (ranks, _):
                    np.save(folder / f"{rank}.npy", work(ranks))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * count
    return [np.load(folder / f"{rank}.npy") for rank in range(count)]


def step(folder, case, ranks=ALONE):
    """Loss and whole gradient of one step."""
    settings = [one for one in STILL if case[0] == "wide" or "label" not in one]
    made, batch, *_ = learner(folder / f"of-{ranks.rank}", *case, *settings, ranks=ranks)
    made.model.train()
    loss = made.step(batch, 1e-3, warming_up=False)
    gradients = [weight.grad.flatten() for weight in made.model.parameters()]
    after = [value.flatten() for value in made.model.state_dict().values()]
    size = sum(map(len, gradients))
    return np.concatenate([[loss, size], torch.cat(gradients).numpy(), torch.cat(after).numpy()])


@pytest.mark.parametrize(("count", "case"), [(case[0], case[1:]) for case in CASES], ids=str)
def test_loss_and_gradients_are_those_of_one_process(tmp_path, count, case):
    (tmp_path / "alone").mkdir()
    expected = step(tmp_path / "alone", case)
    found = in_processes(count, lambda ranks: step(tmp_path, case, ranks), tmp_path)
    for one in found:
        assert one[0] == pytest.approx(expected[0], rel=1e-6)
        of_gradient = slice(2, 2 + int(one[1]))
        gradient, wanted = one[of_gradient], expected[of_gradient]
        assert np.linalg.norm(gradient - wanted) <= 1e-6 * np.linalg.norm(wanted)
        assert (one == found[0]).all()  # so that all go on with the same weights


def test_what_is_gathered_gets_its_gradient_back(tmp_path):
    """Against one process that has all parts: L = sum over ranks of (r + 1) |all|^2 / 2."""

    def work(ranks):
        own = torch.arange(3.0) + ranks.rank
        own.requires_grad_()
        everything = ranks.gather(own)
        ((ranks.rank + 1) * everything.pow(2).sum() / 2).backward()
        return np.stack([*everything.detach().numpy(), own.grad.numpy()])

    for rank, found in enumerate(in_processes(3, work, tmp_path)):
        np.testing.assert_array_equal(found[:3], np.arange(3) + np.arange(3)[:, None])
        np.testing.assert_array_equal(found[3], 6 * found[rank])  # 1 + 2 + 3


def test_the_leader_goes_first_and_tells(tmp_path):
    def work(ranks):
        with ranks.leader_first():
            there = (tmp_path / "made").exists()
            (tmp_path / "made").touch()
        return np.array([there, *ranks.told([ranks.rank + 7, 0.5])])

    assert [found.tolist() for found in in_processes(2, work, tmp_path)] == [
        [0, 7, 0.5],
        [1, 7, 0.5],
    ]


def test_one_process_needs_no_others():
    with joined("cpu") as (ranks, device), ranks.leader_first():
        assert (ranks, device) == (ALONE, "cpu")
    tensor = torch.ones(2)
    ranks.add_up([tensor])
    assert tensor.tolist() == [1, 1]
    assert ranks.told([1, 2]) == [1, 2]
    assert ranks.part(7) == slice(0, 7)


def test_a_batch_that_cannot_be_parted_is_refused():
    assert Ranks(2, 3).part(12) == slice(8, 12)
    with pytest.raises(ConfigError, match="must be a multiple of the processes', 3"):
        Ranks(0, 3).part(10)


@pytest.mark.parametrize(
    "all_pairs",
    ["training.negatives=sum", "training.sum_epochs=1", "training.attention_weight=0.5"],
)
def test_gates_of_all_pairs_are_refused_to_several_processes(tmp_path, all_pairs):
    learner(tmp_path / "alone", "saf-f30k", "model.aspects=8", all_pairs)
    with pytest.raises(ConfigError, match=r"trains in one process only.*train without torchrun"):
        learner(tmp_path / "two", "saf-f30k", "model.aspects=8", all_pairs, ranks=Ranks(0, 2))


def test_every_process_takes_the_card_of_its_own(monkeypatch):
    began, chosen = [], []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    for name, value in (
        ("init_process_group", lambda ways, **_: began.append(ways)),
        *(("get_rank", lambda: 5), ("get_world_size", lambda: 8)),
        ("destroy_process_group", lambda: None),
    ):
        monkeypatch.setattr(torch.distributed, name, value)
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with joined("cuda") as (ranks, device):
        assert (ranks, device, chosen) == (Ranks(5, 8), "cuda:1", ["cuda:1"])
    assert began == ["cpu:gloo,cuda:nccl"]
    with pytest.raises(ConfigError, match="it must be cpu or cuda for several"), joined("mps"):
        pass
