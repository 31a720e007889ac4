"""Which queries of an evaluation are worth a look: some at random, and the mistakes.

A query is right when a true answer comes first. Knows similarities and rows; knows nothing of
photos, sentences or pages.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from regard.shapes import Bool, Float, Int

SHOWN = 5  # best answers of a query


class Ranked(NamedTuple):
    """One query with its best answers."""

    query: int
    """Row of what was asked with: a photo or a sentence."""
    best: tuple[int, ...]
    """Rows of the best answers, best first."""
    right: tuple[bool, ...]
    """Which of them are true."""
    true: int
    """Row of the best true answer."""
    rank: int
    """Its rank, from 1; equals count against it."""


class Choice(NamedTuple):
    """Queries of one retrieval direction."""

    drawn: tuple[Ranked, ...]
    """At random."""
    worst: tuple[Ranked, ...]
    """Those whose first true answer is furthest down."""
    confident: tuple[Ranked, ...]
    """Those whose best answer is wrong and has the highest similarity of all such."""


def of_photos(
    scores: Float[np.ndarray, "image cap"],
    photo_of_caption: Int[np.ndarray, " cap"],
    count: int,
) -> Choice:
    """Photos as queries, sentences as answers.

    Args:
        count: queries of each kind.
    """
    true = np.arange(len(scores))[:, None] == photo_of_caption
    return _choose(scores, true, np.arange(len(scores)), count)


def of_sentences(
    scores: Float[np.ndarray, "image cap"],
    photo_of_caption: Int[np.ndarray, " cap"],
    count: int,
) -> Choice:
    """Sentences as queries, photos as answers; of each photo at most one sentence a kind."""
    true = photo_of_caption[:, None] == np.arange(len(scores))
    return _choose(scores.T, true, photo_of_caption, count)


def _choose(
    scores: Float[np.ndarray, "query answer"],
    true: Bool[np.ndarray, "query answer"],
    photo: Int[np.ndarray, " query"],
    count: int,
) -> Choice:
    best_true = np.where(true, scores, -np.inf).max(1)
    ranks = ((scores >= best_true[:, None]) & ~true).sum(1) + 1
    top = scores.max(1)
    wrong = np.flatnonzero(ranks > 1)
    drawn = np.random.default_rng(0).permutation(len(scores))
    worst = wrong[np.argsort(-ranks[wrong], kind="stable")]
    confident = wrong[np.argsort(-top[wrong], kind="stable")]
    kinds = (
        tuple(_ranked(scores[q], true[q], q, int(ranks[q])) for q in _distinct(rows, photo, count))
        for rows in (drawn, worst, confident)
    )
    return Choice(*kinds)


def _distinct(rows: Iterable[int], photo: Int[np.ndarray, " query"], count: int) -> list[int]:
    """The first rows that are of different photos."""
    first: dict[int, int] = {}
    for row in rows:
        if len(first) == count:
            break
        first.setdefault(int(photo[row]), int(row))
    return list(first.values())


def _ranked(
    scores: Float[np.ndarray, " answer"], true: Bool[np.ndarray, " answer"], query: int, rank: int
) -> Ranked:
    order = np.lexsort((true, -scores))[:SHOWN]  # equals: the wrong ones first, as ranks count
    best = int(np.where(true, scores, -np.inf).argmax())
    return Ranked(query, tuple(map(int, order)), tuple(map(bool, true[order])), best, rank)
