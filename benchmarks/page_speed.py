"""How quick the page is: from Enter to thumbnails, bytes a search, frames while words are hovered.

    python benchmarks/page_speed.py --kept FOLDER   # 20,000 photos; made at first, two minutes then
    python benchmarks/page_speed.py --photos 500 --searches 5 --pictures FOLDER

A server over an index of drawn vectors whose files are copies of some photos (200 of a folder, or
the samples, whose stones and grass make large files), and Chromium on the same machine, which share
its cores; processor time is told beside time, since other programs stretch the one and not the
other. The server is warm: the thumbnails were made and the photos made ready, but no answer is kept
from before. The browser's own store is empty for every search. Prints JSON, and how far it is to
standard error.
"""

import argparse
import hashlib
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil
from drawn_index import SHARD, draw_photos
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from serve_load import SENTENCES, start

from regard.indexing import open_for_writing
from regard.model.model import Model, load
from regard.photos import samples
from regard.search.catalog import FileRow

CHROMIUM = "/usr/bin/chromium"
VIEW = {"width": 1440, "height": 900}
SUFFIXES = (".jpg", ".jpeg", ".webp", ".png")
HOVER_SECONDS, PER_WORD = 6, 0.15
IN_VIEW = """() => {
    const tiles = [...document.querySelectorAll(".tile img")].filter((image) => {
        const { top, bottom } = image.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
    });
    return [tiles.some((image) => image.complete && image.naturalWidth),
        tiles.length > 0 && tiles.every((image) => image.complete)];
}"""
WATCH = (
    "() => { const inView = "
    + IN_VIEW
    + """;
    const field = document.querySelector("#q");
    window.told = new Promise((done) => field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        const began = performance.now();
        const times = [0, 0];
        const look = () => {
            if (new URLSearchParams(location.search).get("q") === field.value
                && !document.querySelector("main[aria-busy=true]"))
                inView().forEach((there, place) => {
                    if (there) times[place] ||= performance.now() - began;
                });
            if (times[1]) done(times);
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }, { capture: true }));
}"""
)
FRAMES = """() => {
    const at = window.frames_at = [];
    const tick = (now) => { at.push(now); window.ticking = requestAnimationFrame(tick); };
    window.ticking = requestAnimationFrame(tick);
}"""


def add_copies(folder: Path, model: Model, place: Path, count: int, some: list[Path]) -> None:
    """Commit photos with drawn vectors, each a copy of one of some with bytes behind it."""
    pictures = []
    for path in some:
        kept = io.BytesIO()
        with Image.open(path) as image:
            image.thumbnail((640, 640))
            image.convert("RGB").save(kept, "JPEG", quality=80)
            pictures.append((kept.getvalue(), image.size))
    place.mkdir()
    with open_for_writing(folder, model) as (store, catalog):
        for begin in range(0, count, SHARD):
            files, photos = [], draw_photos(model, min(SHARD, count - begin), begin)
            for number in range(begin, begin + len(photos)):
                data, (width, height) = pictures[number % len(pictures)]
                data += number.to_bytes(4, "big")
                path = place / f"{number}.jpg"
                path.write_bytes(data)
                status, key = path.stat(), hashlib.sha256(data).hexdigest()
                files.append(FileRow(str(path), status.st_size, status.st_mtime_ns, key))
                photos[number - begin] = photos[number - begin]._replace(width=width, height=height)
            keys = [str(file.content) for file in files]
            with store.transaction():
                store.append(zip(keys, photos, strict=True))
                catalog.put(files)
                catalog.put_folder(str(place), [])


class Search(NamedTuple):
    """What one search took."""

    first: float
    """Milliseconds from Enter to the first picture."""
    every: float
    """Milliseconds to all pictures in view."""
    received: int
    """Bytes of the answer and of the pictures."""
    server: float
    """Milliseconds of the server's processors."""
    browser: float
    """Milliseconds of the browser's."""


def say(text: str) -> None:
    """How far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def prepare(folder: Path, count: int, pictures: Path, sentences: list[str]) -> Path:
    """The index with its thumbnails; made where it is not there whole."""
    every = (path for path in sorted(pictures.rglob("*")) if path.suffix in SUFFIXES)
    some = list(itertools.islice(every, 200))
    model = load()
    told = [model.identity, count, [str(path) for path in some], sentences]
    place = folder / hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
    if (place / "whole").exists():
        return place
    say(f"drawing {count} photos")
    place.mkdir(parents=True)
    add_copies(place / "index", model, place / "photos", count, some)
    say("making thumbnails")
    with serving(place) as (address, _):
        ask(address, "photos?limit=40", pictured=True)
        for sentence in sentences:
            ask(address, f"search?q={quote(sentence)}&limit=40", pictured=True)
    (place / "whole").touch()
    return place


@contextmanager
def serving(place: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server over it; its address and process."""
    server, port = start(place / "index")
    try:
        yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def ask(address: str, path: str, *, pictured: bool = False) -> None:
    """Ask for a list of photos, and for their pictures if these are wanted."""

    def get(path: str) -> bytes:
        with urllib.request.urlopen(f"{address}/api/v1/{path}", timeout=120) as answer:
            data: bytes = answer.read()
            return data

    hits = json.loads(get(path))["hits"]
    for hit in hits if pictured else ():
        get(f"photos/{hit['photo']['id']}/thumbnail?size=240")


def search(browser: Browser, server: psutil.Process, address: str, sentence: str) -> Search:
    """Type a sentence and press Enter."""
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".tile")
    page.wait_for_load_state("networkidle")
    page.fill("#q", sentence)
    received = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += event["encodedDataLength"]

    session = context.new_cdp_session(page)
    session.on("Network.loadingFinished", count)
    session.send("Network.enable")
    page.evaluate(WATCH)
    before = spent(server), spent(*chromium())
    page.press("#q", "Enter")
    first, every = page.evaluate("() => window.told")
    page.wait_for_load_state("networkidle")
    after = spent(server), spent(*chromium())
    context.close()
    took = (1000 * (later - earlier) for earlier, later in zip(before, after, strict=True))
    return Search(first, every, received, *took)


def chromium() -> list[psutil.Process]:
    """The browser's processes."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "chrom" in child.name()]


def spent(*processes: psutil.Process) -> float:
    """Seconds of processors that processes took."""
    times = (process.cpu_times() for process in processes)
    return sum(one.user + one.system for one in times)


def hover(browser: Browser, address: str, sentence: str) -> tuple[list[float], float]:
    """Words hovered one after another: ms between frames, and ms of work in each."""
    page = browser.new_page(viewport=VIEW)
    page.goto(f"{address}/?q={quote(sentence)}")
    page.wait_for_selector(".chip")
    page.wait_for_load_state("networkidle")
    words = [chip.bounding_box() for chip in page.locator(".chip .label").all()]
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def working() -> float:
        told = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in told if one["name"] == "TaskDuration"))

    page.evaluate(FRAMES)
    before = working()
    for box in itertools.islice(itertools.cycle(words), int(HOVER_SECONDS / PER_WORD)):
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(1000 * PER_WORD)
    worked = working() - before
    at: list[float] = page.evaluate("() => (cancelAnimationFrame(ticking), frames_at)")
    page.close()
    return [later - earlier for earlier, later in itertools.pairwise(at)], 1000 * worked / len(at)


def summary(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    last = sorted(values)[int(0.95 * (len(values) - 1))]
    return {"median": round(statistics.median(values), 1), "95th percentile": round(last, 1)}


def measure(place: Path, sentences: list[str], other: str) -> dict[str, object]:
    """Search and hover on a server that is warm."""
    with serving(place) as (address, server), sync_playwright() as playwright:
        say("making the photos ready")
        ask(address, f"search?q={quote(other)}&limit=40&maps=true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        search(browser, server, address, other)  # the page's own files are read for the first time
        began = os.getloadavg()[0]
        searched = []
        for number, sentence in enumerate(sentences, 1):
            searched.append(search(browser, server, address, sentence))
            say(f"search {number} of {len(sentences)}: {searched[-1].first:.0f} ms")
        say("hovering words")
        frames, working = hover(browser, address, sentences[0])
        browser.close()
    of = [list(values) for values in zip(*searched, strict=True)]
    return {
        "load average before and after": [round(load, 1) for load in (began, os.getloadavg()[0])],
        "ms from Enter to the first thumbnail": summary(of[0]),
        "ms from Enter to all in view": summary(of[1]),
        "kB a search": summary([received / 1000 for received in of[2]]),
        "ms of the server's processors a search": summary(of[3]),
        "ms of the browser's processors a search": summary(of[4]),
        "ms a frame while hovering": summary(frames),
        "frames a second while hovering": round(1000 * len(frames) / sum(frames), 1),
        "ms of the page's thread a frame": round(working, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How quick the page is.")
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--pictures", type=Path, default=samples.FOLDER)
    parser.add_argument("--kept", type=Path, help="keep the index here, for the next time")
    arguments = parser.parse_args()
    chosen = SENTENCES[:: len(SENTENCES) // arguments.searches][: arguments.searches]
    with ExitStack() as stack:
        kept = arguments.kept or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = prepare(kept, arguments.photos, arguments.pictures, chosen)
        told = measure(place, chosen, SENTENCES[-1])
    print(json.dumps({"photos": arguments.photos, **told}, indent=1))


if __name__ == "__main__":
    main()
