"""Photos that are nearly the same: one tile with a number, and what differs between them."""

import pytest
from browser.conftest import settled, watched
from PIL import Image
from playwright.sync_api import expect
from web.server import running

from regard.indexing import update_index
from regard.photos import samples
from regard.search import Index
from regard.web.app import create_app
from regard.web.config import ServeConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory, model):
    """A cat, the cat once more with another photo in its corner, and a cup of coffee."""
    folder = tmp_path_factory.mktemp("stacks")
    samples.copy_samples(folder / "all")
    (folder / "photos").mkdir()
    for name in ("cat", "coffee"):
        (folder / f"all/{name}.jpg").rename(folder / f"photos/{name}.jpg")
    with (
        Image.open(folder / "photos/cat.jpg") as cat,
        Image.open(folder / "all/rocket.jpg") as other,
    ):
        cat.paste(other.resize((cat.width // 3, cat.height // 3)), (2 * cat.width // 3, 0))
        cat.save(folder / "photos/cat-pasted.jpg")
    update_index(folder / "index", folder / "photos", model, workers=1)
    with (
        Index.open(folder / "index", model) as index,
        running(create_app(index, ServeConfig())) as where,
    ):
        yield where


@pytest.fixture
def page(chromium, place):
    with watched(chromium, place) as opened:
        yield opened


def names(page):
    return page.eval_on_selector_all(".tile img", "all => all.map(one => one.alt.split(',')[0])")


def test_a_stack_is_one_photo_until_it_is_opened(page, place, shoot):
    page.goto(f"{place}/?q=a+cat")
    button = page.locator(".tile .stack")
    expect(button).to_have_text("+1")
    cats = page.locator(".tile img[alt^='cat']")
    expect(cats).to_have_count(1)
    assert set(names(page)) <= {"cat.jpg", "cat-pasted.jpg", "coffee.jpg"}
    shoot(page)
    button.press("Enter")
    page.wait_for_selector(".stack[aria-expanded=true]")
    expect(cats).to_have_count(2)
    assert [name for name in names(page) if "cat" in name] == names(page)[:2]
    button.click()
    page.wait_for_selector(".stack[aria-expanded=false]")
    expect(cats).to_have_count(1)


def test_what_differs_is_said_and_outlined(page, place, shoot):
    page.goto(f"{place}/?dup=1")
    expect(page.locator(".tile")).to_have_count(2)
    follower = page.locator(".tile:has(.badge)")
    expect(follower.locator(".badge")).to_contain_text("upper right")
    follower.locator(".box.read").first.wait_for()
    settled(page)
    box = follower.locator(".box.read").first.bounding_box()
    photo = follower.locator("img").bounding_box()
    assert box["x"] + box["width"] > photo["x"] + 0.6 * photo["width"]
    assert box["y"] < photo["y"] + 0.4 * photo["height"]
    expect(page.locator(".status")).to_contain_text("nothing is ever deleted")
    shoot(page)
