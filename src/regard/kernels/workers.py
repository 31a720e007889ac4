"""Work in tiles on a given number of threads.

Every worker calls torch with one thread of its own: a barrier inside every small product waits
for the slowest thread, whole tiles do not wait for one another. What a tile computes does not
depend on which worker takes it, so results do not depend on the number of threads.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from regard.errors import ConfigError

Progress = Callable[[int, int], None]
"""Called with the number of tiles done and the number of tiles, from the caller's thread."""

_Task = TypeVar("_Task")
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def thread_count(threads: int | None) -> int:
    """The number of threads to use: torch's own number unless one is given."""
    if threads is None:
        return torch.get_num_threads()
    if threads < 1:
        raise ConfigError(f"threads is {threads}; it must be at least 1. Leave it out for torch's.")
    return threads


def run_tasks(
    tasks: Sequence[_Task],
    work: Callable[[_Task], None],
    threads: int,
    progress: Progress | None = None,
) -> None:
    """Do `work` for every task; the first error stops what has not begun and is raised."""
    futures = [_pool(threads).submit(work, task) for task in tasks]
    try:
        for done, future in enumerate(futures, 1):
            future.result()
            if progress is not None:
                progress(done, len(futures))
    except BaseException:
        _stop(futures)
        raise


def _stop(futures: list[Future[None]]) -> None:
    for future in futures:
        future.cancel()


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        if threads not in _pools:
            _pools[threads] = _new_pool(threads)
        return _pools[threads]


def _new_pool(threads: int) -> ThreadPoolExecutor:
    """A pool whose workers' torch uses one thread each, leaving everybody else's as it was."""
    everybody = torch.get_num_threads()
    barrier = threading.Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # a thread takes over everybody's number when it is first asked
        barrier.wait()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="regard-score", initializer=begin)
    for _ in range(threads):
        pool.submit(int)
    barrier.wait()
    torch.set_num_threads(everybody)  # threads started later inherit the last number set
    return pool


def _forget() -> None:
    """A forked child has the pools' records but none of their threads."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
