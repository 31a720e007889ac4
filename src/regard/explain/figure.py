"""The paper's figure: the photo, and one panel a word, bright where that word looks.

Brightness is the word's heat map times the word's importance. A frame marks the region that
fits the map best, a bar the word's share of the similarity. Brightness, a light frame with a
dark rim and bar length carry everything; no meaning hangs on telling colours apart.

Uses matplotlib's objects, not its global state, so it may be called from any thread.
"""

import textwrap
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from regard.errors import ConfigError, ShapeError
from regard.explain.explanation import UNSCORED, Explanation, WordExplanation
from regard.explain.maps import best_region, heat_map, region_scores
from regard.shapes import Float
from regard.words.special import WHOLE

SUFFIXES = (".png", ".svg", ".pdf")
_DPI = 160
_PAGE_WIDTH = 13.0  # inches; rows wrap here
_MIN_WIDTH = 6.4  # inches; room for a title above one or two panels
_PANEL_AREA, _MANY = 3.8, 12  # square inches of a panel; of more panels each gets less
_PANEL_WIDTH, _PANEL_HEIGHT = (1.7, 5.0), 3.0  # inches: least and most wide, most high
_GAP, _MARGIN, _CAPTION = 0.28, 0.35, 0.62  # inches
_DARKEST = 0.2  # brightness where a word does not look
_LEAST_IMPORTANT = 0.35  # brightness factor of a word that adds nothing
_INK, _SOFT, _TRACK, _POSITIVE, _NEGATIVE = "#1a1a1a", "#5f6368", "#e4e4e4", "#0072b2", "#d55e00"
_FRAME = "#ffe45c"
_INSET = 0.022  # inches; a frame along the border stays visible
_TITLE_CHARACTERS, _TOTAL_CHARACTERS, _LEGEND_CHARACTERS = 7.2, 11.5, 14.5  # an inch
_TITLE_LINE, _LINE = 0.29, 0.2  # inches from line to line
_LEGEND = (
    "Brightness: where the word looks, times the word's importance. Frame: the region that fits "
    "best. Bar: the word's share of the similarity."
)
_FONT = "DejaVu Sans"  # comes with matplotlib


class _Layout(NamedTuple):
    """Where things stand, in inches from the top left."""

    width: float
    height: float
    columns: int
    panel: tuple[float, float]
    """Width and height of a panel's cell."""
    picture: tuple[float, float]
    """Width and height of the picture in its cell, in the shape of the photo."""
    top: float
    """Where the first row begins."""
    title: list[str]
    total: list[str]
    """The similarity as a sum, in lines."""
    legend: list[str]

    def corner(self, number: int) -> tuple[float, float]:
        """Top left of the cell of panel `number`."""
        row, column = divmod(number, self.columns)
        step_x, step_y = self.panel[0] + _GAP, self.panel[1] + _CAPTION + _GAP
        return _MARGIN + column * step_x, self.top + row * step_y

    def picture_corner(self, number: int) -> tuple[float, float]:
        """Top left of the picture, which is centred in its cell."""
        x, y = self.corner(number)
        return x + (self.panel[0] - self.picture[0]) / 2, y


def draw_figure(explanation: Explanation, photo: Image.Image, sentence: str) -> Figure:
    """Draw the figure of an explanation.

    Args:
        photo: upright; any resolution, its shape that of the original.
        sentence: the title.

    Raises:
        ShapeError: the explanation has no boxes to draw.
    """
    if not len(explanation.boxes):
        raise ShapeError(
            "explanation has no boxes; a figure must know where each region is. Use regions "
            "that were extracted from photos, or print the numbers instead."
        )
    layout = _lay_out(explanation, sentence)
    figure = Figure((layout.width, layout.height), dpi=_DPI, facecolor="white")
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, layout.width), ylim=(layout.height, 0))
    page.set_axis_off()
    _write(page, layout)
    pixels = _in_pixels_of(layout.picture, photo)
    _draw_picture(page, layout, 0, pixels)
    _caption(page, layout, 0, "photo", "", weight="normal")
    for number, (word, importance) in enumerate(_shown(explanation), 1):
        _draw_word(page, layout, number, pixels, explanation, importance)
        _bar(page, layout, number, word, explanation)
        _caption(page, layout, number, word.word, _figures(word, explanation))
    return figure


def save_figure(
    explanation: Explanation, photo: Image.Image, sentence: str, path: str | Path
) -> None:
    """Draw the figure into a PNG, SVG or PDF file, by the path's suffix.

    Raises:
        ConfigError: another suffix.
        ShapeError: the explanation has no boxes.
    """
    path = Path(path)
    check_suffix(path)
    figure = draw_figure(explanation, photo, sentence)
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = {".pdf": {"CreationDate": None}}.get(path.suffix.lower())  # same input, same file
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # drawn as a small box
        figure.savefig(path, metadata=stamp)


def check_suffix(path: Path) -> None:
    """Refuse a figure's path that is no PNG, SVG or PDF.

    Raises:
        ConfigError: it is none of these.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"figure is {path.name!r}; it must end in {', '.join(SUFFIXES)}. Rename it."
        )


# ---- what stands where


def _shown(explanation: Explanation) -> list[tuple[WordExplanation, float]]:
    """Words with a panel and their importance: all that add something, if any does."""
    words = zip(explanation.sentence_words, explanation.importance.tolist(), strict=True)
    return [pair for pair in words if pair[0].share or not explanation.words_are_scored]


def _lay_out(explanation: Explanation, sentence: str) -> _Layout:
    aspect = explanation.size[0] / explanation.size[1]
    count = len(_shown(explanation)) + 1
    area = _PANEL_AREA * min(1.0, _MANY / count)
    width = float(np.clip(np.sqrt(area * aspect), *_PANEL_WIDTH))
    panel = width, min(width / aspect, _PANEL_HEIGHT)
    picture = min(width, panel[1] * aspect), panel[1]
    most = max(1, int((_PAGE_WIDTH - 2 * _MARGIN + _GAP) / (width + _GAP)))
    rows = -(-count // most)
    columns = -(-count // rows)
    inner = columns * (width + _GAP) - _GAP
    page = max(_MIN_WIDTH, inner + 2 * _MARGIN)
    room = page - 2 * _MARGIN
    title = textwrap.wrap(sentence, int(room * _TITLE_CHARACTERS)) or [""]
    total = textwrap.wrap(_sum(explanation), int(room * _TOTAL_CHARACTERS))
    legend = textwrap.wrap(_LEGEND, int(room * _LEGEND_CHARACTERS))
    top = _MARGIN + _TITLE_LINE * len(title) + _LINE * len(total) + 0.12
    bottom = _LINE * len(legend) + _MARGIN
    height = top + rows * (panel[1] + _CAPTION + _GAP) + bottom
    return _Layout(page, height, columns, panel, picture, top, title, total, legend)


def _sum(explanation: Explanation) -> str:
    ends = explanation.sentence_ends_share
    words = explanation.similarity - ends
    unseen = ", ".join(explanation.unsupported)
    alike = "; ".join(
        f"{', '.join(words)} ({label})" for label, words in explanation.words_by_label.items()
    )
    rest = "the whole sentence" if explanation.words[0].word == WHOLE else "sentence ends"
    return (
        f"similarity {_signed(explanation.similarity, 3)} = words {_signed(words, 3)} "
        f"{'+' if ends >= 0 else '−'} {rest} {abs(ends):.3f}"
        + f". {UNSCORED}" * (not explanation.words_are_scored)
        + f". No region shows: {unseen}." * bool(unseen)
        + f"{'' if unseen else '.'} Found by what a region looks like: {alike}." * bool(alike)
    )


def _figures(word: WordExplanation, explanation: Explanation) -> str:
    """The numbers under a word: its cosine and its share, in per cent where that has a sense."""
    cosine = f"cosine {_signed(word.relevance, 2)}"
    if not explanation.words_are_scored:
        return f"{cosine} · not scored"
    if explanation.similarity <= 0:
        return f"{cosine} · share {_signed(word.share, 3)}"
    return f"{cosine} · share {_signed(100 * word.share / explanation.similarity, 0)} %"


def _signed(value: float, digits: int) -> str:
    """A number with a true minus sign, and without a minus before zero."""
    text = f"{value:.{digits}f}"
    return f"{abs(value):.{digits}f}" if float(text) == 0 else text.replace("-", "−")


# ---- drawing: everything on one set of axes whose unit is an inch, y downwards


def _text(page: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """A line of text on a baseline; never read as mathematics."""
    page.text(x, y, text, fontfamily=_FONT, parse_math=False, va="baseline", **style)


def _write(page: Axes, layout: _Layout) -> None:
    """The sentence and the similarity above, and the legend below the panels."""
    y = _MARGIN + 0.12
    for line in layout.title:
        _text(page, _MARGIN, y, line, fontsize=15, color=_INK, fontweight="bold")
        y += _TITLE_LINE
    for line in layout.total:
        _text(page, _MARGIN, y, line, fontsize=11, color=_SOFT)
        y += _LINE
    y = layout.height - _MARGIN - _LINE * (len(layout.legend) - 1)
    for line in layout.legend:
        _text(page, _MARGIN, y, line, fontsize=8.5, color=_SOFT)
        y += _LINE


def _in_pixels_of(picture: tuple[float, float], photo: Image.Image) -> Float[np.ndarray, "y x 3"]:
    """The photo as colours 0..1, in the pixels its picture has on the page."""
    columns, rows = (max(1, round(side * _DPI)) for side in picture)
    resized = photo.convert("RGB").resize((columns, rows), Image.Resampling.LANCZOS)
    return np.asarray(resized, np.float32) / 255


def _draw_picture(
    page: Axes, layout: _Layout, number: int, pixels: Float[np.ndarray, "y x 3"]
) -> None:
    (x, y), (width, height) = layout.picture_corner(number), layout.picture
    page.imshow(pixels, extent=(x, x + width, y + height, y), aspect="auto")


def _draw_word(
    page: Axes,
    layout: _Layout,
    number: int,
    pixels: Float[np.ndarray, "y x 3"],
    explanation: Explanation,
    importance: float,
) -> None:
    """A word's panel: the photo lit by the word's map, and the region that fits it framed."""
    word, boxes, size = _shown(explanation)[number - 1][0], explanation.boxes, explanation.size
    grid = pixels.shape[1], pixels.shape[0]
    heat = heat_map(region_scores([word]), boxes, size, grid) ** 2
    light = heat * (_LEAST_IMPORTANT + (1 - _LEAST_IMPORTANT) * importance)
    _draw_picture(page, layout, number, pixels * brightness(light)[..., None])
    corner, picture = np.array(layout.picture_corner(number)), np.array(layout.picture)
    box = boxes[best_region(heat, boxes, size)].reshape(2, 2) / size * picture
    low, high = np.maximum(box[0], _INSET), np.minimum(box[1], picture - _INSET)
    frame = Rectangle(corner + low, *(high - low), fill=False, color=_FRAME, lw=1.6)
    frame.set_path_effects([withStroke(linewidth=3.2, foreground="#000000a0")])
    page.add_patch(frame)


def brightness(light: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Factor for pixels from light 0..1: never quite black, so that the place stays readable."""
    factor: Float[np.ndarray, "*shape"] = _DARKEST + (1 - _DARKEST) * light
    return factor


def _bar(
    page: Axes, layout: _Layout, number: int, word: WordExplanation, explanation: Explanation
) -> None:
    """The word's share as a bar under its picture, relative to the largest share."""
    largest = max(abs(other.share) for other in explanation.sentence_words) or 1.0
    x, y = layout.corner(number)
    width = layout.panel[0]
    colour = _POSITIVE if word.share >= 0 else _NEGATIVE
    for length, fill in ((width, _TRACK), (width * abs(word.share) / largest, colour)):
        page.add_patch(Rectangle((x, y + layout.panel[1] + 0.06), length, 0.05, color=fill, lw=0))


def _caption(
    page: Axes, layout: _Layout, number: int, word: str, numbers: str, weight: str = "bold"
) -> None:
    """The word and its numbers, centred under its picture."""
    x, y = layout.corner(number)
    x, y = x + layout.panel[0] / 2, y + layout.panel[1]
    size = float(np.clip(layout.panel[0] * 72 / (0.72 * max(len(word), 1)), 7, 13))
    fits = int(layout.panel[0] * 72 / (0.66 * size))
    shown = word if len(word) <= fits else word[: fits - 1] + "…"
    _text(page, x, y + 0.34, shown, fontsize=size, color=_INK, fontweight=weight, ha="center")
    _text(page, x, y + 0.54, numbers, fontsize=8.5, color=_SOFT, ha="center")
