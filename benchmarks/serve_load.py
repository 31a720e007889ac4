"""Loads one `regard serve` process as many readers would, and reports what they saw.

    python benchmarks/serve_load.py                    # all of it: about ten minutes
    python benchmarks/serve_load.py --seconds 5 --photos 2000 --requests 500

Six measurements over an index of 20,000 photos, all over loopback, every sentence another one,
so that no answer is kept from before:

    alone        one client for 60 s, 40 hits each, every hit explained
    search       50 clients for 60 s, 40 hits each, without explanations
    explained    the same with every hit explained
    thumbnails   one client that asks for pictures, alone and beside 50 who search
    reindex      the same as `search` while another process keeps committing photos
    memory       20,000 requests of all kinds; resident memory at every twentieth

The vectors are drawn, not extracted: timings do not depend on their values. Clients and server
share the machine; the clients take part of its time.
"""

import argparse
import hashlib
import http.client
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psutil
from drawn_index import SHARD, SIZE, add_photos, draw_photos
from PIL import Image

from regard.indexing import open_for_writing
from regard.model.model import Model, load
from regard.search.catalog import FileRow

CLIENTS = 50
PEOPLE = ("a man", "a woman", "a boy", "two dogs", "a brown dog", "a child", "a horse", "a cat")
DOINGS = ("runs", "sits", "jumps", "plays", "sleeps", "stands", "looks up", "climbs", "waits")
PLACES = ("on a beach", "in the snow", "by a lake", "on the grass", "in a street", "on a rock")
LOOKS = ("wearing a red hat", "in a blue shirt", "with a stick", "near a tree", "at night")
SENTENCES = [" ".join(parts) for parts in itertools.product(PEOPLE, DOINGS, PLACES, LOOKS)]


def add_pictures(folder: Path, model: Model, place: Path, count: int) -> list[str]:
    """Commit photos that do exist, of noise, with drawn vectors; their ids."""
    generator = np.random.default_rng(7)
    place.mkdir()
    files = []
    for number in range(count):
        path = place / f"{number}.jpg"
        pixels = generator.integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).resize(SIZE).save(path)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        files.append(FileRow(str(path), path.stat().st_size, path.stat().st_mtime_ns, content))
    keys = [str(file.content) for file in files]
    photos = draw_photos(model, count, 7)
    with open_for_writing(folder, model) as (store, catalog), store.transaction():
        store.append(zip(keys, photos, strict=True))
        catalog.put(files)
        catalog.put_folder(str(place), [])
    return [key[:16] for key in keys]


# ---- readers


class Readers:
    """Clients that each keep one connection and ask again as soon as they are answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self.seconds: list[float] = []
        self.failures: list[str] = []

    def ask(self, paths: "itertools.chain[str]", until: float) -> None:
        """Take path after path until time or paths run out."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        while time.perf_counter() < until:
            with self._lock:
                path = next(paths, None)
            if path is None:
                break
            began = time.perf_counter()
            try:
                line.request("GET", path)
                answer = line.getresponse()
                body = answer.read()
                failure = "" if answer.status == 200 and body else f"{answer.status} {body[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
                line.close()
            with self._lock:
                self.seconds.append(time.perf_counter() - began)
                if failure:
                    self.failures.append(f"{path}: {failure}")
        line.close()

    def run(
        self, paths: "itertools.chain[str]", seconds: float, clients: int = CLIENTS
    ) -> dict[str, float]:
        """Let all clients ask; what they saw."""
        began = time.perf_counter()
        ask = [
            threading.Thread(target=self.ask, args=(paths, began + seconds)) for _ in range(clients)
        ]
        for thread in ask:
            thread.start()
        for thread in ask:
            thread.join()
        elapsed = time.perf_counter() - began
        found = np.array(self.seconds)
        return {
            "requests": len(found),
            "errors": len(self.failures),
            "per second": round(len(found) / elapsed, 1),
            "median ms": round(float(np.median(found)) * 1e3),
            "p95 ms": round(float(np.quantile(found, 0.95)) * 1e3),
            "worst ms": round(float(found.max()) * 1e3),
        }


def searches(seed: int, *, maps: bool) -> "itertools.chain[str]":
    """Searches, every one with another sentence; then once more with a word behind."""
    shuffled = random.Random(seed).sample(SENTENCES, len(SENTENCES))
    tail = "&maps=true" if maps else ""
    ends = ("", " today", " again", " and again", " outside", " inside")
    return itertools.chain.from_iterable(
        (f"/api/v1/search?q={quote(text + end)}{tail}" for text in shuffled) for end in ends
    )


def everything(port: int, count: int) -> "itertools.chain[str]":
    """Requests of all kinds, most of them those a page makes most."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    line.request("GET", "/api/v1/photos?limit=100")
    ids = [hit["photo"]["id"] for hit in json.load(line.getresponse())["hits"]]
    line.close()
    draw = random.Random(5)

    def paths():
        for number in range(count):
            photo, text = draw.choice(ids), quote(draw.choice(SENTENCES))
            yield (
                f"/api/v1/search?q={text}&maps=true" if number % 10 == 0
                else f"/api/v1/photos/{photo}/captions" if number % 10 == 1
                else f"/api/v1/photos?offset={number % 5000}" if number % 10 == 2
                else f"/api/v1/photos/{photo}/similar" if number % 100 == 3
                else f"/api/v1/photos/{photo}/explain?q={text}"
            )  # fmt: skip

    return itertools.chain(paths())


# ---- the measurements


def memory_of(process: psutil.Process) -> float:
    """Resident memory in MB."""
    return process.memory_info().rss / 1e6


def measure_memory(port: int, process: psutil.Process, count: int) -> dict[str, object]:
    """Resident memory after every twentieth of many requests."""
    paths = everything(port, count)
    readers = Readers(port)
    resident = []
    for _ in range(20):
        readers.run(itertools.chain(itertools.islice(paths, count // 20)), 1e9)
        resident.append(round(memory_of(process)))
    return {
        "requests": len(readers.seconds),
        "errors": len(readers.failures),
        "failures": readers.failures[:3],
        "resident MB": resident,
    }


def measure_thumbnails(port: int, ids: list[str], seconds: float) -> dict[str, object]:
    """One client that asks for pictures, alone and beside many who search."""

    def pictures() -> "itertools.chain[str]":
        return itertools.chain(f"/api/v1/photos/{one}/thumbnail" for one in itertools.cycle(ids))

    alone = Readers(port).run(pictures(), seconds / 4, 1)
    searchers = Readers(port)
    load = threading.Thread(target=searchers.run, args=(searches(4, maps=False), seconds))
    load.start()
    beside = Readers(port)
    found = beside.run(pictures(), seconds, 1)
    load.join()
    return {"alone": alone, "beside": found, "failures": beside.failures[:3]}


def measure_reindex(port: int, folder: Path, model: Model, seconds: float) -> dict[str, object]:
    """Searches while another thread of another process's kind keeps committing."""
    stop, commits = threading.Event(), []

    def write() -> None:
        while not stop.wait(1.0):
            add_photos(folder, model, 64, 10**6 + len(commits) * SHARD)
            commits.append(time.perf_counter())

    writer = threading.Thread(target=write)
    writer.start()
    readers = Readers(port)
    found = readers.run(searches(3, maps=False), seconds)
    stop.set()
    writer.join()
    return {**found, "commits": len(commits), "failures": readers.failures[:3]}


def start(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """One server; its process and port."""
    script = "from regard.cli.main import run; run()"
    command = [sys.executable, "-c", script, "serve", "--index", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "http://" in line:
            return process, int(line.split("http://127.0.0.1:")[1].split("/")[0])
    raise SystemExit("the server did not start")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--photos", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--requests", type=int, default=20_000, help="0 leaves memory out")
    chosen = options.parse_args()
    model = load()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        add_photos(folder, model, chosen.photos, seed=1)
        pictures = add_pictures(folder, model, Path(place) / "pictures", 64)
        server, port = start(folder)
        process = psutil.Process(server.pid)
        try:
            Readers(port).run(itertools.chain(["/api/v1/search?q=a+dog&maps=true"]), 1e9)  # warm
            print(
                json.dumps(
                    {
                        "photos": chosen.photos,
                        "cores": psutil.cpu_count(),
                        "load before": [round(x, 1) for x in psutil.getloadavg()],
                    }
                )
            )
            for name, maps, clients in (
                ("alone", True, 1),
                ("search", False, CLIENTS),
                ("explained", True, CLIENTS),
            ):
                readers = Readers(port)
                paths = searches(clients + maps, maps=maps)
                found = readers.run(paths, chosen.seconds, clients)
                print(json.dumps({name: found, "failures": readers.failures[:3]}), flush=True)
            found = measure_thumbnails(port, pictures, chosen.seconds)
            print(json.dumps({"thumbnails": found}), flush=True)
            found = measure_reindex(port, folder, model, chosen.seconds)
            print(json.dumps({"reindex": found}), flush=True)
            if chosen.requests:
                print(json.dumps({"memory": measure_memory(port, process, chosen.requests)}))
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
