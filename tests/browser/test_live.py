"""A page that stays open: photos come and go, the server goes and comes back."""

import socket
from contextlib import ExitStack

from browser.conftest import LIVE, settled, watched
from playwright.sync_api import expect
from search.conftest import draw
from web.server import running

from regard.indexing import update_index
from regard.search import Index
from regard.web.app import create_app


def test_photos_that_come_are_announced_and_shown_by_a_click(chromium, live, photos, model, shoot):
    with watched(chromium, live) as page:
        page.goto(live)
        page.wait_for_selector(".tile >> nth=2")
        for seed in (11, 12):
            draw(photos / f"{seed}.png", seed)
        update_index(photos.parent / "other", photos, model, workers=1)
        page.wait_for_selector(".fresh button:has-text('2 new photos')")
        expect(page.locator(".tile")).to_have_count(3)  # what one looks at stays
        shoot(page)
        page.click(".fresh button")
        expect(page.locator(".tile")).to_have_count(5)
        expect(page.locator(".fresh button")).to_have_count(0)


def test_an_empty_page_names_this_index_and_fills_by_itself(chromium, live, photos, model, shoot):
    for path in photos.iterdir():
        path.rename(photos.parent / path.name)
    (photos / "not-a-photo.txt").touch()
    update_index(photos.parent / "other", photos, model, workers=1)
    with watched(chromium, live) as page:
        page.goto(live)
        page.wait_for_selector("text=There are no photos here yet.")
        command = f"regard index PHOTOS --index {photos.parent / 'other'}"
        expect(page.locator(".no-match code")).to_have_text(command)
        shoot(page)
        (photos.parent / "0.png").rename(photos / "0.png")
        update_index(photos.parent / "other", photos, model, workers=1)
        page.wait_for_selector(".tile")


def test_a_photo_that_was_deleted_is_no_tile(chromium, live, photos):
    gone = next(photos.iterdir())
    gone.unlink()
    with watched(chromium, live) as page:
        page.goto(live)
        expect(page.locator(".tile")).to_have_count(2)
        expect(page.locator(f".tile img[alt^='{gone.name}']")).to_have_count(0)


def test_a_lost_server_is_said_once_and_found_again(chromium, photos, model, shoot):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Index.open(photos.parent / "other", model) as index, ExitStack() as stack:
        serving = stack.enter_context(running(create_app(index, LIVE), port))
        with watched(chromium, serving) as page:
            page.goto(serving)
            page.wait_for_selector(".tile >> nth=2")
            settled(page)
            stack.close()
            page.wait_for_selector(".problem:has-text('The server cannot be reached.')")
            page.fill("#q", "a red ball")
            page.press("#q", "Enter")
            page.wait_for_selector("main[aria-busy=false]")
            expect(page.locator(".problem")).to_have_count(1)
            expect(page.locator(".tile")).to_have_count(3)
            shoot(page)
            with running(create_app(index, LIVE), port):
                page.wait_for_selector(".problem", state="detached")
                page.wait_for_selector(".chip:has-text('ball')")  # what was asked is answered
