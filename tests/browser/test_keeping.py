"""An upload that is kept because the reader asked."""

import re

import pytest
from browser.conftest import settled, watched
from playwright.sync_api import expect
from web.server import running

from regard.indexing import update_index
from regard.model.model import load
from regard.photos.samples import copy_samples
from regard.search import Index
from regard.web.app import create_app
from regard.web.config import ServeConfig
from regard.web.keeping import prepare_folder


@pytest.fixture
def photos(tmp_path):
    """Two samples to index and one to send."""
    for path in copy_samples(tmp_path / "photos"):
        if path.stem == "coffee":
            path.rename(tmp_path / path.name)
        elif path.stem not in ("cat", "clock"):
            path.unlink()
    return tmp_path / "photos"


@pytest.fixture
def address(photos):
    folder = photos.parent / "index"
    update_index(folder, photos, load(), workers=1)
    with Index.open(folder) as index:
        config = ServeConfig(keep_uploads=prepare_folder(photos / "sent", index))
        with running(create_app(index, config)) as where:
            yield where


def test_an_upload_is_kept_and_found(chromium, address, photos, shoot):
    with watched(chromium, address) as page:
        page.goto(address)
        page.wait_for_selector(".status:text('2 photos')")
        page.set_input_files("#file", photos.parent / "coffee.jpg")
        page.wait_for_selector("dialog .captions li")
        assert list((photos / "sent").iterdir()) == []
        settled(page)
        shoot(page)
        page.click("text=Keep in my photos")
        expect(page.locator(".kept")).to_contain_text("Kept among your photos as")
        (kept,) = (photos / "sent").iterdir()
        assert kept.read_bytes() == (photos.parent / "coffee.jpg").read_bytes()
        expect(page.locator(".kept")).to_contain_text(kept.name)
        expect(page.locator("dialog h2")).to_contain_text(kept.name)
        photo = kept.stem.removeprefix("regard-")
        expect(page).to_have_url(re.compile(f"photo={photo}"))
        settled(page)
        shoot(page, "-done")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        page.fill("#q", "a cup of coffee on a table")
        page.press("#q", "Enter")
        expect(page.locator(".status")).to_contain_text("3 photos · ")
        expect(page.locator(".tile a").first).to_have_attribute("data-id", photo)
        page.set_input_files("#file", photos.parent / "coffee.jpg")
        page.click("text=Keep in my photos")
        expect(page.locator(".kept")).to_contain_text("among yours already")
        assert list((photos / "sent").iterdir()) == [kept]
