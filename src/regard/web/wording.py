"""A query's words as the API tells of them, and a similarity of a whole query taken apart.

A query may have several sentences with weights. Its words are those of all sentences in order;
its similarity is the weighted mean of the sentences', so a word's share counts by its sentence's
weight, and the shares of all words still sum to the similarity.
"""

from dataclasses import replace

import numpy as np

from regard.core.scoring import Scoring
from regard.explain.explanation import Explanation
from regard.explain.maps import region_scores
from regard.model.background import Answers
from regard.model.judgement import Verdict
from regard.search.encoded_query import EncodedQuery
from regard.search.query import Query
from regard.shapes import Float
from regard.store.shards import Regions
from regard.web import models
from regard.web.problems import ProblemError
from regard.words.function_words import names_something
from regard.words.special import MARKERS
from regard.words.tokens import tokenize

MOST_WORDS = 60


def parse(text: str) -> Query:
    """Read a query that was understood.

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


def words_of(query: EncodedQuery) -> list[models.Word]:
    """The words of a query, with the nearest known ones for those the model never read."""
    texts = [text for part in query.sentences for text in part.caption.words]
    unknown = query.model.unknown_words([text for text in texts if text not in MARKERS])
    return [
        models.Word(
            text=text.strip("<>") if text in MARKERS else text,
            marker=text in MARKERS,
            known=text not in unknown,
            names=names_something(text),
            nearest=unknown.get(text, []),
            sentence=number,
            weight=part.weight,
        )
        for number, part in enumerate(query.sentences)
        for text in part.caption.words
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


def maps_of(explanation: Explanation) -> models.Maps:
    """An explanation as the API tells of it."""
    scale = np.array([*explanation.size, *explanation.size], np.float64).clip(1)
    attention = np.stack([word.attention for word in explanation.words])  # (W, R)
    heat = np.stack([region_scores([word]) for word in explanation.words])
    parts = [
        models.WordPart(
            relevance=round(word.relevance, 6),
            share=round(word.share, 6),
            support=None if word.support is None else round(word.support, 4),
            label=None if word.label is None else _label(*word.label[:2]),
            by_label=word.is_found_by_label,
            read=[
                models.Read(text=line.text, box=(np.array(line.box) / scale).round(4).tolist())
                for line in word.read
            ],
        )
        for word in explanation.words
    ]
    return models.Maps(
        words=parts,
        attention=_rows(attention, 4),
        heat=_rows(heat / heat.max(1, keepdims=True).clip(1e-12), 3),
        boxes=_rows((explanation.boxes / scale).clip(0, 1), 4),
        unsupported=explanation.unsupported,
        looks_like=[_label(*look) for look in explanation.looks],
    )


def _label(name: str, probability: float) -> models.Label:
    return models.Label(name=name, probability=round(probability, 3))


def verdict_of(
    answers: Answers, verdict: Verdict | None, probability: float | None
) -> models.Verdict | None:
    """Whether photos or sentences that were found fit; None where it cannot be told.

    Args:
        probability: that one of them fits.
    """
    if verdict is None:
        return None
    good = verdict == "match"
    one = "photo" if answers == "photos" else "sentence"
    text = f"At least one {one} fits." if good else f"No sure match: perhaps no {one} fits."
    return models.Verdict(good=good, text=text, probability=probability)


def probability(
    query: EncodedQuery, photo: Regions, similarity: float, scoring: Scoring
) -> float | None:
    """That a query describes a photo; None where nothing was fitted to what was asked.

    Curves are fitted to single sentences, scored as the model scores.
    """
    if scoring != query.model.scoring:
        return None
    return query.judge([similarity], [photo], among=1)[0].probability


def _rows(values: Float[np.ndarray, "row value"], digits: int) -> list[list[float]]:
    rounded: list[list[float]] = np.round(np.asarray(values, np.float64), digits).tolist()
    return rounded
