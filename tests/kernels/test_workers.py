"""Workers: one thread of torch each whatever others use, errors handed on, alive after a fork."""

import subprocess
import sys
import threading
import time

import pytest
import torch
from tests.threads import product_threads
from threadpoolctl import threadpool_limits

from regard.errors import ConfigError
from regard.kernels import workers


@pytest.fixture(params=[1, 2, 3])
def everybody(request, monkeypatch):
    """The caller's number of threads; pools are new."""
    before = torch.get_num_threads()
    monkeypatch.setattr(workers, "_pools", {})
    torch.set_num_threads(request.param)
    yield request.param
    for pool in workers._pools.values():
        pool.shutdown()
    torch.set_num_threads(before)


def test_each_worker_s_torch_has_one_thread(everybody):
    """Also after a parallel operation, with which a thread would take over everybody's number."""
    seen = {}
    together = threading.Barrier(2)

    def work(_):
        together.wait(60)
        torch.ones(1_000_000).exp().sum()
        seen[threading.get_ident()] = torch.get_num_threads()

    workers.run_tasks([0, 1], work, 2)
    assert list(seen.values()) == [1, 1]
    assert threading.get_ident() not in seen
    assert torch.get_num_threads() == everybody


def test_results_do_not_depend_on_threads(everybody):
    a, b = torch.randn(2, 8, 400, 300, generator=torch.Generator().manual_seed(0))
    by_threads = {}
    for threads in (1, 2):
        out = torch.empty(len(a))

        def work(n, out=out):
            out[n] = (a[n].bfloat16() @ b[n].bfloat16().T).float().softmax(1).sum()
            out[n] += (a[n] @ b[n].T).exp().mean()

        workers.run_tasks(range(len(a)), work, threads)
        by_threads[threads] = out
    assert torch.equal(by_threads[1], by_threads[2])


def test_progress_counts_tasks():
    progress_told = []
    workers.run_tasks(
        "abc", lambda _: None, 2, lambda done, total: progress_told.append((done, total))
    )
    assert progress_told == [(1, 3), (2, 3), (3, 3)]


def test_first_error_is_raised_and_stops_the_rest():
    done = []

    def work(n):
        if n == 1:
            raise RuntimeError("the second")
        time.sleep(0.05)
        done.append(n)

    with pytest.raises(RuntimeError, match="the second"):
        workers.run_tasks(range(100), work, 1)
    assert 0 in done
    assert len(done) < 50


def test_a_number_of_threads_is_at_least_one():
    assert workers.thread_count(None) == torch.get_num_threads()
    assert workers.thread_count(3) == 3
    with pytest.raises(ConfigError, match="threads is 0; it must be at least 1"):
        workers.thread_count(0)


_FORK = """
import os, torch
from regard.kernels import similarity_matrix
regions, words = torch.randn(20, 5, 8), torch.randn(4, 6, 8)
wanted = similarity_matrix(regions, words, None, backend="plain", threads=2)
child = os.fork()
if child == 0:
    same = torch.equal(wanted, similarity_matrix(regions, words, None, backend="plain", threads=2))
    os._exit(0 if same else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="needs fork")
def test_scores_in_a_forked_child():
    assert subprocess.run([sys.executable, "-c", _FORK], timeout=300, check=False).returncode == 0


def test_products_keep_to_one_thread_and_get_their_own_number_back():
    with threadpool_limits(2, "blas"):
        with workers.one_product_a_thread():
            assert product_threads() == {1}
            workers.run_tasks("ab", lambda _: None, 2)
            assert product_threads() == {1}
        assert product_threads() == {2}
