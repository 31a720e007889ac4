"""Where a word looked: the map is on the photo, in the right place, and moves."""

import io
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
from browser.conftest import NO_MATCH, api, hold, search, settled
from PIL import Image
from playwright.sync_api import expect

from regard.explain.maps import heat_map

TEXT = "a woman in an orange suit smiles at the rocket"
PLACES = {place: word for place, word in enumerate(TEXT.split(), 1) if len(word) > 3}  # that name


def pixels(page, selector):
    """Brightness of an element as it is seen."""
    shot = page.locator(selector).screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("L"), np.float32)


def heats(maps, word, shape):
    """The map of a word as Python draws it, as large as the picture."""
    size = (shape[1], shape[0])
    return heat_map(np.array(maps["heat"][word]), np.array(maps["boxes"]) * (size * 2), size, size)


def hover(page, word):
    # a word not found has a hidden note before it
    label = f".label:text-matches('\\\\b{word}\\\\s*$')"
    page.hover(f".chip {label}")
    page.wait_for_selector(f".chip.active {label}")
    settled(page)


LIT = """() => {
    const tiles = [...document.querySelectorAll(".tile")].filter((tile) =>
        tile.getBoundingClientRect().top < innerHeight);
    const told = tiles.map((tile) =>
        [".lit", ".badge .unseen"].map((name) => !!tile.querySelector(name)));
    return told.every(([isLit, isMissed]) => isLit !== isMissed)
        && {lit: told.filter(([isLit]) => isLit).length};
}"""


def expect_lit(page):
    """Of the photos in view all are lit that do not say they lack the word; returns how many."""
    return page.wait_for_function(LIT).json_value()["lit"]


def test_a_hovered_word_lights_every_photo(page, address, shoot):
    search(page, address, TEXT)
    expect(page.locator("regard-map.lit")).to_have_count(0)
    hover(page, "orange")
    assert 0 < expect_lit(page) < page.locator(".tile").count()
    expect(page.locator(".tile:has(.lit) .badge").first).to_contain_text("orange")
    shoot(page)
    page.mouse.move(640, 400)
    page.mouse.move(5, 400)
    page.wait_for_selector("regard-map.lit", state="detached")


def test_maps_are_made_of_the_photos_one_looks_at_alone(page, address):
    """What a word costs is what is in view, whatever else was found."""
    page.set_viewport_size({"width": 1280, "height": 300})
    search(page, address, TEXT)
    if page.locator(".folded button").count():
        page.click(".folded button")
    page.evaluate("scrollTo(0, 0)")
    page.hover(".chip .label:has-text('whole sentence')")  # which looks at every photo
    page.wait_for_selector("regard-map.lit .outline path[d]", state="attached")
    drawn = """() => [...document.querySelectorAll(".tile regard-map")].map((map) => [
        map.getBoundingClientRect().top, !!map.querySelector(".heat.on path[d]")])"""
    page.wait_for_function(
        f"() => ({drawn})().every(([top, isDrawn]) => isDrawn === (top < 300 + 200))"
    )
    assert {is_drawn for _, is_drawn in page.evaluate(drawn)} == {True, False}
    page.locator(".tile regard-map >> nth=-1").scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({drawn})().at(-1)[1]")


def test_photos_come_before_what_words_see_in_them(page, address):
    """Which is asked for of the photos in view alone, of each once, however words are weighted."""
    page.set_viewport_size({"width": 1280, "height": 300})
    asked, let_come = [], hold(page, "**/api/v1/search/maps**")
    page.on("request", lambda one: "/search/maps" in one.url and asked.append(one.url))
    page.goto(f"{address}/?q={quote(TEXT)}")
    page.wait_for_selector(".tile regard-map.loaded")
    page.wait_for_selector(".tile .badge .unseen")  # what is said of a photo is there at once
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    page.hover(".chip .label:text-is('suit')")
    page.wait_for_selector(".badge b:text-is('suit')")
    expect(page.locator("regard-map.lit")).to_have_count(0)
    let_come()
    page.unroute("**/api/v1/search/maps**")
    page.wait_for_selector("regard-map.lit")
    settled(page)
    page.click(".chip:has-text('rocket') .dot")
    page.wait_for_selector("text=weighted")
    settled(page)
    ids = [one for url in asked for one in parse_qs(urlsplit(url).query)["ids"][0].split(",")]
    assert len(set(ids)) == len(ids) < 40


def test_the_map_is_dark_where_the_word_did_not_look_and_clear_where_it_did(page, address):
    """Of the word that adds most to a photo which is light in both places, in that photo."""
    search(page, address, TEXT)
    hits = api(page, address, f"search?q={quote(TEXT)}&maps=true&limit=8")["hits"]
    tiles = [f"a[data-id='{hit['photo']['id']}'] regard-map" for hit in hits]
    plain = [pixels(page, tile) for tile in tiles]
    tried = []
    for place, word in PLACES.items():
        for hit, tile, before in zip(hits, tiles, plain, strict=True):
            if word in hit["maps"]["unsupported"]:
                continue
            heat = heats(hit["maps"], place, before.shape)
            bright = before > 60  # where there is light that can be taken away
            bright[-40:] = False  # the badge
            cold, hot = (heat < 0.15) & bright, (heat > 0.9) & bright
            share = hit["maps"]["words"][place]["share"]
            importance = share / max(word["share"] for word in hit["maps"]["words"][1:-1])
            if min(cold.sum(), hot.sum()) > 200:
                tried.append((importance, word, tile, before, cold, hot))
    _, word, tile, before, cold, hot = max(tried, key=lambda one: one[0])
    hover(page, word)
    kept = pixels(page, tile) / np.maximum(before, 1)
    assert 0.5 < np.median(kept[cold]) < 0.85  # dimmed, and still to be made out
    assert np.median(kept[hot]) > np.median(kept[cold]) + 0.12


def test_the_map_moves_with_the_word(page, address, shoot):
    """Two words that look apart: each is lighter than the other where it alone looked."""
    search(page, address, TEXT)
    hits = api(page, address, f"search?q={quote(TEXT)}&maps=true&limit=8")["hits"]
    best = (0,)
    for hit in hits:
        seen = [n for n, word in PLACES.items() if word not in hit["maps"]["unsupported"]]
        drawn = {n: heats(hit["maps"], n, (60, 80)) for n in seen}
        for one in drawn:
            for other in drawn:
                apart = float((drawn[one] - drawn[other]).max() + (drawn[other] - drawn[one]).max())
                best = max(best, (apart, hit["photo"]["id"], one, other))
    apart, photo, one, other = best
    assert apart > 0.3
    hit = next(hit for hit in hits if hit["photo"]["id"] == photo)
    tile = f"a[data-id='{photo}'] regard-map"
    page.locator(tile).scroll_into_view_if_needed()
    settled(page)
    seen = []
    for word in (one, other):
        hover(page, PLACES[word])
        seen.append(pixels(page, tile))
        shoot(page, f"-{PLACES[word]}")
    first = heats(hit["maps"], one, seen[0].shape)
    second = heats(hit["maps"], other, seen[0].shape)
    moved = seen[0] - seen[1]
    assert moved[(first - second) > np.quantile(first - second, 0.95)].mean() > 2
    assert moved[(second - first) > np.quantile(second - first, 0.95)].mean() < -2


OUTLINE = """path => {
    const length = path.getTotalLength();
    const places = Array.from({ length: 200 }, (_, n) => path.getPointAtLength(length * n / 199));
    return places.map(({ x, y }) => [x, y]);
}"""


def test_the_bright_part_is_outlined(page, address):
    search(page, address, TEXT)
    hit = api(page, address, f"search?q={quote(TEXT)}&maps=true&limit=1")["hits"][0]
    hover(page, "suit")
    path = f"a[data-id='{hit['photo']['id']}'] .heat.on path:not(.under)"
    places = np.array(page.eval_on_selector(path, OUTLINE))
    expect(page.locator(f"{path} >> xpath=..")).to_have_css("opacity", "1")
    aspect = hit["photo"]["width"] / hit["photo"]["height"]
    rows, columns = (round(32 / aspect), 32) if aspect >= 1 else (32, round(32 * aspect))
    heat = heats(hit["maps"], TEXT.split().index("suit") + 1, (rows, columns))
    inner = places[((places > 0.05) & (places < 0.95)).all(1)]
    cells = (inner * (columns, rows)).astype(int)
    np.testing.assert_allclose(heat[cells[:, 1], cells[:, 0]], 0.4**0.5, atol=0.1)


def test_nothing_is_drawn_for_words_a_photo_does_not_show(page, address, shoot):
    search(page, address, NO_MATCH)
    hits = api(page, address, f"search?q={quote(NO_MATCH)}&maps=true")["hits"]
    word = next(word for hit in hits for word in hit["maps"]["unsupported"])
    hover(page, word)
    without = {h["photo"]["id"] for h in hits if word in h["maps"]["unsupported"]}
    for hit in hits[:8]:
        tile = page.locator(f"a[data-id='{hit['photo']['id']}']")
        is_shown = hit["photo"]["id"] not in without
        expect(tile.locator("regard-map.lit")).to_have_count(int(is_shown))
        expect(tile.locator(".badge:has-text('not found here')")).to_have_count(int(not is_shown))
    shoot(page)
    page.click(f"a[data-id='{min(without)}']")
    page.click(f".sum .word:has-text('{word}')")
    expect(page.locator(".sum tr.pinned")).to_contain_text(word)
    expect(page.locator(".stage regard-map.lit")).to_have_count(0)


def test_a_hovered_region_lights_the_words_that_look_there(page, address, shoot):
    search(page, address, TEXT)
    hit = api(page, address, f"search?q={quote(TEXT)}&maps=true&limit=1")["hits"][0]
    tile = page.locator(f"a[data-id='{hit['photo']['id']}'] regard-map")
    frame = tile.bounding_box()
    page.mouse.move(frame["x"] + frame["width"] * 0.85, frame["y"] + frame["height"] * 0.2)
    page.wait_for_selector(".pointed")
    page.wait_for_selector(".chip.lighting")
    box = tile.locator(".pointed").bounding_box()
    middle = (
        (box["x"] + box["width"] / 2 - frame["x"]) / frame["width"],
        (box["y"] + box["height"] / 2 - frame["y"]) / frame["height"],
    )
    boxes = np.array(hit["maps"]["boxes"])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    region = int(np.lexsort((np.hypot(*(centres - middle).T).round(2), sizes.round(3)))[0])
    attention = np.array(hit["maps"]["attention"])[list(PLACES)]
    low, high = attention.min(1), attention.max(1)
    spread = high - low  # none for words that do not count
    expected = (attention[:, region] - low) / np.where(spread > 0, spread, np.inf)
    lights = page.eval_on_selector_all(
        ".chip", "chips => chips.map(chip => Number(chip.style.getPropertyValue('--light')))"
    )
    np.testing.assert_allclose(lights[:-1], expected, atol=0.02)
    assert lights[-1] == 0
    shoot(page)


def test_a_pinned_word_stays(page, address):
    search(page, address, TEXT)
    page.click(".chip .label:text-is('rocket')")
    page.mouse.move(5, 500)
    settled(page)
    assert expect_lit(page)
    page.reload()
    page.wait_for_selector("regard-map.lit")
    pinned = page.locator(".chip:has-text('rocket') .label")
    expect(pinned).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.wait_for_selector("regard-map.lit", state="detached")


def test_without_motion_the_map_is_there_at_once(chromium, address):
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    search(page, address, "a cat with eyes")
    script = """canvas => {
        const { width, height } = canvas;
        return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
    }"""
    canvas = page.locator(".tile regard-map .heat.on canvas").first
    states = []
    for word in ("cat", "eyes"):
        page.hover(f".chip .label:text-is('{word}')")
        page.wait_for_selector(f".chip.active .label:text-is('{word}')")
        moving = """() => document.getAnimations().filter((one) =>
            one.playState === "running" && one.effect.getComputedTiming().endTime > 1).length"""
        assert not page.evaluate(moving)  # not even for a moment
        states.append(canvas.evaluate(script))
        settled(page)
        assert canvas.evaluate(script) == states[-1]
    assert states[0] != states[1]
    context.close()
