"""Searching: order, chips, weights, the address, filters, pages, what does not fit."""

import re
from urllib.parse import parse_qs, quote, urlsplit

from browser.conftest import (
    NO_MATCH,
    PHOTOS,
    UNKNOWN,
    api,
    expect_order,
    hold,
    order,
    search,
    settled,
    strength,
    unfold,
)
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"


def query(page):
    return parse_qs(urlsplit(page.url).query)


def photos_of(answer):
    return [hit["photo"]["id"] for hit in answer["hits"]]


def test_photos_come_in_the_order_of_the_api(page, address, shoot):
    search(page, address, TEXT)
    expected = api(page, address, f"search?q={quote(TEXT)}")
    expect_order(page, photos_of(expected))
    labels = ["cat", "looks", "camera", "whole sentence"]
    expect(page.locator(".chip .label")).to_have_text(labels)
    assert query(page) == {"q": [TEXT]}
    expect(page).to_have_title(f"{TEXT} – Regard")
    expect(page.locator(".status")).to_contain_text(f"{PHOTOS} photos · ")
    expect(page.locator("h1")).to_have_text(f"Photos for “{TEXT}”")
    shoot(page)


def test_the_first_page_shows_the_newest(page, address, shoot):
    page.goto(address)
    page.wait_for_selector(".tile")
    settled(page)
    expected = api(page, address, "photos?limit=40")
    expect_order(page, photos_of(expected))
    shoot(page)


def test_the_first_visit_offers_sentences_that_fit_photos_here(page, address, shoot):
    page.goto(address)
    page.wait_for_selector(".suggested button")
    settled(page)
    shoot(page)
    offered = api(page, address, "suggestions")["suggestions"]
    texts = [one["sentence"] for one in offered]
    expect(page.locator(".suggested button")).to_have_text(texts)
    page.click(".suggested button >> nth=0")
    page.wait_for_selector(".chip")
    settled(page)
    assert query(page) == {"q": [texts[0]]}
    expect(page.locator("#q")).to_have_value(texts[0])
    expect(page.locator(".welcome")).to_have_count(0)
    page.click("[aria-label='Clear the sentence']")
    page.wait_for_selector(".welcome")
    expect(page.locator("#q")).to_be_focused()
    assert query(page) == {}


def test_the_hint_goes_when_it_was_read(page, address):
    search(page, address, TEXT)
    page.click(".hint button")
    page.wait_for_selector(".hint", state="detached")
    page.reload()
    page.wait_for_selector(".chip")
    settled(page)
    expect(page.locator(".hint")).to_have_count(0)


def test_a_slow_answer_shows_that_it_is_awaited(page, address, shoot):
    let_come = hold(page, "**/api/v1/search?*")
    page.goto(f"{address}/?q={TEXT}")
    page.wait_for_selector(".skeleton i")
    expect(page.locator("main")).to_have_attribute("aria-busy", "true")
    shoot(page)
    let_come()
    page.wait_for_selector(".tile")
    expect(page.locator(".skeleton")).to_have_count(0)
    page.fill("#q", "a cup of coffee")
    page.press("#q", "Enter")
    page.wait_for_selector("regard-grid.stale")
    page.wait_for_selector(".status:has-text('Searching…')")  # not the numbers of before
    let_come()
    page.wait_for_selector("regard-grid:not(.stale)")
    page.wait_for_selector(".status:has-text('photos · ')")
    settled(page)


def test_words_stay_in_view_while_scrolling(page, address, shoot):
    search(page, address, TEXT)
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 800)
    page.wait_for_function("() => scrollY > 300")
    settled(page)
    page.hover(".chip .label:text-is('cat')")
    page.wait_for_selector("regard-map.lit")
    settled(page)
    assert page.locator(".chips").bounding_box()["y"] < 100
    shoot(page)


def test_a_word_switched_off_ranks_anew_at_once(page, address, shoot):
    search(page, address, TEXT)
    before = order(page)
    page.click(".chip:has-text('cat') .dot")
    page.wait_for_url("**w=1%2C1%2C0%2C**")
    page.wait_for_selector("text=weighted")
    settled(page)
    assert query(page)["w"] == ["1,1,0,1,1,1,1,1"]
    expected = api(page, address, f"search?q={quote(TEXT)}&weights=1,1,0,1,1,1,1,1")
    assert photos_of(expected) != before
    expect_order(page, photos_of(expected))
    expect(page.locator(".chip:has-text('cat') .dot")).to_have_attribute("aria-checked", "false")
    shoot(page)
    page.click("text=reset")
    page.wait_for_selector("text=weighted", state="detached")
    unfold(page)
    expect_order(page, before)


def test_a_word_is_weighted_with_the_slider(page, address):
    search(page, address, TEXT)
    page.click(".chip:has-text('camera') .label")
    page.locator(".word-bar input").fill("3")
    page.wait_for_url("**w=1%2C1%2C1%2C1%2C1%2C1%2C3%2C1**")
    expected = api(page, address, f"search?q={quote(TEXT)}&weights=1,1,1,1,1,1,3,1")
    expect_order(page, photos_of(expected))
    expect(page.locator(".chip:has-text('camera')")).to_contain_text("×3")


def test_the_last_word_cannot_be_switched_off(page, address):
    search(page, address, "cat")
    page.click(".chip:has-text('whole sentence') .dot")
    page.wait_for_url("**w=0%2C1%2C0**")
    page.click(".chip:has-text('cat') .dot")
    page.wait_for_selector(".refused")
    assert query(page)["w"] == ["0,1,0"]


def test_the_address_holds_everything_and_back_works(page, address):
    search(page, address, TEXT)
    page.click(".chip:has-text('cat') .label")
    page.click(".tile a >> nth=1")
    page.wait_for_selector("dialog .sum tbody tr")
    page.click("text=Details")
    page.click("text=Regions look at words")
    page.wait_for_selector(".switch [aria-pressed=true]:has-text('Regions look')")
    whole = page.url
    assert {"q", "word", "photo", "dir"} <= set(query(page))
    settled(page)
    similarity = page.inner_text(".verdict-line .big")
    page.go_back()
    page.wait_for_selector("dialog", state="detached")
    assert set(query(page)) == {"q", "word"}  # what is shown follows the address
    page.go_back()
    page.wait_for_selector(".chip", state="detached")
    page.goto(whole)
    page.wait_for_selector(".switch [aria-pressed=true]:has-text('Regions look')")
    expect(page.locator(".verdict-line .big")).to_have_text(similarity)


def test_filters_narrow_the_list(page, address, shoot):
    search(page, address, TEXT)
    page.click("button[aria-label=Filters]")
    page.select_option(".filters select >> nth=0", "drawn")
    page.wait_for_selector(".status:text('40 photos')")
    page.select_option(".filters select >> nth=1", "portrait")
    page.wait_for_selector(".status:text('14 photos')")
    settled(page)
    assert query(page)["folder"] == ["drawn"]
    shoot(page)
    page.fill(".filters input >> nth=0", "2031-01-01")
    page.wait_for_selector("text=No photo passes these filters.")
    shoot(page, "-none")
    page.click("text=Clear the filters")
    page.wait_for_selector(f".status:text('{PHOTOS} photos')")


def test_more_photos_come_while_scrolling(page, address):
    search(page, address, TEXT)
    first = order(page)
    assert len(first) == 40
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".tile")).to_have_count(PHOTOS)
    every = order(page)
    assert every[:40] == first
    assert len(set(every)) == PHOTOS
    expect(page.locator(".grid-end")).to_have_count(0)


def test_pictures_are_asked_for_as_they_come_near(page, address):
    asked = set()
    page.on("request", lambda request: "/thumbnail" in request.url and asked.add(request.url))
    page.goto(f"{address}/?q={TEXT}")  # the first page's pictures would count, too
    page.wait_for_selector(".chip")
    unfold(page)
    assert 8 <= len(asked) < len(order(page))
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 20_000)
    last = page.locator(".tile >> nth=-1 >> img")
    expect(last).to_have_attribute("src", re.compile("/thumbnail"))


def test_a_list_that_ends_early_asks_no_further(page, address):
    """By date only what fits is listed, fewer photos than were ranked."""
    asked = []
    page.on("request", lambda request: "/search?" in request.url and asked.append(request.url))
    page.goto(f"{address}/?q={TEXT}&sort=date")
    page.wait_for_selector(".tile")
    settled(page)
    page.mouse.wheel(0, 20_000)
    page.wait_for_function("() => scrollY + innerHeight + 2 > document.body.scrollHeight")
    settled(page)
    assert len(order(page)) < 40
    assert len(asked) == 1


def test_nothing_fits_is_said_plainly_above_the_nearest(page, address, shoot):
    search(page, address, NO_MATCH)
    answer = api(page, address, f"search?q={quote(NO_MATCH)}&maps=true")
    assert not answer["verdict"]["good"]
    expect(page.locator(".no-match h2")).to_have_text("No sure match")
    expect(page.locator(".no-match p")).to_contain_text("may be among them")
    expect(page.locator(".no-match")).not_to_contain_text("%")
    expect_order(page, photos_of(answer))
    nowhere = set.intersection(*(set(hit["maps"]["unsupported"]) for hit in answer["hits"]))
    assert nowhere  # or choose another sentence
    for word in nowhere:
        expect(page.locator(".unseen-note b")).to_contain_text(word)
    shoot(page)


def test_something_fits_and_nothing_is_said(page, address):
    search(page, address, TEXT)
    verdict = api(page, address, f"search?q={quote(TEXT)}")["verdict"]
    assert verdict["good"]
    first = page.locator(".tile").first.locator(".badge b")
    expect(first).to_have_text(strength(verdict["probability"]))
    expect(page.locator(".no-match")).to_have_count(0)


def test_what_fits_less_comes_after_a_line_and_is_folded(page, address, shoot):
    page.goto(f"{address}/?q={quote(TEXT)}")
    page.wait_for_selector(".folded")
    settled(page)
    hits = api(page, address, f"search?q={quote(TEXT)}&limit=40")["hits"]
    likely = [hit["photo"]["id"] for hit in hits if hit["match_probability"] >= 0.25]
    assert len(likely) < 40
    expect_order(page, likely)
    expect(page.locator(".folded")).to_have_text(f"Show {PHOTOS - len(likely)} less likely photos")
    shoot(page)
    page.click(".folded button")
    page.wait_for_selector(".line:text-is('Less likely')")
    settled(page)
    line, after = (
        page.locator(name).bounding_box() for name in (".line", f".tile >> nth={len(likely)}")
    )
    assert line["y"] + line["height"] <= after["y"] + 1
    expect(page.locator(".tile")).to_have_count(40)
    shoot(page, "-unfolded")


def test_words_a_photo_does_not_show_stand_on_it(page, address, shoot):
    search(page, address, TEXT)
    hits = api(page, address, f"search?q={quote(TEXT)}&maps=true")["hits"]
    unseen = {hit["photo"]["id"]: hit["maps"]["unsupported"] for hit in hits}
    assert sum(map(bool, unseen.values())) >= 2
    for place, photo in enumerate(order(page)[:12]):
        tile = page.locator(".tile").nth(place)
        told = [", ".join(unseen[photo])] if unseen[photo] else []
        expect(tile.locator(".badge .unseen")).to_have_text(told)
        expect(tile.locator("img[alt*='not found: ']")).to_have_count(len(told))
    without = next(n for n, photo in enumerate(order(page)) if "camera" in unseen[photo])
    page.hover(f".tile a >> nth={without}")
    page.wait_for_selector(".chip.unseen:has-text('camera')")
    shoot(page)
    page.hover(".chip .label:has-text('camera')")
    page.wait_for_selector(f".tile >> nth={without} >> .badge:has-text('not found here')")
    settled(page)
    shoot(page, "-word")


def test_an_unknown_word_is_marked_and_can_be_swapped(page, address, shoot):
    search(page, address, UNKNOWN)
    page.wait_for_selector(".chip.unknown:has-text('motorcyclee')")
    shoot(page)
    page.click(".unknown-note button:text-is('motorcycle')")
    page.wait_for_selector(".unknown-note", state="detached")
    assert query(page)["q"] == ["“a motorcycle”"]
    expect(page.locator("#q")).to_have_value("“a motorcycle”")


def test_a_misspelt_word_is_put_right_and_can_be_had_as_it_is(page, address, shoot):
    search(page, address, "a kittn with a camra")
    page.wait_for_selector(".reading b:text-is('a kitten with a camera')")
    expect(page.locator("#q")).to_have_value("a kittn with a camra")
    shoot(page)
    page.click(".tile >> nth=0")
    page.wait_for_selector(".reasons")
    expect(page.locator("#sentence")).to_have_value("a kitten with a camera")
    page.keyboard.press("Escape")
    page.click(".reading button:text-is('a kittn with a camra')")
    page.wait_for_selector(".reading", state="detached")
    expect(page.locator("#q")).to_have_value('"a kittn with a camra"')


def test_a_language_that_is_not_read_is_told(page, address):
    search(page, address, "ein roter hund")
    told = "Regard reads English; this looks like German."
    expect(page.locator(".reading")).to_have_text(told)


def test_what_goes_wrong_is_told(page, address, shoot):
    search(page, address, TEXT)
    page.context.set_offline(True)
    page.fill("#q", "a cup of coffee")
    page.press("#q", "Enter")
    page.wait_for_selector(".problem:has-text('cannot be reached')")
    shoot(page)
    page.context.set_offline(False)
    page.wait_for_selector(".problem", state="detached")
    page.wait_for_selector(".chip:has-text('coffee')")  # asked again by itself


def test_a_wrong_query_is_told_in_the_apis_words(page, address):
    page.goto(address)
    page.fill("#q", "-leash")
    page.press("#q", "Enter")
    page.wait_for_selector(".problem:has-text('positive weight')")
