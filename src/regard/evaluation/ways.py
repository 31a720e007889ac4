"""Ways to explain a similarity, told alike so that they can be judged alike.

shares      this program's own (`Model.explain`): words' shares and what they look at, the map that
            people are shown, the support of a word
attention   how much each word looks at each region, and nothing else
cosines     the cosine of each word and each region, before any attention
gradients   gradient times input of the similarity: of words, of regions and, of what the gradient
            leaves to a word, of regions again; needs torch

Knows the numbers of one photo and one sentence. Knows nothing of data sets or of figures.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from regard.core.attention import paired_similarity
from regard.core.scoring import Scoring
from regard.errors import ConfigError
from regard.evaluation.grounding import Answer
from regard.explain.explanation import Explanation
from regard.explain.maps import best_region, heat_map, map_grid, peak, region_scores
from regard.extras import bring
from regard.model.encoded import EncodedCaption, EncodedCaptions, EncodedImages
from regard.shapes import Float, Int
from regard.store.shards import Regions

_LONGEST = 32  # cells of a map along the photo's longer side
_SHARPNESS = 10.0  # of cosines as scores of a map, as in `explain.maps`


class Explains(Protocol):
    """What can be judged: a `Model`, a `VectorModel`, or anything else that does this much."""

    @property
    def ranks_wholes(self) -> bool:
        """Whether it ranks by whole photos, so that regions do not make its score."""

    @property
    def scoring(self) -> Scoring:
        """How regions and words become a similarity."""

    def encode_features(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Vectors of regions."""

    def encode_captions(self, sentences: list[str], /) -> EncodedCaptions:
        """Words and their vectors."""

    def similarity(
        self, images: EncodedImages, captions: EncodedCaptions, *, background: bool
    ) -> Float[np.ndarray, "image cap"]:
        """By attention alone, without a background."""

    def explain(self, photo: Regions, caption: EncodedCaption, /) -> Explanation:
        """A similarity taken apart."""


class Told(NamedTuple):
    """What a way says of a photo and a sentence."""

    similarity: float
    """What is explained."""
    shares: Float[np.ndarray, " word"] | None
    """What each word adds to it; None of ways that do not say."""
    regions: Float[np.ndarray, " region"]
    """How much each region counts for the sentence."""
    maps: Callable[[list[int]], Float[np.ndarray, " region"]]
    """How much each region counts for the words in these places, at least 0."""
    evidence: Float[np.ndarray, " word"]
    """How far the photo shows what each word names."""
    unsupported: list[bool | None]
    """Whether each word is told as shown by no region; None where nothing is told."""


Way = Callable[[Explains, Regions, EncodedCaption], Told]


def by_shares(model: Explains, photo: Regions, caption: EncodedCaption) -> Told:
    """By this program's own explanation."""
    why = model.explain(photo, caption)
    looked = sum((max(word.share, 0.0) * word.attention for word in why.words), np.zeros(1))
    evidence = [word.cosines.max() if word.support is None else word.support for word in why.words]
    return Told(
        why.similarity,
        np.array([word.share for word in why.words]),
        np.asarray(looked),
        lambda places: region_scores([why.words[place] for place in places]),
        np.array(evidence),
        [None if word.support is None else word.is_unsupported for word in why.words],
    )


def by_attention(model: Explains, photo: Regions, caption: EncodedCaption) -> Told:
    """By attention alone: of words that count, alike."""
    why = model.explain(photo, caption)
    attention = np.stack([word.attention for word in why.words])
    return _matrix(why, attention, attention, caption)


def by_cosines(model: Explains, photo: Regions, caption: EncodedCaption) -> Told:
    """By cosines alone: of words that count, alike."""
    why = model.explain(photo, caption)
    cosines = np.stack([word.cosines for word in why.words])
    return _matrix(why, cosines, np.exp(_SHARPNESS * cosines), caption)


def _matrix(
    why: Explanation,
    looked: Float[np.ndarray, "word region"],
    scores: Float[np.ndarray, "word region"],
    caption: EncodedCaption,
) -> Told:
    counted = np.asarray(caption.vectors).any(-1)
    return Told(
        why.similarity,
        None,
        looked[counted].sum(0),
        lambda places: scores[places].mean(0),
        looked.max(1),
        [None] * len(looked),
    )


def by_gradients(model: Explains, photo: Regions, caption: EncodedCaption) -> Told:
    """By gradient times input.

    Raises:
        ConfigError: torch is not installed.
    """
    similarity, shares, regions, maps = gradients(
        np.asarray(photo.vectors, np.float64),
        np.asarray(caption.vectors, np.float64),
        model.scoring,
    )
    return Told(
        similarity,
        shares,
        regions,
        lambda places: maps[places].mean(0).clip(0),
        maps.max(1),
        [None] * len(maps),
    )


def gradients(
    regions: Float[np.ndarray, "region dim"],
    words: Float[np.ndarray, "word dim"],
    scoring: Scoring,
) -> tuple[
    float,
    Float[np.ndarray, " word"],
    Float[np.ndarray, " region"],
    Float[np.ndarray, "word region"],
]:
    """The similarity, and vectors times their gradients: of words, regions, and both.

    Raises:
        ConfigError: torch is not installed.
    """
    bring("torch", "train", "gradients")
    import torch

    photo, sentence = (torch.tensor(one[None], requires_grad=True) for one in (regions, words))
    seen, read = (torch.ones(one.shape[:2], dtype=torch.bool) for one in (photo, sentence))
    similarity = paired_similarity(photo, sentence, seen, read, scoring).sum()
    of_photo, of_words = torch.autograd.grad(similarity, (photo, sentence), create_graph=True)
    shares = (of_words * sentence).sum(-1)[0]
    each = torch.eye(len(shares), dtype=shares.dtype)
    (of_shares,) = torch.autograd.grad(shares, photo, each, is_grads_batched=True)
    found = (shares, (of_photo * photo).sum(-1)[0], (of_shares * photo).sum(-1)[:, 0])
    told_shares, told_regions, told_maps = (one.detach().numpy() for one in found)
    return float(similarity.detach()), told_shares, told_regions, told_maps


WAYS: dict[str, Way] = {
    "shares": by_shares,
    "attention": by_attention,
    "cosines": by_cosines,
    "gradients": by_gradients,
}
"""By name."""
OWN = {"shares": by_shares}
"""This program's own."""


def ways_of(names: list[str]) -> dict[str, Way]:
    """The ways of some names.

    Raises:
        ConfigError: there is none of a name.
    """
    for name in names:
        if name not in WAYS:
            raise ConfigError(
                f"way to explain is {name!r}; it must be one of {', '.join(WAYS)}. Name one."
            )
    return {name: WAYS[name] for name in names}


def from_map(
    scores: Float[np.ndarray, " region"],
    boxes: Float[np.ndarray, "region 4"],
    size: tuple[int, int],
) -> Answer:
    """The brightest place of the map that regions' scores make, and the region that fits it."""
    heat = heat_map(scores, boxes, size, map_grid(size, _LONGEST))
    return Answer(peak(heat, size), best_region(heat, boxes, size))
