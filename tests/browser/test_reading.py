"""Words that were read in a photo: outlined where they stand, and said."""

import pytest
from browser.conftest import settled, watched
from playwright.sync_api import expect
from web.server import running

from regard.indexing import read_texts
from regard.search import Index
from regard.web.app import create_app
from regard.web.config import ServeConfig


@pytest.fixture
def signs(photos, model, reader, chromium):
    """A page over photos on one of which EXIT stands, in the upper left."""
    reader("", "EXIT 12", "")
    read_texts(photos.parent / "other", model, workers=1)
    with (
        Index.open(photos.parent / "other", model) as index,
        running(create_app(index, ServeConfig())) as where,
        watched(chromium, where) as page,
    ):
        page.goto(f"{where}/?q=exit")
        page.wait_for_selector(".tile .loaded")
        yield page


def test_a_word_that_was_read_is_outlined_where_it_stands(signs, shoot):
    first = signs.locator(".tile").first
    expect(first.locator(".badge")).to_contain_text("read “exit”")
    expect(signs.locator(".badge:has-text('read')")).to_have_count(1)
    expect(signs.locator(".chip")).not_to_have_count(0)
    expect(signs.locator(".unknown-note")).to_have_count(0)  # though the model never read the word
    signs.hover(".chip .label:has-text('exit')")
    signs.wait_for_selector(".box.read")
    settled(signs)
    box, photo = first.locator(".box.read").bounding_box(), first.locator("img").bounding_box()
    assert box["x"] == pytest.approx(photo["x"], abs=3)
    assert box["width"] == pytest.approx(photo["width"] / 2, rel=0.1)
    assert box["height"] == pytest.approx(photo["height"] / 4, rel=0.1)
    expect(first.locator(".lit")).to_have_count(0)  # what is outlined is not dimmed as well
    expect(first).not_to_contain_text("not found")
    shoot(signs)


def test_the_large_view_says_what_was_read(signs, shoot):
    signs.locator(".tile a").first.click()
    expect(signs.locator(".side .note:has-text('Read here')")).to_contain_text("exit")
    signs.hover("regard-sum .word:has-text('exit')")
    signs.wait_for_selector(".stage .box.read:has-text('read here')")
    shoot(signs)
