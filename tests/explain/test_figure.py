"""Figures of any shape: everything inside the page, nothing on top of another, bright where due."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from regard.core.scoring import Scoring
from regard.errors import ConfigError, ShapeError
from regard.explain import Explanation, WordExplanation
from regard.explain.explanation import WordLabel
from regard.explain.figure import brightness, draw_figure, save_figure
from regard.model.encoded import EncodedCaption
from regard.model.explaining import explain
from regard.regions.pyramid import pyramid_boxes
from regard.store.region_store import Regions


def explanation(words, size, seed=0):
    rng = np.random.default_rng(seed)
    regions, vectors = rng.normal(size=(36, 16)), rng.normal(size=(len(words) + 2, 16))
    regions /= np.linalg.norm(regions, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    boxes = pyramid_boxes() * np.array([*size, *size])
    photo = Regions(regions, boxes, np.ones(36), *size)
    return explain(photo, EncodedCaption(("<start>", *words, "<end>"), vectors), Scoring())


def photo(size):
    return Image.new("RGB", size, (200, 200, 200))


def rendered(figure):
    """The figure's pixels, and the extents of its pictures and texts in them."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, page = canvas.get_renderer(), figure.axes[0]
    pictures = [image.get_window_extent(renderer) for image in page.images]
    writing = [text.get_window_extent(renderer) for text in page.texts if text.get_text()]
    return np.asarray(canvas.buffer_rgba())[..., :3], pictures, writing


def written(figure):
    """Every line of text on the page."""
    return [text.get_text() for text in figure.axes[0].texts]


SIZES = [(640, 480), (300, 900), (2000, 400), (64, 64), (90, 3000), (3000, 90)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_nothing_leaves_the_page_or_covers_another(size, count):
    words = [("photographers", "a", "dog", "on")[n % 4] for n in range(count)]
    figure = draw_figure(explanation(words, size), photo(size), " ".join(words))
    figure.dpi = 50  # where things stand does not depend on it
    pixels, pictures, writing = rendered(figure)
    assert len(pictures) == count + 1
    height, width = pixels.shape[:2]
    for box in [*pictures, *writing]:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    boxes = [box.shrunk(0.99, 0.99).extents for box in [*pictures, *writing]]
    left, bottom, right, top = np.array(boxes).T[:, :, None]
    overlaps = (left < right.T) & (right > left.T) & (bottom < top.T) & (top > bottom.T)
    assert not np.triu(overlaps, 1).any()


def test_words_are_titled_and_sentence_ends_are_only_in_the_sum():
    why = explanation(["a", "dog"], (60, 40))
    texts = written(draw_figure(why, photo((60, 40)), "A dog"))
    assert {"A dog", "photo", "a", "dog"} <= set(texts)
    assert "<start>" not in texts
    numbers = next(text for text in texts if text.startswith("similarity"))
    assert f"{abs(why.similarity):.3f}" in numbers
    assert f"sentence ends {abs(why.sentence_ends_share):.3f}" in numbers
    word = why.sentence_words[1]
    assert any(f"{abs(word.relevance):.2f} · share" in text for text in texts)


def test_words_found_by_what_a_region_looks_like_are_said_above():
    why = explanation(["a", "cup", "coffee"], (60, 40))
    label = WordLabel("espresso", 0.83, 2.0)
    words = [replace(w, label=label if w.word in ("cup", "coffee") else None) for w in why.words]
    texts = written(draw_figure(replace(why, words=tuple(words)), photo((60, 40)), "A cup"))
    assert "Found by what a region looks like: cup, coffee (espresso, 83 %)." in " ".join(texts)
    assert "Found by" not in " ".join(written(draw_figure(why, photo((60, 40)), "A cup")))


def single(shares, size, focus):
    """Words that all look at one region with weight 1, with given shares."""
    boxes = pyramid_boxes() * np.array([*size, *size])
    cosines = np.where(np.arange(36) == focus, 1.0, -1.0)
    attention = (np.arange(36) == focus).astype(float)
    words = tuple(WordExplanation("w", 0.5, share, attention, cosines) for share in shares)
    return Explanation(sum(shares), words, boxes, size)


def test_panels_are_bright_where_the_word_looks_and_as_it_counts():
    size = (400, 300)
    focus = 14  # the top left of the 4 x 4 boxes
    figure = draw_figure(single([0.4, 0.1], size, focus), photo(size), "w w")
    pixels, pictures, _ = rendered(figure)
    top = pixels.shape[0]

    def shade(panel, across, down):
        box = pictures[panel]
        x, y = box.x0 + across * box.width, top - box.y1 + down * box.height
        return pixels[int(y), int(x)].mean()

    assert shade(0, 0.15, 0.15) == pytest.approx(200, abs=2)  # the photo as it is
    assert shade(1, 0.15, 0.15) > 180  # near the middle of the word's box
    assert shade(1, 0.8, 0.8) == pytest.approx(200 * brightness(np.zeros(1))[0], abs=2)
    assert shade(2, 0.15, 0.15) < shade(1, 0.15, 0.15) - 40  # a lesser word is darker
    assert shade(2, 0.15, 0.15) > shade(2, 0.8, 0.8) + 40  # but shows where it looks


@pytest.mark.parametrize(("suffix", "begins"), [
    (".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG"),
])  # fmt: skip
def test_files_by_suffix(tmp_path, suffix, begins):
    path = tmp_path / "below" / f"figure{suffix}"
    save_figure(explanation(["dog"], (60, 40)), photo((60, 40)), "dog", path)
    assert path.read_bytes().startswith(begins)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.png, \.svg, \.pdf"):
        save_figure(explanation(["dog"], (60, 40)), photo((60, 40)), "d", tmp_path / "figure.bmp")


def test_any_text_is_drawn_as_it_is(tmp_path):
    words = ["$x_1^$", "犬", "\\frac", "%", "a" * 300]
    path = tmp_path / "odd.png"
    save_figure(explanation(words, (60, 40)), photo((60, 40)), " ".join(words), path)
    with Image.open(path) as image:
        assert image.width > 100


def test_a_score_below_zero_is_told_without_per_cent():
    why = single([-0.2, 0.1], (60, 40), 0)
    texts = written(draw_figure(why, photo((60, 40)), "w w"))
    assert "cosine 0.50 · share −0.200" in texts
    assert "similarity −0.100 = words −0.100 + sentence ends 0.000" in texts


def test_the_same_input_gives_the_same_file(tmp_path):
    why = explanation(["dog", "cat"], (60, 40))
    for suffix in (".png", ".pdf"):
        files = [tmp_path / f"{n}{suffix}" for n in range(2)]
        for path in files:
            save_figure(why, photo((60, 40)), "dog cat", path)
        assert files[0].read_bytes() == files[1].read_bytes(), suffix


def test_photos_decoded_smaller_give_the_same_picture():
    why = explanation(["dog"], (600, 400))
    gradient = Image.linear_gradient("L").resize((600, 400)).convert("RGB")
    large, small = (
        rendered(draw_figure(why, image, "dog"))[0].astype(int)
        for image in (gradient, gradient.resize((450, 300)))
    )
    assert np.abs(large - small).mean() < 1


def test_without_boxes_there_is_no_figure():
    words = tuple(WordExplanation(w, 0.5, 0.5, np.ones(2) / 2, np.zeros(2)) for w in "ab")
    why = Explanation(1.0, words, np.zeros((0, 4)), (0, 0))
    with pytest.raises(ShapeError, match="explanation has no boxes"):
        draw_figure(why, photo((60, 40)), "a b")


def test_matplotlib_state_is_left_alone():
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    draw_figure(explanation(["dog"], (60, 40)), photo((60, 40)), "dog").savefig(io.BytesIO())
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
