"""A query's words as the API tells of them, and a similarity of a whole query taken apart.

A query may have several sentences with weights. Its words are those of all sentences in order;
its similarity is the weighted mean of the sentences', so a word's share counts by its sentence's
weight, and the shares of all words still sum to the similarity.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from regard.core.scoring import Scoring
from regard.explain.maps import region_scores
from regard.explain.numbers import Explanation, WordExplanation, explain
from regard.model.background import Answers
from regard.model.judgement import Judgement, Verdict
from regard.model.model import Model
from regard.search.query import Query
from regard.search.result import AskedSentence
from regard.store.region_store import Regions
from regard.web import models
from regard.web.problems import ProblemError
from regard.words.tokens import tokenize
from regard.words.vocabulary import END, START

MOST_WORDS = 60
_MARKERS = (START, END)


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        ProblemError: 422, a part has no word, or there are too many.
        DataError: it asks for nothing.
    """
    query = Query.parse(text)
    counts = [len(tokenize(part.text)) for part in query.sentences]
    if not all(counts):
        raise ProblemError(
            422,
            f"the sentence is {text!r}",
            "every part of it must have a word",
            "Write what the photo shows.",
        )
    if sum(counts) > MOST_WORDS:
        raise ProblemError(
            422,
            f"the sentence has {sum(counts)} words",
            f"at most {MOST_WORDS} can be read",
            "Shorten it.",
        )
    return query


def embed(model: Model, query: Query) -> tuple[AskedSentence, ...]:
    """Word vectors of a query's sentences."""
    found = model.encode_captions([part.text for part in query.sentences])
    return tuple(
        AskedSentence(part.weight, words, vectors[:length])
        for part, words, vectors, length in zip(
            query.sentences, found.words, found.vectors, found.lengths, strict=True
        )
    )


def tell_words(model: Model, sentences: tuple[AskedSentence, ...]) -> list[models.Word]:
    """The words of a query, with the nearest known ones for those the model never read."""
    texts = [text for part in sentences for text in part.words]
    unknown = model.unknown_words([text for text in texts if text not in _MARKERS])
    return [
        models.Word(
            text=text.strip("<>") if text in _MARKERS else text,
            marker=text in _MARKERS,
            known=text not in unknown,
            nearest=unknown.get(text, []),
            sentence=number,
            weight=part.weight,
        )
        for number, part in enumerate(sentences)
        for text in part.words
    ]


def rescored(
    scoring: Scoring, direction: models.Direction | None, temperature: float | None
) -> Scoring:
    """A model's scoring with another direction or λ1."""
    return replace(
        scoring,
        direction=direction or scoring.direction,
        lambda_softmax=temperature or scoring.lambda_softmax,
    )


def take_apart(
    photo: Regions,
    sentences: tuple[AskedSentence, ...],
    scoring: Scoring,
    judgement: Judgement,
) -> Explanation:
    """What every word of a query sees in a photo, and how its shares sum to the similarity.

    Args:
        judgement: of the model; words of sentences that are to be unlike the photo have no
            support.
    """
    regions = np.asarray(photo.vectors, np.float32)
    pixels = np.asarray(photo.boxes, np.float64)
    total = sum(abs(part.weight) for part in sentences)
    similarity = 0.0
    words: list[WordExplanation] = []
    for sentence in sentences:
        factor = sentence.weight / total
        curve = judgement.word if sentence.weight > 0 else None
        background = judgement.background
        lowered = background.discount(regions, sentence.vectors) if background else 0.0
        found = explain(
            regions,
            sentence.vectors,
            sentence.words,
            pixels,
            photo.size,
            scoring,
            word_curve=curve,
            discount=lowered,
        ).pointed(judgement.pointer, regions, sentence.vectors)
        similarity += factor * found.similarity
        words += [replace(word, share=factor * word.share) for word in found.words]
    return Explanation(similarity, tuple(words), pixels, photo.size)


def tell_maps(found: Explanation) -> models.Maps:
    """An explanation as the API tells of it."""
    scale = np.array([*found.size, *found.size], np.float64).clip(1)
    attention = np.stack([word.attention for word in found.words])  # (W, R)
    heat = np.stack([region_scores([word]) for word in found.words])
    parts = [
        models.WordPart(
            relevance=round(word.relevance, 6),
            share=round(word.share, 6),
            support=None if word.support is None else round(word.support, 4),
        )
        for word in found.words
    ]
    return models.Maps(
        words=parts,
        attention=_rows(attention, 4),
        heat=_rows(heat / heat.max(1, keepdims=True).clip(1e-12), 3),
        boxes=_rows((found.boxes / scale).clip(0, 1), 4),
        unsupported=found.unsupported,
    )


def tell_verdict(
    answers: Answers, said: Verdict | None, chance: float | None
) -> models.Verdict | None:
    """Whether photos or sentences that were found fit; None where it cannot be told.

    Args:
        said: in the judgement's words.
        chance: that one of them fits.
    """
    if said is None:
        return None
    good = said == "match"
    one = "photo" if answers == "photos" else "sentence"
    text = f"At least one {one} fits." if good else f"No good match: most likely no {one} fits."
    return models.Verdict(good=good, text=text, probability=chance)


def probability(
    model: Model,
    similarity: float,
    sentences: tuple[AskedSentence, ...],
    scoring: Scoring,
) -> float | None:
    """That a sentence describes a photo; None where the model's calibration says nothing of it.

    It is fitted to single sentences, scored as the model scores.
    """
    calibration = model.calibration
    if calibration is None or len(sentences) != 1 or scoring != model.scoring:
        return None
    return float(calibration.probability(np.array(similarity)))


def _rows(values: Float[np.ndarray, "row value"], digits: int) -> list[list[float]]:
    rounded: list[list[float]] = np.round(np.asarray(values, np.float64), digits).tolist()
    return rounded
