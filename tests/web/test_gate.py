"""So many at once, so many in line, so many of one client."""

import threading

import anyio
import pytest

from regard.web.gate import Gate
from regard.web.problems import ProblemError


class Work:
    """Jobs that wait until they are let go, and note how many ran together."""

    def __init__(self):
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go.wait(60)
        with self.lock:
            self.now -= 1
        return "done"


async def until(condition):
    with anyio.fail_after(60):
        while not condition():
            await anyio.sleep(0.002)


def together(gate, work, clients, check):
    """Start one job a client, check while they stand, let go; answers or problems in order."""
    results = {}

    async def ask(number, client):
        try:
            results[number] = await gate.run(client, work)
        except ProblemError as error:
            results[number] = error

    async def main():
        async with anyio.create_task_group() as tasks:
            for number, client in enumerate(clients):
                tasks.start_soon(ask, number, client)
            await check(results)
            work.go.set()

    anyio.run(main)
    return [results[number] for number in range(len(clients))]


def test_a_bounded_number_runs_and_all_are_answered():
    gate, work = Gate(2, 10, 10, 5), Work()

    async def check(_results):
        await until(lambda: work.now == gate.running == 2 and gate.waiting == 4)

    assert together(gate, work, "abcdef", check) == ["done"] * 6
    assert work.most == 2
    assert gate.running == gate.waiting == gate.refused == 0


def test_a_full_line_is_answered_503_at_once():
    gate, work = Gate(1, 2, 10, 5), Work()

    async def check(results):
        await until(lambda: len(results) == 1)

    results = together(gate, work, "abcd", check)
    busy = [result for result in results if result != "done"]
    assert [error.status for error in busy] == [503]
    assert int(busy[0].headers["Retry-After"]) > 0
    assert gate.refused == 1


def test_one_client_cannot_take_everything():
    gate, work = Gate(1, 100, 3, 5), Work()

    async def check(results):
        await until(lambda: len(results) == 2)

    results = together(gate, work, "aaaaab", check)
    assert [r.status for r in results if r != "done"] == [429, 429]
    assert results[5] == "done"


def test_patience_ends():
    gate, work = Gate(1, 5, 5, 0.02), Work()

    async def check(results):
        await until(lambda: len(results) == 1)

    results = together(gate, work, "ab", check)
    assert results[0] == "done"
    assert results[1].status == 503
    assert "has waited" in str(results[1])


def test_a_failing_job_gives_its_slot_back():
    gate = Gate(1, 1, 1, 1)

    async def main():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await gate.run("a", lambda: 1 // 0)
        return await gate.run("a", lambda: "fine")

    assert anyio.run(main) == "fine"
    assert gate.running == gate.waiting == 0
