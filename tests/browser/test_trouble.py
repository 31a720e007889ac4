"""When something goes wrong: what is said, what stays, and how one goes on."""

import re

from browser.conftest import DRAWN, PHOTOS, order, search, settled

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
    page.wait_for_selector(".grid-end .problem:has-text('The next photos did not come.')")
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(700)
    assert len(asked) == 1
    assert len(order(page)) == 40
    page.locator(".grid-end").scroll_into_view_if_needed()
    settled(page)
    shoot(page)
    page.click(".grid-end >> text=Try again")
    page.wait_for_function("() => document.querySelector('.grid-end .problem')")
    assert len(asked) == 2
    page.unroute("**/search?*offset=40*")
    page.click(".grid-end >> text=Try again")
    page.wait_for_function(f"() => document.querySelectorAll('.tile').length === {PHOTOS}")
    assert page.locator(".problem").count() == 0


def test_a_refused_sentence_leaves_the_photos_there(page, address, shoot):
    search(page, address, TEXT)
    before = order(page)
    page.fill("#q", "dog " * 70)
    page.press("#q", "Enter")
    text = page.wait_for_selector(".problem").inner_text()
    assert text.startswith("The sentence has 70 words; at most 60 can be read. Shorten it.")
    assert page.locator(".problem >> text=Try again").count() == 0
    assert order(page) == before
    assert f"the photos for “{TEXT}”" in page.inner_text(".status")
    assert page.locator(".chip").count() == 0  # they are not of the sentence in the field
    settled(page)
    shoot(page)


def test_weights_that_do_not_fit_can_be_reset(page, address):
    page.goto(f"{address}/?q={TEXT}&w=1,2,1")
    page.wait_for_selector(".problem:has-text('There are 3 weights')")
    page.click("text=Reset weights")
    page.wait_for_selector(".tile")
    assert page.locator(".problem").count() == 0
    assert "w=" not in page.url


def test_folders_come_with_the_next_list_when_they_did_not_at_first(page, address):
    page.route("**/api/v1/stats", fail)
    page.goto(address)
    page.wait_for_selector(".tile")
    assert page.locator(".problem").count() == 0
    page.unroute("**/api/v1/stats")
    search_again = page.locator("#q")
    search_again.fill(TEXT)
    search_again.press("Enter")
    page.click("button[aria-label=Filters]")
    page.wait_for_selector(".filters option[value=drawn]", state="attached")
    folders = page.locator(".filters select >> nth=0").locator("option").all_inner_texts()
    assert folders == ["All folders", f"drawn · {DRAWN} photos"]


# ---- one photo


def test_no_map_is_laid_over_another_photo(page, address):
    search(page, address, TEXT)
    page.click(".chip:has-text('camera') .label")
    page.click(".tile a >> nth=0")
    page.wait_for_selector(".stage regard-map.lit")
    settled(page)
    first = page.inner_text(".reasons")
    page.route(PHOTO, fail)
    held = []
    page.route(EXPLAIN, lambda route: held.append(route))
    photos = order(page)
    page.click("[aria-label='Next photo']")
    page.wait_for_url(f"**photo={photos[1]}**")
    while not held:
        page.wait_for_timeout(10)
    assert photos[1] in page.get_attribute(".stage img", "src")
    assert page.locator(".stage regard-map.lit").count() == 0
    assert page.locator(".reasons").count() == 0
    held.pop().continue_()
    page.wait_for_selector(".stage regard-map.lit")
    assert photos[1] in page.get_attribute(".stage img", "src")
    assert page.inner_text(".reasons") != first
    assert page.get_attribute(".sum tr.pinned .word", "aria-pressed") == "true"


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
    assert page.locator("dialog .problem").count() == 0
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
    assert "Index again." in page.inner_text("dialog .problem")
    page.wait_for_selector(".stage regard-map.lit")
    assert not page.locator(".stage canvas").is_visible()
    assert not page.locator(".stage .outline").is_visible()
    shoot(page)
