"""Debian's Chromium before a real server with a real index and the model that ships.

Screenshots go to runs/browser. Every page is watched: a broken content policy, an error on the
console or a request to anywhere else fails the test that caused it.

What an action brings about arrives a moment later: it is awaited with Playwright's `expect`, which
asks again until it holds, or read after an event that proves it must be there by then.
"""

from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from search.conftest import draw
from web.server import running

from regard import web
from regard.indexing import update_index
from regard.model.model import load
from regard.photos import samples
from regard.search import Index
from regard.web.app import create_app
from regard.web.config import ServeConfig

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
SHOTS = Path(__file__).parents[2] / "runs/browser"
AXE = Path(web.__file__).parent / "ui/node_modules/axe-core/axe.min.js"
REFUSED = "Failed to load resource"  # what Chromium says of every answer that is no success
NO_MATCH = "a woman rides a horse on the beach"  # there is no such photo among the samples
UNKNOWN = "“a motorcyclee”"  # a word the model never read, as it is
DRAWN = 40  # so that the list has a second page
LIVE = ServeConfig(refresh=0.2)  # of a server whose index changes
PHOTOS = DRAWN + len(list(samples.FOLDER.glob("*.jpg")))
PATIENCE = 60_000  # ms; a machine may be busy
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Sample photos, and drawn ones in a folder of their own."""
    place = tmp_path_factory.mktemp("browser") / "photos"
    samples.copy_samples(place)
    for seed in range(DRAWN):
        size = (120, 80) if seed % 3 else (80, 120)
        draw(
            place / f"drawn/{seed}.png",
            seed,
            size,
            f"2021:03:{seed % 28 + 1:02} {9 + seed // 28:02}:00:00",
        )
    return place


@pytest.fixture(scope="session")
def address(folder):
    """A server over the samples, with the model that ships."""
    model = load()
    update_index(folder.parent / "index", folder, model, workers=1)
    with (
        Index.open(folder.parent / "index", model) as index,
        running(create_app(index, ServeConfig())) as where,
    ):
        yield where


@pytest.fixture(scope="session")
def model():
    return load()


@pytest.fixture
def photos(tmp_path, model):
    """A folder of drawn photos, indexed under a name of its own."""
    for seed in range(3):
        draw(tmp_path / f"photos/{seed}.png", seed)
    update_index(tmp_path / "other", tmp_path / "photos", model, workers=1)
    return tmp_path / "photos"


@pytest.fixture
def live(photos, model):
    with (
        Index.open(photos.parent / "other", model) as index,
        running(create_app(index, LIVE)) as where,
    ):
        yield where


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there; install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def watched(chromium, address, **settings):
    """A page whose errors and requests to elsewhere are noted and must not be."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **settings})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("request", lambda r: r.url.startswith(address) or wrong.append(f"elsewhere: {r.url}"))
    yield page
    context.close()
    assert [text for text in wrong if not text.startswith(REFUSED)] == []


@pytest.fixture
def page(chromium, address):
    with watched(chromium, address) as opened:
        yield opened


@pytest.fixture
def phone(chromium, address):
    settings = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
    with watched(chromium, address, **settings, has_touch=True, is_mobile=True) as opened:
        yield opened


@pytest.fixture
def shoot(request):
    """Keep a screenshot under the test's name."""

    def take(page, suffix=""):
        SHOTS.mkdir(parents=True, exist_ok=True)
        name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
        page.screenshot(path=SHOTS / f"{name}{suffix}.png")

    return take


AT_REST = """() => {
    const inView = (image) => {
        const frame = image.getBoundingClientRect();
        // a strip of photos ends before the edge
        const across = frame.right > 0 && frame.left < innerWidth - 40;
        return across && frame.bottom > 0 && frame.top < innerHeight && frame.width > 0;
    };
    const words = document.querySelector(".chip"); // which look somewhere in every photo
    const isLooked = (map) => !words || !map.seen || !inView(map) || map.boxes.length;
    return !document.querySelector("[aria-busy=true]")
        && [...document.querySelectorAll(".tile regard-map")].every(isLooked)
        && [...document.images].every((image) => image.complete || !inView(image))
        && document.getAnimations().every((one) => one.playState !== "running");
}"""


def settled(page):
    """Wait until no answer is awaited, pictures are there and nothing moves any more."""
    page.wait_for_function(AT_REST)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    page.wait_for_function(AT_REST)


def search(page, address, text):
    """Open the page, ask for a sentence as a reader would, and unfold the less likely photos."""
    page.goto(address)
    page.fill("#q", text)
    page.press("#q", "Enter")
    page.wait_for_selector(".chip")
    unfold(page)


def unfold(page):
    """Show the less likely photos, where there are any kept back."""
    settled(page)
    if page.locator(".folded button").count():
        page.click(".folded button")
        settled(page)


def strength(likely):
    """How good a match is, as the page says it."""
    return "strong" if likely >= 0.5 else "possible" if likely >= 0.25 else "weak"


def order(page):
    """Ids of the photos in the grid, as it stands."""
    return page.eval_on_selector_all(".tile a", "tiles => tiles.map(tile => tile.dataset.id)")


def expect_order(page, photos):
    """The grid comes to hold these photos."""
    tiles = page.locator(".tile a")
    expect(tiles).to_have_count(len(photos))
    for place, photo in enumerate(photos):
        expect(tiles.nth(place)).to_have_attribute("data-id", photo)


def hold(page, pattern):
    """Hold answers back; returns what waits until one is asked for and lets it come."""
    held = []
    page.route(pattern, lambda route: held.append(route))

    def let_come():
        while not held:
            page.wait_for_timeout(10)  # the browser's events come in meanwhile
        held.pop().continue_()

    return let_come


def api(page, address, path):
    """An answer of the API, as the page would get it."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", f"/api/v1/{path}")
