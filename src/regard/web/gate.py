"""A door for heavy work: so many at once, so many in line, so many of one client.

Work beyond that is refused at once with the time to come back, so that a server under too much
load stays quick for those it does answer.

Uvicorn's `limit_concurrency` cannot stand in: it counts open connections, idle ones too, so a few
open pages would use it up. It knows neither clients nor kinds of work, lets nobody wait in line,
and says 503 without a reason or a time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from regard.web.problems import ProblemError

T = TypeVar("T")
_RETRY = {"Retry-After": "2"}


class Gate:
    """Runs jobs in threads, a bounded number at once, first come first served.

    Args:
        running: jobs at once.
        waiting: jobs in line behind them.
        per_client: jobs of one client, running or in line.
        patience: seconds in line.
    """

    def __init__(self, running: int, waiting: int, per_client: int, patience: float) -> None:
        self._slots = asyncio.Semaphore(running)
        self._threads = anyio.CapacityLimiter(running)
        self._waiting_limit = waiting
        self._per_client = per_client
        self._patience = patience
        self._in_hand: Counter[str] = Counter()
        self.waiting = 0
        self.running = 0
        self.refused = 0

    async def run(self, client: str, job: Callable[[], T]) -> T:
        """Do a job in a thread when its turn comes.

        Raises:
            ProblemError: 429 for too many of one client, 503 for a full line or a long wait.
        """
        if self._in_hand[client] >= self._per_client:
            self.refused += 1
            raise ProblemError(
                429,
                f"{self._in_hand[client]} of your requests are still being answered",
                f"at most {self._per_client} are taken at once",
                "Wait for some of them.",
                _RETRY,
            )
        self._in_hand[client] += 1
        try:
            await self._enter()
            try:
                self.running += 1
                return await anyio.to_thread.run_sync(job, limiter=self._threads)
            finally:
                self.running -= 1
                self._slots.release()
        finally:
            self._in_hand[client] -= 1
            if not self._in_hand[client]:
                del self._in_hand[client]

    async def _enter(self) -> None:
        """Take a slot, standing in line for it if need be."""
        if self._slots.locked() and self.waiting >= self._waiting_limit:
            raise self._busy(f"{self.waiting} requests are already waiting")
        self.waiting += 1
        try:
            with anyio.fail_after(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            raise self._busy(f"the request has waited for {self._patience:g} s") from None
        finally:
            self.waiting -= 1

    def _busy(self, what: str) -> ProblemError:
        self.refused += 1
        return ProblemError(
            503, what, "the server is too busy", "Try again in two seconds.", _RETRY
        )
