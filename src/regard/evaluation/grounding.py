"""Do words look where they should? Pointing game and box recall on Flickr30k Entities phrases.

A phrase is located by what its words say of a photo's regions, on average: those that name
something, or all where none does. How a point and a region come of that is given by the caller, so
that single regions and maps are judged alike. A point hits inside any of the phrase's boxes; a
region hits with an intersection over union of at least a half. Knows nothing of figures.
"""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.core.attention import attend
from regard.core.scoring import Scoring
from regard.datasets.dataset import BoxedDataset
from regard.errors import DataError
from regard.model.encoded import EncodedCaption
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.shapes import Float
from regard.store.shards import Regions
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

_UNREADABLE = (  # what a file raises that is cut, or is no such file
    *(OSError, EOFError, zlib.error, ValueError, RecursionError),
    *(AttributeError, LookupError, TypeError),
)
_ENOUGH_OVERLAP = 0.5
_PHOTOS_AT_ONCE = 64
_BASELINES = ("random_region", "photo_centre", "best_region")


class Evidence(NamedTuple):
    """What a model says about a phrase in a photo."""

    cosines: Float[np.ndarray, " region"]
    """Mean over the phrase's words."""
    attention: Float[np.ndarray, " region"]
    """Likewise."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels."""
    size: tuple[int, int]
    """Width and height of the photo in pixels."""
    pointing: Float[np.ndarray, " region"] | None = None
    """Likewise, of models that learned to point."""


class Answer(NamedTuple):
    """Where a phrase is said to be."""

    point: tuple[float, float]
    """x and y in pixels."""
    region: int


Locate = Callable[[Evidence], Answer]


class Phrase(NamedTuple):
    """A phrase of a caption with its true places."""

    caption: str
    words: tuple[int, ...]
    """Places, among the caption's words with <start>, of its words that name something; of all
    its words where none does."""
    boxes: Float[np.ndarray, "box 4"]
    """In units of the photo's width and height."""
    kinds: tuple[str, ...]


class _Hits(NamedTuple):
    point: float
    region: float


def most_attended(evidence: Evidence) -> Answer:
    """The middle of the region with the largest attention."""
    return _middle(evidence, int(evidence.attention.argmax()))


def most_similar(evidence: Evidence) -> Answer:
    """The middle of the region with the largest cosine."""
    return _middle(evidence, int(evidence.cosines.argmax()))


def _middle(evidence: Evidence, region: int) -> Answer:
    x1, y1, x2, y2 = (float(v) for v in evidence.boxes[region])
    return Answer(((x1 + x2) / 2, (y1 + y2) / 2), region)


def read_phrases(path: Path, photos: set[str]) -> dict[str, list[Phrase]]:
    """Phrases with boxes, by photo.

    Args:
        path: JSON lines, gzipped or not: file, captions with phrases, boxes_norm.
        photos: those wanted.

    Raises:
        DataError: the file is missing or not of that form, or speaks of none of the photos.
    """
    phrases_of: dict[str, list[Phrase]] = {}
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                tree = json.loads(line)
                if tree["file"] in photos:
                    phrases_of[tree["file"]] = list(_phrases(tree))
    except _UNREADABLE as error:
        raise DataError(
            f"phrases in {str(path)!r} cannot be read ({error}); they must be JSON lines with "
            "file, captions and boxes_norm. Check the path."
        ) from None
    if not any(phrases_of.values()):
        raise DataError(
            f"{path} has no boxed phrase of these photos; it must speak of the same photos. "
            "Check the split."
        )
    return phrases_of


def _phrases(tree: dict[str, Any]) -> Iterator[Phrase]:
    """Phrases whose words can be found among the caption's tokens."""
    for caption in tree["captions"]:
        tokens = [tokenize(word) for word in caption["caption"].split()]
        flat = tokenize(caption["caption"])
        if flat != [t for word in tokens for t in word]:
            continue  # cut differently as a whole: positions would be wrong
        starts = np.concatenate([[0], np.cumsum([len(t) for t in tokens])]).astype(int)
        for phrase in caption["phrases"]:
            boxes = tree["boxes_norm"].get(phrase["id"])
            if boxes:
                first = phrase["first_word"]
                last = first + len(phrase["phrase"].split())
                span = range(int(starts[first]), int(starts[min(last, len(tokens))]))
                words = [place for place in span if names_something(flat[place])] or span
                places = tuple(place + 1 for place in words)  # after <start>
                kinds = tuple(phrase["types"])
                yield Phrase(caption["caption"], places, np.array(boxes, float), kinds)


def phrase_vectors(model: Model, phrases: Sequence[Phrase]) -> Float[np.ndarray, "phrase dim"]:
    """The mean direction of every phrase's words, each word read in its whole caption."""
    captions = sorted({phrase.caption for phrase in phrases})
    row_of = {caption: row for row, caption in enumerate(captions)}
    words = model.encode_captions(captions).directions
    return np.stack(
        [_counted(words[row_of[phrase.caption], list(phrase.words)]).mean(0) for phrase in phrases]
    )


def _counted(words: Float[np.ndarray, "word dim"]) -> Float[np.ndarray, "word dim"]:
    """Without those whose vector is 0, unless all are."""
    counted = words.any(-1)
    return words[counted] if counted.any() else words


class Grounding:
    """Hits of several ways to locate, gathered phrase by phrase."""

    def __init__(self, ways: Mapping[str, Locate]) -> None:
        self.ways = ways
        self.phrases = 0
        self._hits: dict[str, list[_Hits]] = defaultdict(list)
        self._by_kind: dict[str, list[int]] = defaultdict(list)

    def add(self, phrase: Phrase, evidence: Evidence) -> None:
        """Judge a phrase by what a model says of it."""
        answers = {name: locate(evidence) for name, locate in self.ways.items()}
        self.judge(phrase, evidence.boxes, evidence.size, answers)

    def judge(
        self,
        phrase: Phrase,
        boxes: Float[np.ndarray, "region 4"],
        size: tuple[int, int],
        answers: Mapping[str, Answer],
    ) -> None:
        """Judge where a phrase is said to be, by way."""
        width, height = size
        true = phrase.boxes * np.array([width, height, width, height])
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        pointed = np.array([_inside(x, y, true) for x, y in middles])
        covered = _overlap(boxes, true).max(1) >= _ENOUGH_OVERLAP
        for name, answer in answers.items():
            hit = _Hits(_inside(*answer.point, true), bool(covered[answer.region]))
            self._hits[name].append(hit)
        self._hits["random_region"].append(_Hits(float(pointed.mean()), float(covered.mean())))
        self._hits["photo_centre"].append(
            _Hits(_inside(width / 2, height / 2, true), bool(covered[_widest(boxes)]))
        )
        self._hits["best_region"].append(_Hits(bool(pointed.any()), bool(covered.any())))
        for kind in phrase.kinds:
            self._by_kind[kind].append(self.phrases)
        self.phrases += 1

    def tree(self, shown: str) -> dict[str, Any]:
        """The stable JSON form.

        Args:
            shown: the way whose figures stand first.
        """
        hits = np.array(self._hits[shown])
        kinds = {kind: hits[rows] for kind, rows in sorted(self._by_kind.items())}
        return {
            **_figures(hits),
            "phrases": self.phrases,
            "way": shown,
            "ways": {
                name: _figures(np.array(hits))
                for name, hits in self._hits.items()
                if name not in _BASELINES
            },
            "baselines": {name: _figures(np.array(self._hits[name])) for name in _BASELINES},
            "types": {k: {**_figures(h), "phrases": len(h)} for k, h in kinds.items()},
        }


def ground(
    model: Model,
    dataset: BoxedDataset,
    entities: Path,
    ways: Mapping[str, Locate],
    progress: Progress = silent,
) -> Grounding:
    """Judge a model on every boxed phrase of a split's photos.

    Args:
        entities: file of phrases, see `read_phrases`.
        ways: names of ways to locate; `most_attended` and `most_similar` are single regions.
        progress: told how many photos are done of how many.

    Raises:
        DataError: the phrases cannot be read or are of other photos.
    """
    photos = dataset.captions.photos
    phrases = read_phrases(entities, set(photos))
    grounding = Grounding(ways)
    for start in range(0, len(photos), _PHOTOS_AT_ONCE):
        rows = range(start, min(start + _PHOTOS_AT_ONCE, len(photos)))
        _ground_some(model, dataset, {r: phrases.get(photos[r], []) for r in rows}, grounding)
        progress(min(start + _PHOTOS_AT_ONCE, len(photos)), len(photos))
    return grounding


def _ground_some(
    model: Model, dataset: BoxedDataset, phrases: dict[int, list[Phrase]], grounding: Grounding
) -> None:
    captions = sorted({p.caption for some in phrases.values() for p in some})
    if not captions:
        return
    row_of = {caption: row for row, caption in enumerate(captions)}
    embedded = model.encode_captions(captions)
    photos = model.embed([dataset.regions_of(photo) for photo in phrases])
    for regions, some in zip(photos, phrases.values(), strict=True):
        for phrase in some:
            caption = embedded.caption(row_of[phrase.caption])
            grounding.add(phrase, _evidence(model, regions, caption, list(phrase.words)))


def _evidence(
    model: Model, regions: Regions, caption: EncodedCaption, places: list[int]
) -> Evidence:
    """What a model says about some words of a caption, on average over those that count."""
    places = [place for place in places if caption.vectors[place].any()] or places
    words = caption.directions
    cosines = words @ regions.vectors.T  # (W, R)
    attention = _attention(cosines, model.scoring)[places].mean(0)
    boxes, size, pointing = regions.boxes, regions.size, None
    if model.pointer is not None:
        pointing = model.pointer.scores(words[places], regions.vectors, boxes, size).mean(0)
    return Evidence(cosines[places].mean(0), attention, boxes, size, pointing)


def _attention(
    cosines: Float[np.ndarray, "word region"], scoring: Scoring
) -> Float[np.ndarray, "word region"]:
    """How much each word and region have to do with each other, a row summing to 1."""
    asking = cosines if scoring.direction == "t2i" else cosines.T
    query, context = (np.ones(count, bool) for count in asking.shape)
    weights: np.ndarray = attend(asking, query, context, scoring)
    if scoring.direction == "i2t":
        weights = weights.T / weights.T.sum(1, keepdims=True)
    return weights


def _figures(hits: np.ndarray) -> dict[str, float]:
    point, region = 100 * hits.mean(0)
    return {"pointing_accuracy": float(point), "box_recall@1": float(region)}


def _inside(x: float, y: float, boxes: Float[np.ndarray, "box 4"]) -> bool:
    x1, y1, x2, y2 = boxes.T
    return bool(((x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)).any())


def _overlap(
    ours: Float[np.ndarray, "region 4"], true: Float[np.ndarray, "box 4"]
) -> Float[np.ndarray, "region box"]:
    """Intersection over union."""
    a, b = ours[:, None], true[None]
    sides = (np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])).clip(0)
    inside = sides.prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    overlap: np.ndarray = inside / np.maximum(areas - inside, 1e-9)
    return overlap


def _widest(boxes: Float[np.ndarray, "region 4"]) -> int:
    return int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax())
