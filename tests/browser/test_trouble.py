"""When something goes wrong: what is said, what stays, and how one goes on."""

import re

from browser.conftest import DRAWN, PHOTOS, expect_order, hold, order, search, settled
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"
PHOTO = re.compile(r"/api/v1/photos/[0-9a-f]{16}(\?.*)?$")
EXPLAIN = re.compile(r"/api/v1/photos/[0-9a-f]{16}/explain")


def fail(route):
    route.fulfill(status=503, json={"what": "the server is busy", "must": "it must be free"})


# ---- the list


def test_a_page_that_fails_is_asked_for_by_hand(page, address, shoot):
    asked = []

    def second(route):
        asked.append(route.request.url)
        fail(route)

    page.route("**/search?*offset=40*", second)
    search(page, address, TEXT)
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 20_000)
    page.wait_for_selector(".grid-end .problem:has-text('More photos could not be loaded.')")
    page.evaluate("scrollTo(0, 0)")
    settled(page)
    page.locator(".grid-end").scroll_into_view_if_needed()  # whose sight asked for them at first
    settled(page)
    assert len(asked) == 1
    expect(page.locator(".tile")).to_have_count(40)
    shoot(page)
    with page.expect_response("**/search?*offset=40*"):
        page.click(".grid-end >> text=Try again")
    page.wait_for_selector(".grid-end .problem")
    assert len(asked) == 2
    page.unroute("**/search?*offset=40*")
    page.click(".grid-end >> text=Try again")
    expect(page.locator(".tile")).to_have_count(PHOTOS)
    expect(page.locator(".problem")).to_have_count(0)


def test_a_refused_sentence_leaves_the_photos_there(page, address, shoot):
    search(page, address, TEXT)
    before = order(page)
    page.fill("#q", "dog " * 70)
    page.press("#q", "Enter")
    told = "The sentence has 70 words; at most 60 can be read. Shorten it."
    expect(page.locator(".problem")).to_contain_text(told)
    expect(page.locator(".problem >> text=Try again")).to_have_count(0)
    expect_order(page, before)
    expect(page.locator(".status")).to_contain_text(f"the photos for “{TEXT}”")
    expect(page.locator(".chip")).to_have_count(0)  # they are not of the sentence in the field
    settled(page)
    shoot(page)


def test_weights_that_do_not_fit_can_be_reset(page, address):
    page.goto(f"{address}/?q={TEXT}&w=1,2,1")
    page.wait_for_selector(".problem:has-text('There are 3 weights')")
    page.click("text=Reset weights")
    page.wait_for_selector(".tile")
    expect(page.locator(".problem")).to_have_count(0)
    assert "w=" not in page.url


def test_folders_come_with_the_next_list_when_they_did_not_at_first(page, address):
    page.route("**/api/v1/stats", fail)
    page.goto(address)
    page.wait_for_selector(".tile")
    settled(page)
    expect(page.locator(".problem")).to_have_count(0)
    page.unroute("**/api/v1/stats")
    search_again = page.locator("#q")
    search_again.fill(TEXT)
    search_again.press("Enter")
    page.click("button[aria-label=Filters]")
    folders = page.locator(".filters select").first.locator("option")
    expect(folders).to_have_text(["All folders", f"drawn · {DRAWN} photos"])


# ---- one photo


def test_no_map_is_laid_over_another_photo(page, address):
    search(page, address, TEXT)
    page.click(".chip:has-text('camera') .label")
    page.click(".tile a >> nth=0")
    page.wait_for_selector(".stage regard-map.lit")
    settled(page)
    first = page.inner_text(".reasons")
    page.route(PHOTO, fail)
    let_come = hold(page, EXPLAIN)
    photos = order(page)
    page.click("[aria-label='Next photo']")
    page.wait_for_url(f"**photo={photos[1]}**")
    picture = page.locator(".stage img")
    expect(picture).to_have_attribute("src", re.compile(photos[1]))
    expect(page.locator(".stage regard-map.lit")).to_have_count(0)
    expect(page.locator(".reasons")).to_have_count(0)
    let_come()
    page.wait_for_selector(".stage regard-map.lit")
    expect(picture).to_have_attribute("src", re.compile(photos[1]))
    expect(page.locator(".reasons")).not_to_have_text(first, use_inner_text=True)
    expect(page.locator(".sum tr.pinned .word")).to_have_attribute("aria-pressed", "true")


def test_an_explanation_that_failed_is_asked_for_again(page, address, shoot):
    search(page, address, TEXT)
    page.route(EXPLAIN, fail)
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .problem:has-text('The server is busy')")
    settled(page)
    shoot(page)
    page.unroute(EXPLAIN)
    page.click("dialog .problem >> text=Try again")
    page.wait_for_selector("dialog .sum tbody tr")
    expect(page.locator("dialog .problem")).to_have_count(0)
    page.click("text=Details")
    page.route(EXPLAIN, fail)
    page.click("text=Regions look at words")
    page.wait_for_selector("dialog .problem")
    page.unroute(EXPLAIN)
    page.click("dialog >> text=Explain")
    page.wait_for_selector("dialog .sum tbody tr")


def test_a_photo_whose_file_is_gone_is_told_with_what_to_do(page, address, shoot):
    gone = {"what": "the file of cat.jpg is gone", "must": "it must be where it was indexed"}
    page.route(
        "**/thumbnail?size=1600",
        lambda route: route.fulfill(status=404, json={**gone, "next": "Index again."}),
    )
    search(page, address, TEXT)
    page.click(".chip:has-text('cat') .label")
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .problem:has-text('The file of cat.jpg is gone')")
    expect(page.locator("dialog .problem")).to_contain_text("Index again.")
    page.wait_for_selector(".stage regard-map.lit")
    for sheet in page.locator(".stage .heat").all():
        expect(sheet).to_be_hidden()
    shoot(page)
