"""How quick the page is: from Enter to thumbnails, bytes a search, frames while words are hovered.

    python benchmarks/page_speed.py                # 20,000 photos, about five minutes
    python benchmarks/page_speed.py --photos 500 --searches 5 --pictures FOLDER

A server over an index of drawn vectors whose files are copies of some photos (200 of a folder, or
the samples, whose stones and grass make large files), and Chromium on the same machine, which share
its cores; say what else ran beside them. The server is warm: the thumbnails were made and the
photos made ready, but no answer is kept from before. The browser's own store is empty for every
search. Prints JSON.
"""

import argparse
import hashlib
import io
import itertools
import json
import os
import statistics
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
KEPT = 64  # answers that a server keeps
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


def warm(address: str, sentences: list[str], others: list[str]) -> None:
    """Have thumbnails made, then answers forgotten."""

    def ask(path: str) -> bytes:
        with urllib.request.urlopen(f"{address}/api/v1/{path}", timeout=120) as answer:
            data: bytes = answer.read()
            return data

    for sentence in sentences:
        for hit in json.loads(ask(f"search?q={quote(sentence)}&limit=40"))["hits"]:
            ask(f"photos/{hit['photo']['id']}/thumbnail?size=240")
    for sentence in others:
        ask(f"search?q={quote(sentence)}&limit=40&maps=true")


def search(browser: Browser, address: str, sentence: str) -> tuple[list[float], int]:
    """Milliseconds from Enter to the first picture and to all in view, and bytes of it all."""
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
    page.press("#q", "Enter")
    times: list[float] = page.evaluate("() => window.told")
    page.wait_for_load_state("networkidle")
    context.close()
    return times, received


def hover(browser: Browser, address: str, sentence: str, seconds: float) -> list[float]:
    """Milliseconds between frames while the pointer goes from word to word."""
    page = browser.new_page(viewport=VIEW)
    page.goto(f"{address}/?q={quote(sentence)}")
    page.wait_for_selector(".chip")
    page.wait_for_load_state("networkidle")
    words = [chip.bounding_box() for chip in page.locator(".chip .label").all()]
    page.evaluate(FRAMES)
    for box in itertools.islice(itertools.cycle(words), int(seconds / 0.15)):
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
    at: list[float] = page.evaluate("() => (cancelAnimationFrame(ticking), frames_at)")
    page.close()
    return [later - earlier for earlier, later in itertools.pairwise(at)]


def summary(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    last = sorted(values)[int(0.95 * (len(values) - 1))]
    return {"median": round(statistics.median(values), 1), "95th percentile": round(last, 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How quick the page is.")
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--pictures", type=Path, default=samples.FOLDER)
    arguments = parser.parse_args()
    every = (path for path in sorted(arguments.pictures.rglob("*")) if path.suffix in SUFFIXES)
    pictures = list(itertools.islice(every, 200))
    chosen = SENTENCES[: arguments.searches]
    others = SENTENCES[-KEPT - 1 :]
    model = load()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        add_copies(folder / "index", model, folder / "photos", arguments.photos, pictures)
        server, port = start(folder / "index")
        address = f"http://127.0.0.1:{port}"
        try:
            warm(address, chosen, others)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox"]
                )
                searched = [search(browser, address, sentence) for sentence in chosen]
                frames = hover(browser, address, others[0], 4)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)
    told = {
        "photos": arguments.photos,
        "load average before the end": [round(load, 1) for load in os.getloadavg()],
        "ms from Enter to the first thumbnail": summary([times[0] for times, _ in searched]),
        "ms from Enter to all in view": summary([times[1] for times, _ in searched]),
        "kB a search": summary([received / 1000 for _, received in searched]),
        "ms a frame while hovering": summary(frames),
        "frames a second while hovering": round(1000 * len(frames) / sum(frames), 1),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
