"""Notes beside the photos: order, weights, parts of a query; and touch."""

from urllib.parse import quote

from browser.conftest import PHOTOS, api, order, search, settled
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"


def test_the_newest_of_the_matches_are_said_to_be_the_best_alone(page, address, shoot):
    page.goto(f"{address}/?q={TEXT}&sort=date")
    page.wait_for_selector(".tile")
    settled(page)
    shown = len(order(page))
    best = "best match" if shown == 1 else f"{shown} best matches"
    told = f"The {best} of {PHOTOS} photos, newest first"
    expect(page.locator(".status")).to_contain_text(told)
    filters = page.locator(".bar button[aria-expanded=true]")
    expect(filters).to_have_attribute("aria-label", "Filters, 1 set")
    shoot(page)
    page.click(".tile a >> nth=0")
    page.wait_for_selector(f".place:text-is('1 of {shown}')")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.click("text=Best match first >> nth=-1")
    page.wait_for_selector(f".status:has-text('{PHOTOS} photos · ')")


def test_the_large_view_says_that_it_leaves_out_the_weights(page, address, shoot):
    weights = "1,1,3,1,1,1,1,1"
    page.goto(f"{address}/?q={TEXT}&w={weights}")
    page.wait_for_selector(".tile")
    hit = api(page, address, f"search?q={quote(TEXT)}&weights={weights}&limit=1")["hits"][0]
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .sum tbody tr")
    page.click("text=Details")
    expect(page.locator(".verdict-line + .note")).to_have_text(
        f"Words count alike here; as you weighted them it scores {hit['similarity']:.3f}."
    )
    settled(page)
    shoot(page)


def test_parts_of_a_query_show_what_they_count(page, address, shoot):
    search(page, address, "a dog; 2: grass; -1: a leash")
    expect(page.locator(".part")).to_have_text(["×1", "×2", "−1 unwanted:"])
    expect(page.locator(".chip.not")).to_have_text(["leash"])
    shoot(page)
    page.click(".tile a >> nth=0")
    expect(page.locator("dialog .sum tr.not .word")).to_have_text(["leash unwanted"])
    settled(page)
    shoot(page, "-photo")


def test_unknown_words_are_told_once(page, address, shoot):
    search(page, address, 'the "zzyzx" and a zzyzx')
    expect(page.locator(".chip .label")).to_have_text(["zzyzx", "zzyzx", "whole sentence"])
    expect(page.locator(".unknown-note b")).to_have_text(["zzyzx"])
    shoot(page)


def test_the_last_word_on_says_why_it_stays(page, address):
    search(page, address, "cat")
    page.click(".chip:has-text('whole sentence') .dot")
    page.wait_for_url("**w=0%2C1%2C0**")
    settled(page)
    page.click(".chip:has-text('cat') .dot")
    page.wait_for_selector(".refused:has-text('At least one word must count')")
    page.click(".chip:has-text('whole sentence') .dot")
    page.wait_for_selector(".refused", state="detached")


def test_home_forgets_what_was_typed_and_not_sent(page, address):
    page.goto(address)
    page.wait_for_selector(".tile")
    page.fill("#q", "half a sent")
    page.click(".brand")
    expect(page.locator("#q")).to_have_value("")


def test_the_first_photo_of_another_sentence_takes_the_focus(page, address):
    other = "a flower"
    page.goto(address)
    answer = api(page, address, f"search?q={quote(other)}&limit=40")["hits"]
    later = {hit["photo"]["id"] for hit in answer[1:]}
    search(page, address, TEXT)
    place = next(n for n, photo in enumerate(order(page)) if n and photo in later)
    page.focus(".tile a >> nth=0")
    for _ in range(place):
        page.keyboard.press("ArrowRight")
    stop = page.locator(".tile a[tabindex='0']")
    expect(stop).to_have_attribute("data-id", order(page)[place])
    page.fill("#q", other)
    page.press("#q", "Enter")
    page.wait_for_selector(".chip:has-text('flower')")
    expect(stop).to_have_attribute("data-id", answer[0]["photo"]["id"])


def test_help_can_be_closed_on_a_low_screen(page, address, shoot):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(address)
    page.click("button[aria-label=Help]")
    settled(page)
    close = page.locator("dialog.help .primary").bounding_box()
    frame = page.locator("dialog.help").bounding_box()
    assert close["y"] + close["height"] <= frame["y"] + frame["height"]
    assert page.locator("dialog.help").evaluate("dialog => dialog.scrollTop") == 0
    expect(page.locator("dialog.help dl")).to_contain_text("relevance", ignore_case=True)
    shoot(page)


# ---- touch


def lights(phone):
    rows = "rows => rows.map(row => Number(row.style.getPropertyValue('--light')))"
    return phone.eval_on_selector_all(".sum tbody tr", rows)


def test_a_tap_on_the_large_photo_lights_the_words_that_look_there(phone, address, shoot):
    search(phone, address, TEXT)
    phone.tap(".tile a >> nth=0")
    phone.wait_for_selector("dialog .sum tbody tr")
    settled(phone)
    frame = phone.locator(".stage regard-map").bounding_box()
    place = (frame["x"] + frame["width"] * 0.7, frame["y"] + frame["height"] * 0.3)
    phone.touchscreen.tap(*place)
    phone.wait_for_selector(".stage .pointed")
    phone.wait_for_selector(".sum tr.lighting")
    assert max(lights(phone)) > 0
    settled(phone)
    shoot(phone)
    phone.touchscreen.tap(*place)
    phone.wait_for_selector(".stage .pointed", state="detached")
    phone.touchscreen.tap(*place)
    phone.wait_for_selector(".stage .pointed")
    phone.tap("dialog h2")
    phone.wait_for_selector(".stage .pointed", state="detached")


def test_on_a_phone_the_photo_stays_above_its_words(phone, address, shoot):
    search(phone, address, "a woman in an orange suit smiles at the rocket")
    phone.tap(".tile a >> nth=0")
    phone.wait_for_selector("dialog .sum tbody tr")
    phone.locator(".viewer-body").evaluate("body => body.scrollTo(0, 30)")
    phone.tap(".sum .word:text-is('rocket')")
    phone.wait_for_selector(".stage regard-map.lit")
    settled(phone)
    stage, word = (
        phone.locator(name).bounding_box()
        for name in (".stage regard-map", ".sum .word:text-is('rocket')")
    )
    assert phone.locator(".viewer-body").evaluate("body => body.scrollTop") > 0
    assert stage["y"] >= 50
    assert stage["height"] <= 0.41 * 844
    assert stage["y"] + stage["height"] <= word["y"]
    shoot(phone)
