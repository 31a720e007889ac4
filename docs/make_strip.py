"""Draws docs/images/page.jpg: the page searched, a word's maps, one photo large, a phone.

    python docs/make_strip.py

Needs Chromium (Debian: apt-get install chromium).
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from regard.indexing import update_index
from regard.model.model import load
from regard.photos.samples import copy_samples

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
GAP, WIDTH = 14, 1200
LIST, LARGE, PHONE = (893, 560), (1370, 660), (416, 660)
TEXT = "a man in a black coat uses a camera"


def settled(page: Page) -> None:
    """Wait until pictures are there and nothing moves."""
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)


def shoot(address: str) -> list[bytes]:
    """The list, a word's maps, a photo large, and a phone in the dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=dict(zip(("width", "height"), LIST, strict=True)))
        page.goto(address)
        page.wait_for_selector(".suggested button")  # the server has loaded all it needs
        page.goto(f"{address}?q=a cat")
        settled(page)
        page.goto(f"{address}?q={TEXT}")
        page.wait_for_selector(".chip")
        page.click(".hint button")
        settled(page)
        shots = [page.screenshot()]
        page.hover(".chip .label:text-is('camera')")
        settled(page)
        shots.append(page.screenshot())
        page.set_viewport_size(dict(zip(("width", "height"), LARGE, strict=True)))
        page.click(".tile a >> nth=0")
        page.wait_for_selector(".sum tbody tr")
        page.hover(".sum .word:text-is('coat')")
        settled(page)
        shots.append(page.screenshot())
        size = dict(zip(("width", "height"), PHONE, strict=True))
        phone = browser.new_page(viewport=size, color_scheme="dark", has_touch=True)
        phone.goto(f"{address}?q={TEXT}")
        phone.wait_for_selector(".chip")
        phone.click(".hint button")
        phone.tap(".chip .label:text-is('camera')")
        phone.wait_for_selector("regard-map.lit")
        settled(phone)
        shots.append(phone.screenshot())
        browser.close()
    return shots


def join(shots: list[bytes]) -> Image.Image:
    """Two pictures a row, on white, reduced."""
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    rows = [images[:2], images[2:]]
    width = sum(image.width for image in rows[0]) + GAP
    height = sum(row[0].height for row in rows) + GAP
    whole = Image.new("RGB", (width, height), "white")
    y = 0
    for row in rows:
        whole.paste(row[0], (0, y))
        whole.paste(row[1], (row[0].width + GAP, y))
        y += row[0].height + GAP
    return whole.resize((WIDTH, round(height * WIDTH / width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Index the samples, serve them, and look."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_samples(folder / "photos")
        update_index(folder / "index", folder / "photos", load(), workers=1)
        script = "from regard.cli.main import run; run()"
        command = [sys.executable, "-c", script, "serve", "--port", "0"]
        server = subprocess.Popen(
            [*command, "--index", str(folder / "index")], stderr=subprocess.PIPE, text=True
        )
        assert server.stderr is not None
        try:
            line = next(line for line in server.stderr if "http://" in line)
            address = "http://" + line.split("http://")[1].split()[0]
            strip = join(shoot(address))
        finally:
            server.terminate()
            server.wait(20)
    target = Path(__file__).parent / "images/page.jpg"
    strip.save(target, quality=88, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
