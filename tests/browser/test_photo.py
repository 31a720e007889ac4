"""One photo large, uploads, phones, themes, the keyboard, and what axe finds."""

import io
import json

import pytest
from browser.conftest import AXE, NO_MATCH, UNKNOWN, api, order, search, settled, strength, watched
from PIL import Image
from playwright.sync_api import expect

TEXT = "a cat looks at the camera"


def open_first(page, address, text=TEXT):
    search(page, address, text)
    page.click(".tile a >> nth=0")
    page.wait_for_selector("dialog .sum tbody tr")
    settled(page)


def numbers(page, column):
    cells = page.locator(f".sum tbody td:nth-child({column})").all_inner_texts()
    return [float(cell.replace("−", "-")) for cell in cells]


# ---- one photo


def test_the_score_is_the_sum_of_its_words(page, address, shoot):
    open_first(page, address)
    shoot(page)
    likely = api(page, address, f"search?q={TEXT}&limit=1")["hits"][0]["match_probability"]
    told = f"{strength(likely)} match".capitalize()
    expect(page.locator(".reasons b").first).to_have_text(told, use_inner_text=True)
    expect(page.locator(".reasons p")).to_contain_text("Found because: cat")
    expect(page.locator(".sum td:nth-child(4)").first).to_be_hidden()  # numbers are for who asks
    page.click("text=Details")
    settled(page)
    shoot(page, "-details")
    total = float(page.inner_text(".verdict-line .big"))
    assert sum(numbers(page, 4)) == pytest.approx(total, abs=0.006)  # of rounded numbers
    expect(page.locator(".panel")).to_have_count(4)  # words that name something, the sentence
    expect(page.locator(".rest")).to_contain_text("whole sentence: sentence 0.")


def test_words_show_their_maps_on_the_large_photo(page, address, shoot):
    open_first(page, address)
    expect(page.locator(".stage regard-map.lit")).to_have_count(0)
    page.hover(".sum .word:text-is('cat')")
    page.wait_for_selector(".stage regard-map.lit")
    settled(page)
    shoot(page)
    page.hover(".stage regard-map")
    page.wait_for_selector(".sum tr.lighting")


def test_direction_and_sharpness_can_be_turned(page, address):
    open_first(page, address)
    photo = order(page)[0]
    page.click("text=Details")
    page.click("text=Regions look at words")
    page.wait_for_selector("text=Not as the model was trained")
    expected = api(page, address, f"photos/{photo}/explain?q={TEXT}&direction=i2t")
    similarity = page.locator(".verdict-line .big")
    expect(similarity).to_have_text(f"{expected['similarity']:.3f}")
    page.locator(".temperature input").fill("100")
    page.wait_for_url("**t=50**")
    expected = api(page, address, f"photos/{photo}/explain?q={TEXT}&direction=i2t&temperature=50")
    expect(similarity).to_have_text(f"{expected['similarity']:.3f}")
    page.click("text=Back to the model's own")
    page.wait_for_selector("text=Not as the model was trained", state="detached")


def test_figures_and_numbers_can_be_downloaded(page, address):
    open_first(page, address)
    page.click("text=Details")
    kept = {}
    for kind in ("PNG", "SVG", "JSON"):
        with page.expect_download() as started:
            page.click(f".downloads >> text={kind}")
        kept[kind] = started.value.path().read_bytes()
    assert Image.open(io.BytesIO(kept["PNG"])).width > 600
    assert b"<svg" in kept["SVG"]
    assert json.loads(kept["JSON"])["sentence"] == TEXT


def test_other_sentences_can_be_asked_and_chosen(page, address, shoot):
    open_first(page, address)
    page.fill("#sentence", "a cup of coffee")
    page.click("text=Explain")
    page.wait_for_selector(".sum .word:text-is('coffee')")
    page.wait_for_selector(".captions li")
    page.locator(".captions").scroll_into_view_if_needed()
    page.hover(".captions li >> nth=0 >> button span >> nth=1")
    settled(page)
    shoot(page)
    words = page.locator(".captions li >> nth=0 >> button > span").all_inner_texts()
    chosen = " ".join(words)
    page.click(".captions li >> nth=0 >> button")
    page.wait_for_selector(f".captions li.chosen:has-text('{chosen}')")
    expect(page.locator("#sentence")).to_have_value(chosen)


def test_own_sentences_are_ranked(page, address):
    open_first(page, address)
    page.click("summary:has-text('of your own')")
    page.fill("#own", "a plate of soup\na cat with green eyes\n\na red car")
    page.click("text=Rank them")
    expect(page.locator(".captions li")).to_have_count(3)
    expect(page.locator(".captions li").first).to_contain_text("a cat with green eyes")


def test_sentences_that_do_not_fit_are_ranked_and_said_not_to(page, address, shoot):
    open_first(page, address)
    page.click("summary:has-text('of your own')")
    own = ["a football match in a stadium", "a plate of soup", "two men in a boat on a lake"]
    page.fill("#own", "\n".join(own))
    page.click("text=Rank them")
    page.wait_for_selector(".none-fits:has-text('No sure match among 3 sentences')")
    expect(page.locator(".captions li")).to_have_count(3)
    settled(page)
    page.locator(".captions").scroll_into_view_if_needed()
    shoot(page)


def test_words_that_are_not_seen_are_told_beside_the_sum(page, address, shoot):
    open_first(page, address, NO_MATCH)
    photo = order(page)[0]
    unseen = api(page, address, f"photos/{photo}/explain?q={NO_MATCH}")["maps"]["unsupported"]
    assert unseen
    expect(page.locator(".side .unseen-note b")).to_have_text(", ".join(unseen))
    marked = page.locator(".sum .word:has(.unseen)")
    expect(marked).to_have_count(len(set(unseen)))
    assert {text.split()[0] for text in marked.all_inner_texts()} == set(unseen)
    settled(page)
    shoot(page)


def test_one_walks_from_photo_to_photo(page, address):
    open_first(page, address)
    photos = order(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**photo={photos[1]}**")
    page.click("[aria-label='Previous photo']")
    page.wait_for_url(f"**photo={photos[0]}**")
    page.wait_for_selector(".strip a")
    like = page.get_attribute(".strip a >> nth=0", "href")
    page.click(".strip a >> nth=0")
    page.wait_for_function("href => location.href.endsWith(href)", arg=like)


def test_a_photo_that_is_gone_is_told(page, address, shoot):
    page.goto(f"{address}/?q={TEXT}&photo={'0' * 16}")
    page.wait_for_selector("dialog [role=alert]:has-text('is not in the index')")
    settled(page)
    shoot(page)
    page.click("text=Back to the photos")
    page.wait_for_selector("dialog", state="detached")
    expect(page.locator(".tile")).not_to_have_count(0)


# ---- uploads


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_photo_of_ones_own(page, address, folder, shoot, way):
    page.goto(address)
    page.wait_for_selector("regard-welcome", state="attached")  # what the server allows is known
    photo = folder / "coffee.jpg"
    if way == "chosen":
        page.set_input_files("#file", photo)
    else:
        drop(page, photo)
    page.wait_for_selector("dialog .captions li")
    expect(page.locator("dialog h2")).to_have_text("Your photo")
    expect(page.locator(".side")).to_contain_text("not written to disk")
    expect(page.locator("text=Keep in my photos")).to_have_count(0)  # unless the server was told to
    page.fill("#sentence", "a cup of coffee on a table")
    page.press("#sentence", "Enter")
    page.wait_for_selector(".sum .word:text-is('coffee')")
    settled(page)
    shoot(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def drop(page, photo):
    """Let a file fall onto the page."""
    page.evaluate(
        """async ([bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
            const fire = (kind) => document.body.dispatchEvent(
                new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
            fire("dragenter");
            await new Promise((done) => setTimeout(done, 50));
            if (!document.querySelector(".curtain")) throw new Error("no curtain");
            fire("drop");
        }""",
        [list(photo.read_bytes()), photo.name],
    )


def test_what_is_no_photo_is_told(chromium, address, tmp_path):
    (tmp_path / "notes.png").write_text("no photo")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.set_input_files("#file", tmp_path / "notes.png")
    page.wait_for_selector(".problem:has-text('not a photo')")
    page.click("text=Dismiss")
    page.wait_for_selector(".problem", state="detached")
    context.close()


# ---- phones and themes


def test_on_a_phone_nothing_sticks_out(phone, address, shoot):
    search(phone, address, "a woman in an orange suit smiles")
    phone.tap(".chip .label:text-is('orange')")
    phone.wait_for_selector("regard-map.lit")
    settled(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone)
    phone.tap(".tile a >> nth=0")
    phone.wait_for_selector("dialog .sum tbody tr")
    settled(phone)
    body = phone.locator(".viewer-body")
    assert body.evaluate("body => body.scrollWidth <= body.clientWidth")
    shoot(phone, "-photo")
    body.evaluate("body => body.scrollTo(0, 900)")
    settled(phone)
    shoot(phone, "-below")


def test_on_a_phone_the_sentence_and_its_words_stay_in_view(phone, address, shoot):
    search(phone, address, "a woman in an orange suit smiles")
    phone.mouse.move(200, 600)
    phone.mouse.wheel(0, 700)
    phone.wait_for_function("() => scrollY > 300")
    settled(phone)
    field, chips = (phone.locator(name).bounding_box() for name in ("#q", ".chips"))
    assert 0 <= field["y"] < field["y"] + field["height"] <= chips["y"] < 120
    shoot(phone)


def lightness(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour[4:-1].split(",")) / 3


def test_dark_follows_the_system_until_one_chooses(chromium, address, shoot):
    with watched(chromium, address, color_scheme="dark") as page:
        search(page, address, TEXT)
        assert lightness(page) < 60
        shoot(page)
        page.click("[aria-label='Light theme']")
        settled(page)
        assert lightness(page) > 200
        page.reload()
        page.wait_for_selector(".chip")
        settled(page)
        assert lightness(page) > 200


# ---- without a mouse


def test_everything_can_be_done_with_the_keyboard(page, address, shoot):
    page.goto(address)
    page.wait_for_selector(".tile")
    press = page.keyboard.press
    press("/")
    page.keyboard.type(TEXT)
    press("Enter")
    page.wait_for_selector(".chip")
    settled(page)
    focused = "document.activeElement"
    while page.evaluate(f"{focused}.className") != "label":
        press("Tab")
    press("ArrowRight")
    page.wait_for_selector("regard-map.lit")
    expect(page.locator(".label", has_text="looks")).to_be_focused()
    press("ArrowUp")
    page.wait_for_url("**w=1%2C1%2C1%2C1.5%2C**")
    press("Delete")
    page.wait_for_url("**w=1%2C1%2C1%2C0%2C**")
    settled(page)
    shoot(page)
    while not page.evaluate(f"{focused}.matches('.tile a')"):
        press("Tab")
    photos = order(page)
    press("ArrowRight")
    expect(page.locator(f"a[data-id='{photos[1]}']")).to_be_focused()
    place = f"{focused}.getBoundingClientRect().top + scrollY"
    press("ArrowDown")
    below = page.evaluate(place)
    press("ArrowUp")
    assert page.evaluate(place) < below
    here = page.evaluate(f"{focused}.dataset.id")
    press("Enter")
    page.wait_for_selector("dialog .sum tbody tr")
    press("Escape")
    page.wait_for_selector("dialog", state="detached")
    expect(page.locator(f"a[data-id='{here}']")).to_be_focused()


def test_help_tells_the_keys(page, address, shoot):
    page.goto(address)
    page.wait_for_selector(".tile")
    page.keyboard.press("?")
    page.wait_for_selector("dialog.help kbd:text-is('Delete')")
    settled(page)
    shoot(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.click("button[aria-label=Help]")
    page.click("dialog.help .primary")
    page.wait_for_selector("dialog", state="detached")


# ---- for everybody


VIEWS = {
    "first": ("", ".tile"),
    "search": (f"?q={TEXT}&word=1&w=1,1,2,1,0,1,1,1", "regard-map.lit"),
    "unknown": (f"?q={UNKNOWN}&folder=drawn", ".unknown-note"),
    "nothing": (f"?q={NO_MATCH}", ".no-match"),
    "photo": (f"?q={TEXT}", ".tile"),
    "help": ("", ".suggested button"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(chromium, address, view, scheme):
    if not AXE.exists():
        pytest.skip("axe is not there; run `npm ci` in src/regard/web/ui")
    path, ready = VIEWS[view]
    with watched(chromium, address, color_scheme=scheme) as page:
        page.goto(f"{address}/{path}")
        page.wait_for_selector(ready)
        if view == "photo":
            page.click(".tile a >> nth=0")
            page.wait_for_selector("dialog .captions li")
        if view == "help":
            page.click("button[aria-label=Help]")
        settled(page)
        assert found_by_axe(page) == []


def found_by_axe(page):
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    violations = page.evaluate("axe.run().then(result => result.violations)")
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in violations]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1280, 1440, 1920])
def test_every_width_holds_everything_in_both_themes(chromium, address, shoot, width, scheme):
    size = {"width": width, "height": 900}
    with watched(chromium, address, viewport=size, color_scheme=scheme) as page:

        def check(name):
            settled(page)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name
            if AXE.exists():
                assert found_by_axe(page) == [], name
            shoot(page, f"-{name}")

        page.goto(address)
        page.wait_for_selector(".suggested button")
        check("first")
        search(page, address, TEXT)
        page.click("button[aria-label=Filters]")
        page.click(".chip .label >> nth=0")
        check("search")
        page.keyboard.press("Escape")
        page.click(".tile a >> nth=0")
        page.wait_for_selector("dialog .captions li")
        page.click("text=Details")
        check("photo")
