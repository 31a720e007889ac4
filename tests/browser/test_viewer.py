"""The large view: the photo first, zoomed and walked through, what is done with it, its parts."""

import re

import pytest
from browser.conftest import api, expect_order, order, search, settled, watched
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"
LEFT = "(name => document.querySelector(name).getBoundingClientRect().left)"
SCALE = "new DOMMatrix(getComputedStyle(document.querySelector('.zooming')).transform).a"


def open_first(page, address, text=TEXT):
    search(page, address, text)
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .sum tbody tr")
    settled(page)


def box(page, selector):
    found = page.locator(selector).bounding_box()
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def overlap(one, other):
    return min(one[2], other[2]) > max(one[0], other[0]) + 1 and (
        min(one[3], other[3]) > max(one[1], other[1]) + 1
    )


@pytest.mark.parametrize("width", [1024, 1280, 1440, 1920])
def test_the_photo_never_covers_what_follows(chromium, address, shoot, width):
    with watched(chromium, address, viewport={"width": width, "height": 860}) as page:
        open_first(page, address)
        page.wait_for_selector(".captions li")
        settled(page)
        body = page.locator(".viewer-body")
        assert not overlap(box(page, ".stage"), box(page, ".side"))
        for selector in (".below section >> nth=0", ".captions", ".strip"):
            page.locator(selector).evaluate("part => part.scrollIntoView()")
            settled(page)
            assert not overlap(box(page, ".stage"), box(page, ".below"))
        assert body.evaluate("body => body.scrollTop") > 0
        page.focus(".strip a >> nth=0")
        settled(page)
        assert not overlap(box(page, ".stage"), box(page, ".strip a >> nth=0"))
        shoot(page)


def test_wheel_keys_and_double_click_zoom(page, address, shoot):
    open_first(page, address)
    page.hover(".frame", position={"x": 60, "y": 50})
    page.mouse.wheel(0, -400)
    page.wait_for_selector("regard-stage.zoomed")
    page.wait_for_function(f"{SCALE} > 2")
    assert not overlap(box(page, ".frame"), box(page, ".side"))
    left = box(page, ".zooming")[0]
    page.mouse.down()
    page.mouse.move(*[value - 40 for value in box(page, ".frame")[2:]], steps=3)
    page.mouse.up()
    page.wait_for_function(
        f"left => {LEFT}('.zooming') > left || left === {LEFT}('.frame')", arg=left
    )
    page.keyboard.press("0")
    page.wait_for_selector("regard-stage:not(.zoomed)")
    page.keyboard.press("+")
    page.wait_for_selector("regard-stage.zoomed")
    before = page.url
    right = box(page, ".zooming")[2]
    page.keyboard.press("ArrowRight")  # moves, and goes to no other photo
    page.wait_for_function(
        "right => document.querySelector('.zooming').getBoundingClientRect().right < right",
        arg=right,
    )
    assert page.url == before
    shoot(page)
    page.dblclick(".frame")
    page.wait_for_selector("regard-stage:not(.zoomed)")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**photo={order(page)[1]}**")


SWIPE = """([from, to]) => {
    const frame = document.querySelector(".frame");
    const { left, top, width, height } = frame.getBoundingClientRect();
    const fire = (kind, part) => frame.dispatchEvent(new PointerEvent(kind, { bubbles: true,
        cancelable: true, pointerId: 7, pointerType: "touch", button: 0,
        clientX: left + part * width, clientY: top + height / 2 }));
    fire("pointerdown", from);
    fire("pointermove", (from + to) / 2);
    fire("pointerup", to);
}"""


def test_a_swipe_goes_to_the_next_photo(phone, address):
    search(phone, address, TEXT)
    photos = order(phone)
    phone.tap(".tile a >> nth=0")
    phone.wait_for_selector("dialog .sum tbody tr")
    phone.evaluate(SWIPE, [0.9, 0.2])
    phone.wait_for_url(f"**photo={photos[1]}**")
    phone.evaluate(SWIPE, [0.2, 0.9])
    phone.wait_for_url(f"**photo={photos[0]}**")


def test_a_slideshow_goes_on_by_itself_and_fills_the_screen(page, address):
    page.clock.install()
    search_url = f"{address}/?q={TEXT}"
    page.goto(search_url)
    page.click(".folded button")
    page.wait_for_selector(".tile >> nth=3")
    photos = order(page)
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .sum tbody tr")
    page.keyboard.press("s")
    page.wait_for_function("() => document.fullscreenElement?.className === 'stage'")
    page.wait_for_selector(".over [aria-label='Stop the slideshow']")
    page.clock.run_for(4100)
    page.wait_for_url(f"**photo={photos[1]}**")
    page.clock.run_for(4100)
    page.wait_for_url(f"**photo={photos[2]}**")
    page.click(".over [aria-label='Full screen']")
    page.wait_for_function("() => !document.fullscreenElement")
    page.wait_for_selector("[aria-label='Slideshow']")
    page.clock.run_for(9000)
    assert f"photo={photos[2]}" in page.url


def test_what_is_known_of_a_photo_and_what_can_be_done_with_it(page, address, folder):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_first(page, address)
    expect(page.locator(".info")).to_contain_text(str(folder / "cat.jpg"))
    expect(page.locator(".info")).to_contain_text("451 × 300")
    with page.expect_download() as started:
        page.click(".actions >> text=Download")
    assert started.value.path().read_bytes() == (folder / "cat.jpg").read_bytes()
    assert started.value.suggested_filename == "cat.jpg"
    page.click("text=Copy path")
    page.wait_for_selector(".about .note:has-text('Path copied.')")
    assert page.evaluate("navigator.clipboard.readText()") == str(folder / "cat.jpg")
    page.route("**/show", lambda route: route.fulfill(status=204))
    with page.expect_request("**/show") as asked:
        page.click("text=Show in folder")
    assert asked.value.method == "POST"
    page.wait_for_selector(".about .note:has-text('Shown in the file manager.')")
    original = page.get_attribute(".actions >> text=Open original", "href")
    assert page.evaluate("path => fetch(path).then(({ status }) => status)", original) == 200


def test_more_of_a_part_of_a_photo(page, address, shoot):
    open_first(page, address)
    photo = order(page)[0]
    page.click("[aria-label='Search by a part of this photo']")
    left, top, right, bottom = box(page, ".frame")
    page.mouse.move(left + 0.25 * (right - left), top + 0.2 * (bottom - top))
    page.mouse.down()
    page.mouse.move(left + 0.75 * (right - left), top + 0.7 * (bottom - top), steps=4)
    page.mouse.up()
    settled(page)
    shoot(page)
    page.click("text=More of this")
    page.wait_for_selector(".like-chip i")
    page.wait_for_selector("dialog", state="detached")
    settled(page)
    drawn = page.evaluate("new URLSearchParams(location.search).get('box')")
    numbers = [float(part) for part in drawn.split(",")]
    assert numbers == pytest.approx([0.25, 0.2, 0.5, 0.5], abs=0.02)
    expected = api(page, address, f"search?like={photo}&box={drawn}")
    expect_order(page, [hit["photo"]["id"] for hit in expected["hits"]])
    shoot(page, "-found")
    page.fill("#q", "a dog")
    page.press("#q", "Enter")
    page.wait_for_selector(".chip:has-text('dog')")
    expected = api(page, address, f"search?q=a dog&like={photo}&box={drawn}")
    expect_order(page, [hit["photo"]["id"] for hit in expected["hits"]])
    page.click("[aria-label='Search without this photo']")
    page.wait_for_selector(".like-chip", state="detached")
    expect(page).to_have_url(re.compile(r"\?q=a\+dog$"))


def test_a_part_is_chosen_with_the_keyboard(page, address):
    open_first(page, address)
    page.keyboard.press("p")
    page.wait_for_selector(".part-box:focus")
    before = box(page, ".part-box")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_function(
        "bottom => document.querySelector('.part-box').getBoundingClientRect().bottom > bottom + 1",
        arg=before[3],
    )
    moved = box(page, ".part-box")
    assert moved[0] > before[0]
    assert moved[1] == pytest.approx(before[1], abs=1)
    page.keyboard.press("Enter")
    page.wait_for_selector("#part-words:focus")
    page.keyboard.type("on grass")
    page.keyboard.press("Enter")
    page.wait_for_url("**like=**box=**")
    page.wait_for_selector(".chip:has-text('grass')")
    page.go_back()
    page.wait_for_selector("dialog")


def test_escape_gives_up_a_part_before_the_photo(page, address):
    open_first(page, address)
    page.keyboard.press("p")
    page.wait_for_selector(".part-box:focus")
    page.keyboard.press("Escape")
    page.wait_for_selector(".part-box", state="detached")
    page.keyboard.press("p")  # the photo is still there to be asked for a part
    page.wait_for_selector(".part-box:focus")
