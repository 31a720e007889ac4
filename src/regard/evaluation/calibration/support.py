"""Can a photo show what a word names? Captions with one word exchanged, to fit and measure that.

In a caption one word that names something gives its place to such a word of other captions that
none of the photo's own captions uses. The photo should support the first and not the second.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from regard.backbones.support import Support
from regard.datasets.captions import Captions
from regard.datasets.dataset import Dataset
from regard.evaluation.calibration.curve import fit_logistic
from regard.explain.explanation import UNSUPPORTED
from regard.model.judgement import WordCurve
from regard.model.model import Model
from regard.shapes import Bool, Float, Int
from regard.words.function_words import naming_words
from regard.words.tokens import tokenize

_MOST = 2000  # captions
_ATTEMPTS = 20
_LEAST = 20  # exchanges, to fit three weights to
_AT_ONCE = 256  # photos


class Exchange(NamedTuple):
    """A caption with one word exchanged."""

    photo: int
    said: tuple[str, ...]
    exchanged: tuple[str, ...]
    position: int
    """Of the word, from 0."""


class WordCases(NamedTuple):
    """Words in their sentences, and whether each is true of its photo."""

    evidence: Float[np.ndarray, "word 3"]
    """As of `Model.evidence`."""
    true: Bool[np.ndarray, " word"]


class SupportReport(NamedTuple):
    """How well support tells true words from exchanged ones."""

    ranked: float
    """Per cent of (true, exchanged) pairs of words in which the true one has more support."""
    true_flagged: float
    """Per cent of true words said to be unsupported."""
    exchanged_flagged: float
    """Per cent of exchanged words said to be unsupported."""
    words: int

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        return self._asdict()


def draw_exchanges(captions: Captions, seed: int = 0) -> list[Exchange]:
    """At most 2,000 captions with one word exchanged, drawn at random."""
    generator = np.random.default_rng(seed)
    tokens = [tuple(tokenize(sentence)) for sentence in captions.sentences]
    naming = [word for words in tokens for word in compress(words, naming_words(words))]
    used: dict[int, set[str]] = {}
    for words, photo in zip(tokens, captions.photo_of_caption.tolist(), strict=True):
        used.setdefault(photo, set()).update(words)
    exchanges: list[Exchange] = []
    for row in generator.permutation(len(tokens)):
        words, photo = tokens[row], int(captions.photo_of_caption[row])
        places = np.flatnonzero(naming_words(words)).tolist()
        drawn = generator.integers(len(naming), size=_ATTEMPTS) if naming else ()
        other = next((naming[n] for n in drawn if naming[n] not in used[photo]), None)
        if not places or other is None:
            continue
        place = int(generator.choice(places))
        exchange = Exchange(photo, words, (*words[:place], other, *words[place + 1 :]), place)
        if _is_cut_alike(exchange):
            exchanges.append(exchange)
        if len(exchanges) == _MOST:
            break
    return exchanges


def _is_cut_alike(exchange: Exchange) -> bool:
    """Whether both sentences, written out, come apart into the same words again."""
    both = exchange.said, exchange.exchanged
    return all(tokenize(" ".join(words)) == list(words) for words in both)


def word_cases(
    model: Model,
    vectors: Float[np.ndarray, "photo region dim"],
    counts: Int[np.ndarray, " photo"],
    exchanges: Sequence[Exchange],
) -> WordCases:
    """What tells of every true word whether the photo shows it, then of exchanged ones.

    Args:
        vectors: embedded regions of the captions' photos.
        counts: regions of each photo.
    """
    evidence = []
    for sentences in ([e.said for e in exchanges], [e.exchanged for e in exchanges]):
        embedded = model.encode_captions([" ".join(words) for words in sentences])
        for words, exchange in zip(embedded.directions, exchanges, strict=True):
            word = words[exchange.position + 1][None]  # after <start>
            regions = vectors[exchange.photo, : counts[exchange.photo]]
            evidence.append(model.evidence(word, [regions])[0, 0])
    return WordCases(np.array(evidence), np.repeat([True, False], len(exchanges)))


def fit_words(cases: WordCases) -> WordCurve:
    """The most likely curve."""
    slope, mean, deviation, intercept = fit_logistic(cases.evidence, cases.true)
    return WordCurve(slope, intercept, mean, deviation)


def fit_support(model: Model, dataset: Dataset) -> Support | None:
    """What a backbone's words are to be held against; None where too few captions name anything."""
    exchanges = draw_exchanges(dataset.captions)
    if len(exchanges) < _LEAST:
        return None
    photos = sorted({exchange.photo for exchange in exchanges})
    rows = np.concatenate(
        [
            model.encode_features(*dataset.gather(np.array(photos[start : start + _AT_ONCE])))
            for start in range(0, len(photos), _AT_ONCE)
        ]
    )
    usual = rows[:, 0].mean(0)
    inputs = []
    for sentences in ([e.said for e in exchanges], [e.exchanged for e in exchanges]):
        words = model.encode_captions([" ".join(some) for some in sentences]).directions
        for exchange, row in zip(exchanges, words, strict=True):
            word = row[exchange.position + 1]  # after <sentence>
            whole, *regions = rows[photos.index(exchange.photo)] @ word
            inputs.append((max(regions), whole, usual @ word))
    true = np.repeat([True, False], len(exchanges))
    region, *others = fit_logistic(np.array(inputs), true)
    if region < 0:
        region, others = 0.0, fit_logistic(np.array(inputs)[:, 1:], true)
    return Support(usual[:-1], region, *others[:-1])


def report(curve: WordCurve, cases: WordCases) -> SupportReport:
    """Measure support on words its curve was not fitted to."""
    support = curve.probability(cases.evidence)
    flagged: Bool[np.ndarray, " word"] = support < UNSUPPORTED
    true, exchanged = support[cases.true], np.sort(support[~cases.true])
    above = np.searchsorted(exchanged, true, "left") + np.searchsorted(exchanged, true, "right")
    return SupportReport(
        float(100 * above.mean() / (2 * len(exchanged))),
        float(100 * flagged[cases.true].mean()),
        float(100 * flagged[~cases.true].mean()),
        len(cases.true),
    )
