"""A model's explanations: regions, words, curves, discounts and the pointer joined.

What is taken off a similarity because photo or sentence are similar to everything is taken off
the shares of all its words alike, but for words that count for nothing: a share is then what the
word adds beyond that.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from regard.core.scoring import Scoring
from regard.core.shares import WordParts, word_parts
from regard.errors import ShapeError
from regard.explain.explanation import (
    Explanation,
    Label,
    WordExplanation,
    WordLabel,
)
from regard.model.encoded import EncodedCaption
from regard.model.encoders import Labels
from regard.model.pointer import Pointer
from regard.shapes import Float
from regard.store.shards import Regions
from regard.words.function_words import naming_words


def explain(
    photo: Regions,
    caption: EncodedCaption,
    scoring: Scoring,
    *,
    supports: Sequence[float | None] | None = None,
    discount: float = 0.0,
    pointer: Pointer | None = None,
    take_apart: Callable[..., WordParts] = word_parts,
) -> Explanation:
    """Take the similarity of one photo and one sentence apart.

    Args:
        photo: embedded; without boxes where they are unknown.
        supports: probability of each word that the photo shows what it names; None leaves it open.
        discount: taken off the similarity.
        pointer: says where words point; None leaves that open.
        take_apart: gives each word's share and what it saw.

    Raises:
        ShapeError: there is no region or no word, or words or boxes do not fit the vectors.
    """
    _check(photo, caption)
    regions = np.asarray(photo.vectors, np.float64)
    words = np.asarray(caption.vectors, np.float64)
    real = np.ones((1, len(regions)), bool), np.ones((1, len(words)), bool)
    parts = take_apart(regions[None], words[None], *real, scoring)
    share, relevance, attention = (part[0] for part in parts)
    cosines = np.asarray(caption.directions, np.float64) @ regions.T  # (W, R)
    supports = [None] * len(words) if supports is None else supports
    pointings = _pointings(pointer, photo, caption)
    taken_off = discount * caption.portions
    columns = (caption.words, relevance, share, taken_off, attention, cosines, supports, pointings)
    return Explanation(
        float(share.sum()) - discount,
        tuple(
            WordExplanation(word, float(saw), float(adds) - float(off), *rest)
            for word, saw, adds, off, *rest in zip(*columns, strict=True)
        ),
        np.asarray(photo.boxes),
        photo.size,
    )


def with_labels(
    explanation: Explanation, photo: Regions, caption: EncodedCaption, labels: Labels | None
) -> Explanation:
    """An explanation that says what regions look like, and what of it fits each word.

    Args:
        photo: embedded.
        labels: of the model; where it or the photo has none, nothing is said of that.
    """
    if photo.labels is None or labels is None:
        return explanation
    names, likely = labels.classes.names, photo.labels.likely
    looks = zip(photo.labels.classes[:, 0], likely[:, 0].tolist(), strict=True)
    naming = np.flatnonzero(naming_words([word.word for word in explanation.words])).tolist()
    best = [int(explanation.words[row].cosines.argmax()) for row in naming]
    vectors = np.asarray(photo.vectors[best], np.float32)
    added = labels.cosines(vectors, photo.labels.rows(best), caption.directions[naming])
    words = list(explanation.words)
    for row, region, parts in zip(naming, best, added, strict=True):
        most = int(parts.argmax())
        label = Label(names[photo.labels.classes[region, most]], float(likely[region, most]))
        words[row] = replace(words[row], label=WordLabel(*label, float(parts.sum())))
    return replace(
        explanation, words=tuple(words), looks=tuple(Label(names[c], p) for c, p in looks)
    )


def _pointings(
    pointer: Pointer | None, photo: Regions, caption: EncodedCaption
) -> Sequence[Float[np.ndarray, " region"] | None]:
    """Where words point: only those that name something, for pointers are taught by no others."""
    if pointer is None or not len(photo.boxes):
        return [None] * len(caption.words)
    vectors = np.asarray(photo.vectors, np.float32)
    scores = pointer.scores(caption.directions, vectors, photo.boxes, photo.size)
    return [
        row if names else None
        for names, row in zip(naming_words(caption.words), scores, strict=True)
    ]


def _check(photo: Regions, caption: EncodedCaption) -> None:
    regions, words, boxes = len(photo.vectors), len(caption.vectors), len(photo.boxes)
    if not regions or not words:
        raise ShapeError(
            f"there are {regions} regions and {words} words; there must be at least one of each. "
            "Look at the photo's regions and the sentence."
        )
    if len(caption.words) != words:
        raise ShapeError(
            f"there are {len(caption.words)} words for {words} word vectors; each vector must have "
            "its word. Cut padding off and keep <start> and <end>."
        )
    if boxes not in (0, regions):
        raise ShapeError(
            f"there are {boxes} boxes for {regions} regions; each region must have its box. "
            "Give none at all where they are unknown."
        )
