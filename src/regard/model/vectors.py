"""A model that is not ours, by the vectors it gives: scored, explained and judged like one that is.

Knows two functions and a way of scoring. Knows nothing of how anybody's vectors come about.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from regard.core.attention import l2norm
from regard.core.padding import pad
from regard.core.scoring import DEFAULT_SCORING, Scoring
from regard.device import PROCESSOR
from regard.errors import ShapeError
from regard.explain.explanation import Explanation
from regard.model.encoded import EncodedCaption, EncodedCaptions, EncodedImages
from regard.model.explaining import explain
from regard.model.scores import similarities_on
from regard.shapes import Float, Int
from regard.store.shards import Regions

Vectors = Float[np.ndarray, "row dim"]


class VectorModel:
    """Any model that gives vectors to regions and to words and compares them as `Scoring` can say.

    Vectors are brought to length 1, since attention compares cosines; with pooling `weighted`
    those of words keep their length, which is their weight.

    Args:
        regions: (R, F) features of one photo, float32, to their (R, D) vectors.
        words: a sentence to its words and their (W, D) vectors, one for each.
        scoring: how regions and words become a similarity.
    """

    ranks_wholes = False

    def __init__(
        self,
        regions: Callable[[Float[np.ndarray, "region feature"]], Vectors],
        words: Callable[[str], tuple[Sequence[str], Vectors]],
        scoring: Scoring = DEFAULT_SCORING,
    ) -> None:
        self.scoring = scoring
        """How regions and words become a similarity."""
        self._regions, self._words = regions, words

    def encode_features(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Vectors of the regions of photos; rows past each photo's count come back as zeros.

        Raises:
            ShapeError: a function gave no vector for a region, or several.
        """
        pairs = zip(features, np.asarray(counts).tolist(), strict=True)
        vectors, _ = pad([self._looked_at(photo[:count]) for photo, count in pairs])
        missing = features.shape[1] - vectors.shape[1]
        return np.pad(vectors, ((0, 0), (0, missing), (0, 0)))

    def _looked_at(self, features: Float[np.ndarray, "region feature"]) -> Vectors:
        vectors = np.asarray(self._regions(np.asarray(features, np.float32)))
        return _of_length_one(_checked(vectors, len(features), "regions"))

    def encode_captions(self, sentences: str | Iterable[str]) -> EncodedCaptions:
        """Words of sentences with their vectors.

        Raises:
            ShapeError: a function gave other than one vector for each word.
        """
        several = [sentences] if isinstance(sentences, str) else list(sentences)
        read = [self._words(sentence) for sentence in several]
        given = [_checked(np.asarray(vectors), len(words), "words") for words, vectors in read]
        keep = self.scoring.pooling == "weighted"
        vectors, lengths = pad([rows if keep else _of_length_one(rows) for rows in given])
        return EncodedCaptions(vectors, lengths, tuple(tuple(words) for words, _ in read))

    def similarity(
        self, images: EncodedImages, captions: EncodedCaptions, *, background: bool = False
    ) -> Float[np.ndarray, "image cap"]:
        """Similarity of every photo with every sentence, in float32; higher is better.

        Args:
            background: there is none to take off, whatever is asked for.

        Raises:
            ShapeError: the two sides have vectors of other lengths, or NaN or infinity in them.
        """
        del background
        return similarities_on(PROCESSOR, images, captions, self.scoring)

    def explain(self, photo: Regions, caption: EncodedCaption) -> Explanation:
        """What every word saw in a photo, and its share of the similarity.

        Args:
            photo: with the vectors that `encode_features` gave.

        Raises:
            ShapeError: there is no region or no word, or boxes do not fit the regions.
        """
        return explain(photo, caption, self.scoring)

    def explain_features(
        self,
        features: Float[np.ndarray, "region feature"],
        sentence: str,
        boxes: Float[np.ndarray, "region 4"] | None = None,
        size: tuple[int, int] = (0, 0),
    ) -> Explanation:
        """Take the similarity of one photo, given by its features, and a sentence apart.

        Args:
            boxes: x1, y1, x2, y2 of each region in pixels; None where they are unknown.
            size: width and height of the photo in pixels, for its figure.

        Raises:
            ShapeError: as for `explain` and `encode_captions`.
        """
        vectors = self._looked_at(features)
        places = np.empty((0, 4), np.float32) if boxes is None else np.asarray(boxes, np.float32)
        photo = Regions(vectors, places, np.ones(len(vectors), np.float32), *size)
        return self.explain(photo, self.encode_captions(sentence).caption(0))


def _of_length_one(vectors: Vectors) -> Vectors:
    unit: Vectors = l2norm(vectors.astype(np.float32), dim=-1)
    return unit


def _checked(vectors: Vectors, count: int, what: str) -> Vectors:
    if vectors.ndim != 2 or len(vectors) != count or not count:
        raise ShapeError(
            f"vectors of {what} are of shape {vectors.shape} for {count} {what}; there must be at "
            f"least one of them, and a row for each. Correct the function that gives {what}."
        )
    return vectors
