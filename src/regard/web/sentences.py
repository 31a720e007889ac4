"""Sentences for a photo: the best of a list, out of the server's own or one a reader brings."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.model.encoded import EncodedCaptions, EncodedImages
from regard.model.judgement import Judgement
from regard.model.model import Model
from regard.search.captions import BUILT_IN
from regard.search.encoded_query import EncodedQuery, WeightedCaption
from regard.web import models, wording
from regard.web.problems import ProblemError
from regard.web.subjects import Subject
from regard.web.suggest import suggest
from regard.words.tokens import tokenize

MOST_SENTENCES = 5000


class _Encoded(NamedTuple):
    sentences: list[str]
    captions: EncodedCaptions


def read_sentences(path: Path = BUILT_IN) -> list[str]:
    """Sentences of a text file, one per line.

    Raises:
        DataError: the file cannot be read, is empty, or has more than 5,000.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(
            f"sentences {str(path)!r} cannot be read ({error}); it must be a text file in UTF-8, "
            "one sentence per line. Check the path."
        ) from None
    sentences = usable(lines)
    if not 1 <= len(sentences) <= MOST_SENTENCES:
        raise DataError(
            f"{path} has {len(sentences)} sentences; it must have 1 to {MOST_SENTENCES}. "
            "Rank longer lists with `regard captions`."
        )
    return sentences


def usable(lines: Sequence[str]) -> list[str]:
    """Lines that have a word, each once and in order."""
    stripped = (" ".join(line.split()) for line in lines)
    return [line for line in dict.fromkeys(stripped) if tokenize(line)]


class SentenceRanker:
    """Ranks sentences for photos.

    Args:
        sentences: the server's own; embedded at the first question.
    """

    def __init__(self, model: Model, sentences: Sequence[str]) -> None:
        self._model = model
        self._sentences = list(sentences)
        self._encoded: _Encoded | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many sentences the server has."""
        return len(self._sentences)

    def _own(self) -> _Encoded:
        with self._lock:
            if self._encoded is None:
                encoded = self._model.encode_captions(self._sentences)
                self._encoded = _Encoded(self._sentences, encoded)
        return self._encoded

    def best(
        self, subject: Subject, k: int, sentences: Sequence[str] | None = None
    ) -> models.Captions:
        """The best sentences for a photo, and whether one of them fits.

        Raises:
            ProblemError: 422, none of the sentences has a word.
        """
        if sentences is None:
            listed = self._own()
        else:
            wanted = usable(sentences)
            if not wanted:
                raise ProblemError(
                    422,
                    f"none of the {len(sentences)} sentences has a word",
                    "at least one must",
                    "Write one sentence per line.",
                )
            listed = _Encoded(wanted, self._model.encode_captions(wanted))
        image = EncodedImages.of([subject.regions])
        scores = self._model.similarity(image, listed.captions)[0]
        best = np.argsort(-scores, kind="stable")[:k].tolist()
        similarities = scores[best].tolist()
        chosen = [listed.captions.caption(row) for row in best]
        judgements = self._model.judge(
            similarities, [subject.regions], chosen, "sentences", len(scores)
        )
        captions = [
            self._describe(subject, listed, row, judgement)
            for row, judgement in zip(best, judgements, strict=True)
        ]
        overall = judgements[0]
        return models.Captions(
            photo=subject.photo,
            total=len(scores),
            verdict=wording.verdict_of("sentences", overall.verdict, overall.match_probability),
            captions=captions,
        )

    def suggest(self, subjects: Sequence[Subject], k: int) -> list[models.Suggestion]:
        """Sentences of the server's list that fit one of these photos more than the others."""
        if not subjects:
            return []
        listed = self._own()
        images = EncodedImages.of([subject.regions for subject in subjects])
        pairs = suggest(self._model.similarity(images, listed.captions), listed.sentences, k)
        return [
            models.Suggestion(
                sentence=listed.sentences[pair.sentence], photo=subjects[pair.photo].photo
            )
            for pair in pairs
        ]

    def _describe(
        self, subject: Subject, listed: _Encoded, row: int, judgement: Judgement
    ) -> models.Caption:
        caption = listed.captions.caption(row)
        query = EncodedQuery(self._model, (WeightedCaption(1.0, caption),))
        explanation = query.explain_whole(subject.regions)
        return models.Caption(
            sentence=listed.sentences[row],
            similarity=explanation.similarity,
            probability=judgement.probability,
            match_probability=judgement.match_probability,
            words=wording.words_of(query),
            maps=wording.maps_of(explanation),
        )
