"""Work in tiles on a given number of threads.

Every product within a tile runs on one thread: a barrier inside every small product waits for the
slowest thread, whole tiles do not wait for one another. What a tile computes does not depend on
which worker takes it, so results do not depend on the number of threads.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from regard.errors import ConfigError
from regard.kernels.hardware import available_cores

Progress = Callable[[int, int], None]
"""Called with the number of tiles done and the number of tiles, from the caller's thread."""

_Task = TypeVar("_Task")
_pools: dict[tuple[int, bool], ThreadPoolExecutor] = {}
_lock = threading.Lock()
_wanted: int | None = None
_held: Any = None


def set_threads(count: int | None) -> None:
    """Use so many threads wherever nothing else is asked for: here, by numpy and by torch.

    None gives numpy's products and what is done here their own number again.

    Raises:
        ConfigError: it is below 1.
    """
    global _wanted, _held
    if count is not None:
        count = thread_count(count)
    if _held is not None:
        _held.restore_original_limits()
    _wanted, _held = count, None
    if count is not None:
        _held = _products().limit(limits=count, user_api="blas")
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(count)


def thread_count(threads: int | None) -> int:
    """The number of threads to use.

    Unless one is given that of `set_threads`, else torch's where torch is loaded, else
    OMP_NUM_THREADS, else one a core.
    """
    if threads is None:
        if _wanted is not None:
            return _wanted
        if (torch := sys.modules.get("torch")) is not None:
            return int(torch.get_num_threads())
        asked = os.environ.get("OMP_NUM_THREADS", "")
        return int(asked) if asked.isdecimal() and int(asked) else available_cores()
    if threads < 1:
        raise ConfigError(f"threads is {threads}; it must be at least 1. Leave it out for all.")
    return threads


def run_tasks(
    tasks: Sequence[_Task],
    work: Callable[[_Task], None],
    threads: int,
    progress: Progress | None = None,
) -> None:
    """Do `work` for every task; the first error stops what has not begun and is raised."""
    with one_product_a_thread():
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
    for future in futures:
        if not future.cancelled():
            future.exception()  # waits, so that nothing runs on behind the caller's back


@cache
def _products() -> Any:
    """What tells numpy's products how many threads to use."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_running = 0
_limit: Any = None


@contextlib.contextmanager
def one_product_a_thread() -> Iterator[None]:
    """Have numpy multiply on the thread that asks for it, as while any tasks run.

    Of products as small as those of one sentence, a second thread takes part in little and spins
    long afterwards, waiting for more: it may cost ten times what the product does. Once the
    main thread has asked for this, OpenBLAS (0.3.31) heeds no other: a server asks for it there.
    """
    global _running, _limit
    with _lock:
        if _running == 0:
            _limit = _products().limit(limits=1, user_api="blas")
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                _limit.restore_original_limits()


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        kind = threads, "torch" in sys.modules
        if kind not in _pools:
            _pools[kind] = _new_pool(threads)
        return _pools[kind]


def _new_pool(threads: int) -> ThreadPoolExecutor:
    """A pool whose workers' torch uses one thread each, leaving everybody else's as it was."""
    torch = sys.modules.get("torch")
    if torch is None:
        return ThreadPoolExecutor(threads, thread_name_prefix="regard-score")
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
    global _lock, _running
    _lock = threading.Lock()
    _running = 0
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
