"""An upload that is kept because the reader asked."""

import pytest
from browser.conftest import settled, watched
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
    pytest.importorskip("playwright", reason="playwright is not installed")
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
        page.wait_for_selector(".kept")
        (kept,) = (photos / "sent").iterdir()
        assert kept.read_bytes() == (photos.parent / "coffee.jpg").read_bytes()
        assert kept.name in page.inner_text(".kept")
        assert page.inner_text("dialog h2").startswith(kept.name)
        assert f"photo={kept.stem.removeprefix('regard-')}" in page.url
        settled(page)
        shoot(page, "-done")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        page.fill("#q", "a cup of coffee on a table")
        page.press("#q", "Enter")
        page.wait_for_selector(".status:has-text('3 photos · ')")
        settled(page)
        assert page.get_attribute(".tile a >> nth=0", "data-id") in kept.name
        page.set_input_files("#file", photos.parent / "coffee.jpg")
        page.click("text=Keep in my photos")
        page.wait_for_selector(".kept:has-text('among yours already')")
        assert list((photos / "sent").iterdir()) == [kept]
