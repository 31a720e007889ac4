"""From the sentence to the photos without a mouse, photos selected, waits given up."""

import io
import re
import zipfile

from browser.conftest import expect_order, order, search, settled
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"
FOCUSED = "document.activeElement"


def test_arrow_down_goes_from_the_sentence_to_the_photos(page, address):
    search(page, address, TEXT)
    page.focus("#q")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".tile a").first).to_be_focused()


def test_the_words_are_one_stop_of_the_tab_key(page, address):
    search(page, address, TEXT)
    page.focus("#q")
    stops = []
    while not page.evaluate(f"{FOCUSED}.matches('.tile a')"):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(f"{FOCUSED}.className"))
        assert len(stops) < 10
    assert stops.count("label") == 1
    assert "dot" not in stops
    page.focus(".label >> nth=0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".label", has_text="looks")).to_be_focused()


def test_the_first_stop_skips_to_the_photos(page, address, shoot):
    page.goto(f"{address}/?q={TEXT}")
    page.wait_for_selector(".tile")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_have_text("Skip to the photos")
    settled(page)
    shoot(page)
    page.keyboard.press("Enter")
    expect(page.locator(".tile a").first).to_be_focused()


def test_photos_are_selected_with_keys_and_had_as_a_zip(page, address, folder, shoot):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    search(page, address, TEXT)
    page.focus(".tile a >> nth=0")
    page.keyboard.press("Space")
    page.wait_for_selector(".selection b:text-is('1 selected')")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector(".selection b:text-is('2 selected')")
    settled(page)
    shoot(page)
    with page.expect_download() as started:
        page.click("text=Download as zip")
    with zipfile.ZipFile(io.BytesIO(started.value.path().read_bytes())) as archive:
        assert len(archive.namelist()) == 2
        assert "cat.jpg" in archive.namelist()
    page.click("text=Copy paths")
    page.wait_for_selector(".selection :text('2 paths copied.')")
    paths = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert str(folder / "cat.jpg") in paths
    page.keyboard.press("Escape")
    page.wait_for_selector(".selection", state="detached")


def expect_chosen(page, photos):
    expect(page.locator(".tile.chosen")).to_have_count(len(photos))
    for photo in photos:
        expect(page.locator(f".tile.chosen a[data-id='{photo}']")).to_have_count(1)


def test_photos_are_selected_with_the_mouse(page, address):
    search(page, address, TEXT)
    photos = order(page)
    page.hover(".tile >> nth=1")
    page.click(".tile >> nth=1 >> .pick")
    expect_chosen(page, photos[1:2])
    page.click(".tile a >> nth=3", modifiers=["Shift"])
    expect_chosen(page, photos[1:4])
    page.click(".tile a >> nth=2")  # a click selects as long as any is
    expect_chosen(page, [photos[1], photos[3]])
    page.click(".selection >> text=Clear")
    first, last = (page.locator(f".tile >> nth={n}").bounding_box() for n in (0, 1))
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 40, steps=4)
    page.wait_for_selector(".band")
    page.mouse.up()
    expect(page.locator(".selection b")).to_have_text("2 selected")
    expect_chosen(page, photos[:2])
    expect(page.locator("dialog")).to_have_count(0)


def test_a_wait_can_be_given_up(page, address, shoot):
    search(page, address, TEXT)
    before = order(page)
    page.route("**/search?q=a+cup**", lambda _route: None)  # never answered
    page.fill("#q", "a cup")
    page.press("#q", "Enter")
    page.click("text=Stop")
    page.wait_for_selector("main[aria-busy=false]")
    expect(page.locator(".status")).to_contain_text(f"the photos for “{TEXT}”")
    expect_order(page, before)
    shoot(page)
    page.unroute("**/search?q=a+cup**")
    page.click("text=Try again")
    page.wait_for_selector(".chip:has-text('cup')")


def test_no_number_changes_its_kind_when_a_word_is_weighted(page, address):
    search(page, address, TEXT)
    expect(page.locator(".badge b").first).to_have_text(re.compile("strong|possible"))
    page.focus(".label >> nth=0")
    page.keyboard.press("ArrowUp")
    page.wait_for_selector("text=weighted")
    page.keyboard.press("Escape")
    page.focus("#q")
    settled(page)
    expect(page.locator(".badge b")).to_have_count(0)


def test_filters_that_could_filter_nothing_are_not_shown(page, address):
    one = {"photos": 3, "folders": [{"name": "", "photos": 3}], "first_taken": None,
           "last_taken": None, "most_weight": 5, "upload_bytes": 1, "is_local": True}  # fmt: skip
    page.route("**/api/v1/stats", lambda route: route.fulfill(json=one))
    page.goto(address)
    page.wait_for_selector(".tile")
    page.click("button[aria-label=Filters]")
    labels = [re.compile(r"^\s*Shape"), re.compile(r"^\s*Favourites")]
    expect(page.locator(".filters label")).to_have_text(labels)


def test_on_a_phone_a_tap_on_a_word_opens_no_slider(phone, address):
    search(phone, address, TEXT)
    phone.tap(".chip .label:text-is('cat')")
    phone.wait_for_selector(".word-bar button")
    expect(phone.locator(".word-bar input")).to_have_count(0)
    phone.tap("text=Importance of “cat”")
    phone.wait_for_selector(".word-bar input")


def test_a_time_in_the_sentence_is_taken_off_by_a_click(page, address, shoot):
    search(page, address, "a cat in march 2021")
    page.wait_for_selector(".filter-chip:has-text('1 March 2021 – 31 March 2021')")
    expect(page.locator(".chip .label").first).to_contain_text("cat")
    expect(page.locator(".status")).to_contain_text("40 photos")
    shoot(page)
    page.click("[aria-label='Search without “in march 2021”']")
    page.wait_for_selector(".filter-chip", state="detached")
    expect(page.locator("#q")).to_have_value("a cat")


def test_a_colour_of_the_photo_is_taken_off_by_a_click(page, address, shoot):
    search(page, address, "a cat in black and white in march 1999")
    page.wait_for_selector(".filter-chip:has-text('Black and white')")
    page.wait_for_selector(".no-match:has-text('Remove a filter above to see more.')")
    page.click("[aria-label='Search without “in march 1999”']")
    page.wait_for_selector(".tile")
    shoot(page)
    page.click("[aria-label='Search without “in black and white”']")
    page.wait_for_selector(".filter-chip", state="detached")
    expect(page.locator("#q")).to_have_value("a cat")
