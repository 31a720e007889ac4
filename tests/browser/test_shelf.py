"""All photos by month, favourites, searches of before, words to type, folders added."""

from browser.conftest import api, expect_order, order, search, settled, watched
from PIL import Image, ImageEnhance
from playwright.sync_api import expect
from search.conftest import draw

from regard.indexing import update_index
from regard.photos import samples

TEXT = "a cat looks at the camera"


def test_photos_stand_by_month_and_a_slider_leads_to_each(chromium, live, photos, model, shoot):
    for number, taken in enumerate(("2019:05:01", "2019:05:20", "2021:08:02")):
        draw(photos / f"dated/{number}.png", 50 + number, (90, 60), f"{taken} 09:00:00")
    update_index(photos.parent / "other", photos, model, workers=1)
    with watched(chromium, live) as page:
        page.goto(live)
        page.wait_for_selector(".tile >> nth=5")
        settled(page)
        expect(page.locator(".line")).to_have_text(["August 2021", "May 2019", "No date"])
        scrubber = page.locator(".scrubber input")
        expect(scrubber).to_have_attribute("aria-valuetext", "August 2021, 1 photo")
        shoot(page)
        scrubber.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**at=2019-05**")
        expect(page.locator(".tile")).to_have_count(5)
        expect(page.locator(".line")).to_have_text(["May 2019", "No date"])
        page.click(".tile a >> nth=0")
        page.wait_for_selector(".place:text-is('2 of 6')")
        page.keyboard.press("Escape")
        page.click("text=Newer photos")
        page.wait_for_selector(".tile >> nth=5")


def test_favourites_are_marked_and_filtered_by(page, address, shoot):
    search(page, address, TEXT)
    first, second = order(page)[:2]
    page.hover(".tile >> nth=0")
    page.click(".tile >> nth=0 >> .heart")
    page.wait_for_selector(".tile >> nth=0 >> .heart.on")
    page.focus(f"a[data-id='{second}']")
    page.keyboard.press("l")
    page.wait_for_selector(".tile >> nth=1 >> .heart.on")
    page.click(f"a[data-id='{second}']")
    page.click("dialog [aria-label=Favourite][aria-pressed=true]")
    page.wait_for_selector("dialog [aria-label=Favourite][aria-pressed=false]")
    page.keyboard.press("Escape")
    page.click("button[aria-label=Filters]")
    page.click("text=Favourites")
    expect_order(page, [first])
    settled(page)
    shoot(page)
    save = page.locator("text=Save as a list")
    expect(save).to_have_attribute("href", "/api/v1/favourites.txt")
    page.hover(".tile >> nth=0")
    page.click(".tile >> nth=0 >> .heart")
    page.wait_for_selector(".heart:not(.on)")
    assert api(page, address, "photos?favourites=true")["total"] == 0


def test_near_duplicates_stand_together(chromium, live, photos, model, shoot):
    for path in photos.iterdir():
        path.unlink()
    samples.copy_samples(photos)
    with Image.open(photos / "cat.jpg") as cat:
        ImageEnhance.Brightness(cat).enhance(1.1).save(photos / "edited.jpg")
    update_index(photos.parent / "other", photos, model, workers=1)
    with watched(chromium, live) as page:
        page.goto(live)
        page.wait_for_selector(".tile >> nth=11")
        page.click("button[aria-label=Filters]")
        page.click("text=Near-duplicates")
        page.wait_for_selector(".line:has-text('2 photos, nearly the same')")
        settled(page)
        names = [
            alt.split(",")[0]
            for alt in page.eval_on_selector_all(
                ".tile img", "images => images.map(({ alt }) => alt)"
            )
        ]
        place = min(names.index("cat.jpg"), names.index("edited.jpg"))
        assert set(names[place : place + 2]) == {"cat.jpg", "edited.jpg"}
        expect(page.locator(".status")).to_contain_text("nothing is ever deleted")
        shoot(page)
        page.go_back()
        page.wait_for_selector(".tile >> nth=11")


def test_searches_are_remembered_and_saved(page, address, shoot):
    search(page, address, "a cup of coffee")
    page.click("text=Save this search")
    page.wait_for_selector("button[aria-pressed=true]:text-is('Saved')")
    page.fill("#q", TEXT)
    page.press("#q", "Enter")
    page.wait_for_selector(".chip:has-text('camera')")
    settled(page)
    page.goto(address)
    page.wait_for_selector(".suggested:has-text('Saved') button:text-is('a cup of coffee')")
    page.wait_for_selector(f".suggested:has-text('Recent') button:text-is('{TEXT}')")
    settled(page)
    shoot(page)
    page.click(".suggested:has-text('Saved') button")
    page.wait_for_selector(".chip:has-text('coffee')")


def test_words_for_what_photos_show_are_offered_while_typing(page, address):
    page.goto(address)
    page.wait_for_selector(".tile")
    name = api(page, address, "things")["things"][0]["name"].lower()
    page.locator("#q").press_sequentially(f"a photo of {name[:3]}")
    page.wait_for_selector(f"#offers option[value='a photo of {name}']", state="attached")


def test_a_folder_is_added_from_the_page(chromium, live, photos, shoot):
    more = photos.parent / "more"
    for seed in (41, 42):
        draw(more / f"{seed}.png", seed)
    with watched(chromium, live) as page:
        page.goto(live)
        page.wait_for_selector(".tile >> nth=2")
        page.click("text=Add a folder of photos")
        page.fill("#folder", "no folder at all")
        page.click(".add-folder button")
        page.wait_for_selector(".problem:has-text('not a folder on this machine')")
        page.fill("#folder", str(more))
        page.click(".add-folder button")
        page.wait_for_selector(f".indexing:has-text('2 photos added from {more}')")
        shoot(page)
        page.click(".fresh button:has-text('2 new photos')")
        page.wait_for_selector(".tile >> nth=4")
