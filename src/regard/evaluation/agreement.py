"""How far similarities agree with people on how well sentences describe photos.

People wrote the captions, and that is all that is needed of them: every photo of a split is paired
with two captions of photos near it and with two of any others, and how well a caption fits is told
by how like the photo's own captions it is (cosines of mean states of the sentence encoder, in four
grades, for most captions fit not at all). Near are the ten photos whose captions are most like its
own. All pairs are ordered together: Kendall's tau-c (Stuart 1953). The photo's own captions, over
near ones, over others, are told apart besides; that a photo or a sentence is similar to everything
disturbs this, but people do find that a common photo or a plain sentence fits more.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from regard.core.attention import l2norm
from regard.core.padding import some_of
from regard.datasets.captions import Captions
from regard.datasets.dataset import Dataset
from regard.errors import ShapeError
from regard.evaluation.similarity import check_features, embed_photos
from regard.model.encoded import EncodedImages
from regard.model.model import Model
from regard.shapes import Float, Int
from regard.words.states import STATE_DIM, padded_states
from regard.words.tokens import tokenize

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of what similarities are lowered by to rank."""
NEAR = 10
OWN, NEARBY, OTHER = 2, 1, 0
_DRAWN = ((OWN, 1), (NEARBY, 2), (OTHER, 2))
_GRADES = (0.7, 0.9, 0.97)  # shares of pairs below each grade but the lowest
_AT_ONCE = 500  # sentences
_PAIRS_AT_ONCE = 80  # few, for each photo of a block meets each sentence of it


class Pairs(NamedTuple):
    """Pairs of a photo and a caption, and how well they fit."""

    photo: Int[np.ndarray, " pair"]
    caption: Int[np.ndarray, " pair"]
    kind: Int[np.ndarray, " pair"]
    """Whose caption it is."""
    likeness: Float[np.ndarray, " pair"]
    """Cosine with the photo's captions."""


class Parts(NamedTuple):
    """What similarities of pairs are made of."""

    attention: Float[np.ndarray, " pair"]
    discount: Float[np.ndarray, " pair"]
    """What is taken off them to rank."""

    def at(self, weight: float) -> Float[np.ndarray, " pair"]:
        """Similarities from which this much of it is taken off."""
        return self.attention - weight * self.discount


class Agreement(NamedTuple):
    """Kendall's tau-c, in per cent."""

    likeness: float
    """With how like the photo's own captions near and other captions are."""
    kinds: float
    """With own over near over other captions."""


def draw_pairs(captions: Captions, seed: int = 0) -> Pairs:
    """Five captions for every photo.

    Raises:
        ShapeError: there are too few photos for some to be near and others not.
    """
    count, owner = len(captions.photos), captions.photo_of_caption
    if count <= 2 * NEAR:
        raise ShapeError(
            f"there are {count} photos; there must be more than {2 * NEAR}, so that some are "
            "near each other and others are not. Use a larger split."
        )
    sentences = _sentence_vectors(captions.sentences)
    means = np.zeros((count, STATE_DIM), np.float32)
    np.add.at(means, owner, sentences)
    means = l2norm(means, -1)
    generator, drawn = np.random.default_rng(seed), []
    for photo, alike in enumerate(means @ means.T):
        alike[photo] = -np.inf
        among = {OWN: np.array([photo]), NEARBY: np.argsort(-alike)[:NEAR]}
        among[OTHER] = np.delete(np.arange(count), photo)
        for kind, number in _DRAWN:
            for other in generator.choice(among[kind], number):
                drawn.append((photo, generator.choice(np.flatnonzero(owner == other)), kind))
    photos, rows, kinds = np.array(drawn).T
    likeness = np.einsum("ps,ps->p", means[photos], sentences[rows])
    return Pairs(photos, rows, kinds, likeness)


def _sentence_vectors(sentences: Sequence[str]) -> Float[np.ndarray, "cap state"]:
    made = []
    for part in some_of(len(sentences), _AT_ONCE):
        states = padded_states([tokenize(text) for text in sentences[part]])
        made.append(l2norm(states.sum(1), -1))  # words past a sentence's end are zeros
    return np.concatenate(made)


def parts_of(model: Model, dataset: Dataset, pairs: Pairs) -> Parts:
    """What a model makes of pairs.

    Raises:
        CheckpointError: it was trained on features of another kind.
    """
    check_features(model, dataset)
    vectors, counts = embed_photos(model, dataset)
    attention, discount = np.zeros((2, len(pairs.photo)), np.float32)
    sentences = dataset.captions.sentences
    for block in some_of(len(pairs.photo), _PAIRS_AT_ONCE):
        photos, places = np.unique(pairs.photo[block], return_inverse=True)
        images = EncodedImages(vectors[photos], counts[photos], (), ())
        captions = model.encode_captions([sentences[row] for row in pairs.caption[block]])
        plain = model.similarity(images, captions, background=False)
        attention[block] = plain[places, np.arange(len(places))]
        sums = images.vectors.sum(1), captions.vectors.sum(1)
        of_pairs = model.discounts_of_sums(*sums, captions.counted)
        discount[block] = of_pairs[places, np.arange(len(places))]
    return Parts(attention, discount)


def agreement(scores: Float[np.ndarray, " pair"], pairs: Pairs) -> Agreement:
    """How far scores of pairs agree with people's captions."""
    others = pairs.kind != OWN
    likeness = pairs.likeness[others]
    grades = np.digitize(likeness, np.quantile(likeness, _GRADES))
    return Agreement(tau_c(scores[others], grades), tau_c(scores, pairs.kind))


def choose(model: Model, dataset: Dataset) -> dict[str, float] | None:
    """How much of what ranks is best taken off similarities that are to agree with people.

    Returns:
        `lowered`, that weight; `tau_c` with it, and `tau_c_ranking` of what ranks. None where there
        are too few photos to tell.
    """
    if len(dataset.captions.photos) <= 2 * NEAR:
        return None
    pairs = draw_pairs(dataset.captions)
    parts = parts_of(model, dataset, pairs)
    found = {weight: agreement(parts.at(weight), pairs).likeness for weight in WEIGHTS}
    lowered = max(WEIGHTS, key=lambda weight: (found[weight], -weight))
    return {"lowered": lowered, "tau_c": found[lowered], "tau_c_ranking": found[1.0]}


def tau_c(scores: Float[np.ndarray, " pair"], grades: Int[np.ndarray, " pair"]) -> float:
    """Kendall's tau-c of scores with grades, in per cent."""
    levels, more = np.unique(grades), 0
    for low, high in combinations(levels, 2):
        below, above = np.sort(scores[grades == low]), scores[grades == high]
        right = np.searchsorted(below, above, "left").sum()
        wrong = len(below) * len(above) - np.searchsorted(below, above, "right").sum()
        more += int(right - wrong)
    kinds = min(len(levels), len(np.unique(scores)))
    return 100 * 2 * kinds * more / (len(scores) ** 2 * max(kinds - 1, 1))
