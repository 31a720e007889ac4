"""One static page that shows an evaluation: right and wrong answers, and why.

Knows photos, sentences and how a model explains itself; pictures are embedded as data, so the
page is one file. Which queries are shown is chosen by `mistakes`; `gallery.html` beside this
file has its looks.
"""

import base64
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np
from PIL import Image

from regard.datasets.dataset import StoreDataset
from regard.errors import DataError
from regard.evaluation.report import Report
from regard.explain.explanation import Explanation, WordExplanation, strongest_words
from regard.explain.maps import heat_map, region_scores
from regard.model.model import Model
from regard.photos.decode import read_photo
from regard.progress import Progress, silent
from regard.shapes import Float
from regard.store.atomic import write_bytes
from regard.studies.mistakes import Choice, Ranked, of_photos, of_sentences

_TEMPLATE = Path(__file__).with_name("gallery.html")
_WIDE, _SMALL = 360, 168  # pixels of a picture's longer side: on its own, and lit by a word
_QUALITY = 80
_MAPS = 3  # words of an explanation whose map is drawn
_DARKEST = 0.22  # brightness where a word does not look


class Material(NamedTuple):
    """What a page is made from."""

    model: Model
    """The model that explains; of an ensemble the first."""
    dataset: StoreDataset
    images: Path
    """Folder of the photos."""
    scores: Float[np.ndarray, "image cap"]
    """Similarities, of an ensemble the mean."""
    report: Report


def write_gallery(
    folder: Path,
    material: Material,
    count: int = 8,
    progress: Progress = silent,
) -> Path:
    """Write the page `index.html` into a folder.

    Args:
        count: photos and sentences of each kind.
        progress: told how many queries are drawn of how many.

    Raises:
        DataError: the folder of photos is not there.
        PhotoError: a photo cannot be read.
    """
    if not material.images.is_dir():
        raise DataError(
            f"photos are looked for in {str(material.images)!r}; it must be a folder. "
            "Name it with --images."
        )
    owner = material.dataset.captions.photo_of_caption
    photos = of_photos(material.scores, owner, count)
    sentences = of_sentences(material.scores, owner, count)
    page = _Page(material)
    parts = {
        "photos_drawn": (page.of_photo, photos.drawn),
        "sentences_drawn": (page.of_sentence, sentences.drawn),
        "photos_worst": (page.photo_mistake, photos.worst),
        "sentences_worst": (page.sentence_mistake, sentences.worst),
        "photos_confident": (page.photo_mistake, photos.confident),
        "sentences_confident": (page.sentence_mistake, sentences.confident),
    }
    total, done = sum(len(queries) for _, queries in parts.values()), 0
    filled = {}
    for name, (draw, queries) in parts.items():
        drawn = []
        for query in queries:
            drawn.append(draw(query))
            done += 1
            progress(done, total)
        filled[name] = "\n".join(drawn) or "<p>None: every first answer is right.</p>"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    contents = template.substitute(filled, **_summary(material, photos, sentences))
    write_bytes(path, contents.encode("utf-8"))
    return path


def _summary(material: Material, photos: Choice, sentences: Choice) -> dict[str, str]:
    """Texts of the page's head."""
    report = material.report
    rows = []
    for name, direction, interval in (
        ("image→text", report.retrieval.caption_retrieval, report.intervals.caption_retrieval),
        ("text→image", report.retrieval.image_retrieval, report.intervals.image_retrieval),
    ):
        cells = "".join(
            f"<td>{value:.1f} <small>{interval[k][0]:.1f} to {interval[k][1]:.1f}</small></td>"
            for k, value in direction.recall.items()
        )
        rows.append(f"<tr><th scope=row>{name}</th>{cells}<td>{direction.median_rank:g}</td></tr>")
    return {
        "models": html.escape(material.model.source or "a model"),
        "others": f" and {report.models - 1} more" * (report.models > 1),
        "split": html.escape(report.split),
        "images": f"{report.images:,}",
        "captions": f"{report.captions:,}",
        "rsum": f"{report.retrieval.rsum:.1f}",
        "rsum_interval": "{:.1f} to {:.1f}".format(*report.intervals.rsum),
        "rows": "".join(rows),
        "found_photos": str(sum(query.rank == 1 for query in photos.drawn)),
        "found_sentences": str(sum(query.rank == 1 for query in sentences.drawn)),
        "count": str(len(photos.drawn)),
    }


class _Page:
    """Draws queries; reads and shrinks every photo once."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._captions = material.dataset.captions
        self._kept: dict[int, Image.Image] = {}

    # ---- pictures

    def _photo(self, row: int) -> Image.Image:
        if row not in self._kept:
            path = self._material.images / self._captions.photos[row]
            image = read_photo(path, _WIDE).image.copy()
            image.thumbnail((_WIDE, _WIDE), Image.Resampling.LANCZOS)
            self._kept[row] = image
        return self._kept[row]

    def _picture(self, row: int, alt: str = "") -> str:
        image = self._photo(row)
        return _img(image, alt or f"photo {self._captions.photos[row]}")

    def _lit(self, row: int, word: WordExplanation, why: Explanation) -> str:
        """The photo, bright where a word looks."""
        small = self._photo(row).copy()
        small.thumbnail((_SMALL, _SMALL), Image.Resampling.LANCZOS)
        heat = heat_map(region_scores([word]), why.boxes, why.size, small.size) ** 2
        light = (_DARKEST + (1 - _DARKEST) * heat)[..., None]
        pixels = np.asarray(small.convert("RGB"), np.float32) * light
        return _img(Image.fromarray(pixels.astype(np.uint8)), f"where “{word.word}” looks")

    # ---- queries

    def of_photo(self, query: Ranked) -> str:
        """A photo with its best sentences, right and wrong marked."""
        lines = [
            self._sentence(query.query, row, right=right)
            for row, right in zip(query.best, query.right, strict=True)
        ]
        if query.rank > len(query.best):
            lines.append(self._sentence(query.query, query.true, right=True, rank=query.rank))
        return (
            f'<article class="card of-photo"><figure>{self._picture(query.query)}</figure>'
            f"<ol>{''.join(lines)}</ol></article>"
        )

    def of_sentence(self, query: Ranked) -> str:
        """A sentence with its best photos, the true one framed."""
        cells = [
            self._answer(row, query.query, right=right, rank=rank)
            for rank, (row, right) in enumerate(zip(query.best, query.right, strict=True), 1)
        ]
        if query.rank > len(query.best):
            cells.append(self._answer(query.true, query.query, right=True, rank=query.rank))
        text = html.escape(self._captions.sentences[query.query])
        return (
            f'<article class="card of-sentence"><h3>{text}</h3>'
            f'<div class="answers">{"".join(cells)}</div></article>'
        )

    def photo_mistake(self, query: Ranked) -> str:
        """A photo, what the model said of it and what is true, each explained."""
        photo = query.query
        said = self._explained(photo, query.best[0], "Said", right=False, rank=1)
        true = self._explained(photo, query.true, "True", right=True, rank=query.rank)
        return (
            f'<article class="card mistake">{self._picture(photo)}<div>{said}{true}</div></article>'
        )

    def sentence_mistake(self, query: Ranked) -> str:
        """A sentence, the photo the model found for it and the true one, each explained."""
        text = html.escape(self._captions.sentences[query.query])
        sides = ((query.best[0], "Found", False, 1), (query.true, "True", True, query.rank))
        parts = "".join(
            f'<div class="side">{self._picture(photo)}'
            f"{self._explained(photo, query.query, name, right=right, rank=rank)}</div>"
            for photo, name, right, rank in sides
        )
        return f'<article class="card pair"><h3>{text}</h3>{parts}</article>'

    # ---- parts of them

    def _similarity(self, photo: int, sentence: int) -> str:
        return f"{self._material.scores[photo, sentence]:.2f}"

    def _sentence(self, photo: int, row: int, *, right: bool, rank: int = 0) -> str:
        text = html.escape(self._captions.sentences[row])
        apart, place = (" apart", f"rank {rank:,} · ") if rank else ("", "")
        return (
            f'<li class="{_kind(right)}{apart}">{_mark(right)}<span>{text}</span>'
            f'<span class="number">{place}{self._similarity(photo, row)}</span></li>'
        )

    def _answer(self, photo: int, sentence: int, *, right: bool, rank: int) -> str:
        name = f"rank {rank:,}"
        note = f"{_mark(right)}true, {name}" if right else name
        return (
            f'<figure class="{_kind(right)}">{self._picture(photo)}'
            f'<figcaption>{note}<span class="number">{self._similarity(photo, sentence)}</span>'
            "</figcaption></figure>"
        )

    def _explained(self, photo: int, row: int, name: str, *, right: bool, rank: int) -> str:
        why = self._explanation(photo, row)
        maps = "".join(
            f"<figure>{self._lit(photo, word, why)}<figcaption>{html.escape(word.word)}"
            f"</figcaption></figure>"
            for word in strongest_words([why], _MAPS)
        )
        words = "".join(_words(why.sentence_words))
        return (
            f'<section class="why {_kind(right)}"><p class="said">{_mark(right)}<b>{name}</b>'
            f" rank {rank:,}"
            f'<span class="number">{self._similarity(photo, row)}</span></p>'
            f'<p class="words">{words}</p><div class="maps">{maps}</div></section>'
        )

    def _explanation(self, photo: int, row: int) -> Explanation:
        model, dataset = self._material.model, self._material.dataset
        regions = model.embed([dataset.regions_of(photo)])[0]
        captions = model.encode_captions([self._captions.sentences[row]])
        return model.explain(regions, captions.caption(0))


def _words(words: Sequence[WordExplanation]) -> Iterator[str]:
    """Words of a sentence, each over a bar as long as its share."""
    largest = max((abs(word.share) for word in words), default=0) or 1.0
    for word in words:
        length = 100 * abs(word.share) / largest
        kind = "less" if word.share < 0 else "more"
        title = f"cosine {word.relevance:.2f}, share {word.share:.3f}"
        unseen = " unseen" * word.is_unsupported
        yield (
            f'<span class="word{unseen}" title="{title}">{html.escape(word.word)}'
            f'<i class="{kind}" style="width:{length:.0f}%"></i></span> '
        )


def _mark(right: bool) -> str:
    sign = "✓" if right else "✗"
    return f'<span class="mark" role="img" aria-label="{_kind(right)}">{sign}</span>'


def _kind(right: bool) -> str:
    return "right" if right else "wrong"


def _img(image: Image.Image, alt: str) -> str:
    """A picture as part of the page."""
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=_QUALITY, optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    size = f'width="{image.width}" height="{image.height}"'
    return (
        f'<img src="data:image/jpeg;base64,{data}" {size} alt="{html.escape(alt)}" loading="lazy">'
    )
