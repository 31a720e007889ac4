"""regard score: the similarity of given photos and sentences."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from regard.cli import options
from regard.cli.common import notes, print_json, progress_bar, report_skipped
from regard.cli.explain import note_unknown_words
from regard.errors import ConfigError, DataError

if TYPE_CHECKING:
    from regard.model.encoded import EncodedCaption, EncodedImages
    from regard.model.model import Model

_SENTENCES_AT_ONCE = 512


def score(
    photo: Annotated[Path | None, typer.Argument(help="The photo.")] = None,
    sentence: Annotated[str | None, typer.Argument(help="The sentence.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            help='JSONL file with a pair a line: {"photo": ..., "sentence": ...}. A relative '
            "photo is looked for beside the file, then in the current folder.",
        ),
    ] = None,
    model: options.Model = "flickr8k",
    workers: Annotated[
        int | None, typer.Option(help="Processes that read photos; default one a core.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Print how well a photo and a sentence fit; higher is better.

    This is the similarity that agrees best with people's judgement, on one scale for all pairs;
    --json adds the one that searches sort by as `ranking`. With --pairs every line comes back as
    JSON in its place, its other keys kept, with `similarity` added. Lines and photos that cannot be
    read are left out, named and counted. A photo is read once however many lines name it.

        regard score beach.jpg "a dog runs along the water"

        regard score --pairs pairs.jsonl > scored.jsonl
    """
    from regard.model.model import load

    if pairs is not None and photo is None:
        score_file(load(model), pairs, workers)
        return
    if photo is None or sentence is None or pairs is not None:
        raise ConfigError(
            "what to score is unclear; it must be a photo and a sentence, or --pairs with a file. "
            'Write: regard score photo.jpg "a sentence"'
        )
    loaded = load(model)
    scores = next(_score(loaded, loaded.encode_images([photo]), [sentence]))
    note_unknown_words(loaded, sentence)
    if as_json:
        print_json({"photo": str(photo), "sentence": sentence, **scores})
        return
    if scores.get("unsupported"):
        notes.print(f"No region shows: {', '.join(scores['unsupported'])}.", markup=False)
    print(f"{scores['similarity']:.6f}")


class _Pair(NamedTuple):
    line: int
    """Counted from 1."""
    record: dict[str, Any]
    path: Path


def score_file(loaded: "Model", file: Path, workers: int | None) -> None:
    """Score a file of pairs; each line is printed as soon as it and all before it are scored.

    Raises:
        DataError: the file cannot be read, or no line of it can be scored.
    """
    pairs, skipped = read_pairs(file)
    printed = 0
    with progress_bar("Scoring pairs") as progress:
        for done, scored in enumerate(_in_order(loaded, pairs, workers), 1):
            if isinstance(scored, str):
                skipped[pairs[done - 1].line] = scored
            else:
                print_json({**pairs[done - 1].record, **scored})
                printed += 1
            progress(done, len(pairs))
    note_unknown_words(loaded, *dict.fromkeys(pair.record["sentence"] for pair in pairs))
    report_skipped({str(n): f"line {n}: {reason}" for n, reason in sorted(skipped.items())})
    if not printed:
        raise DataError(
            f"{file} has no pair that can be scored; it must have at least one. "
            "Correct the lines named above."
        )


def read_pairs(file: Path) -> tuple[list[_Pair], dict[int, str]]:
    """Pairs of a JSONL file, and by line number why other lines are none.

    Raises:
        DataError: the file cannot be read.
    """
    pairs: list[_Pair] = []
    skipped: dict[int, str] = {}
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = _checked(line)
                    pairs.append(_Pair(number, record, _locate(record["photo"], file.parent)))
                except ValueError as error:
                    skipped[number] = str(error)
    except OSError as error:
        raise DataError(
            f"pairs are read from {str(file)!r} ({error.strerror}); it must be a file. "
            "Check the path."
        ) from None
    return pairs, skipped


def _checked(line: bytes) -> dict[str, Any]:
    """The record of a line.

    Raises:
        ValueError: it is no pair; says why.
    """
    from regard.words.tokens import tokenize

    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode()  # it must come out again
    except (ValueError, RecursionError):
        raise ValueError("is not JSON; write an object with photo and sentence.") from None
    if not isinstance(record, dict):
        raise ValueError("is not an object; write one with photo and sentence.")
    for name in ("photo", "sentence"):
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise ValueError(f"has no {name}; it must be a text that is not empty.")
    if not tokenize(record["sentence"]):
        raise ValueError("has a sentence without a word; write one.")
    return record


def _locate(photo: str, folder: Path) -> Path:
    """A photo's path: relative ones beside the pairs' file, else in the current folder."""
    beside = folder / photo  # an absolute path stays what it is
    return beside if os.path.exists(beside) else Path(photo)  # noqa: PTH110  (never raises)


def _in_order(
    loaded: "Model", pairs: Sequence[_Pair], workers: int | None
) -> Iterator[dict[str, Any] | str]:
    """Scores of each pair in order, or why its photo cannot be read.

    Photos are read in the order they are first named; only numbers wait for their turn.
    """
    from regard.regions.pipeline import extract_stream, workers_for

    by_photo: dict[Path, list[int]] = {}
    for number, pair in enumerate(pairs):
        by_photo.setdefault(pair.path, []).append(number)
    waiting: dict[int, dict[str, Any] | str] = {}
    following = 0
    named = [(str(path), path) for path in by_photo]
    outcomes = extract_stream(named, loaded.extractor_name, workers_for(len(named), workers))
    for numbers, outcome in zip(by_photo.values(), outcomes, strict=True):
        if outcome.regions is None:
            waiting.update((number, outcome.reason) for number in numbers)
        else:
            sentences = [pairs[number].record["sentence"] for number in numbers]
            scores = _score(loaded, loaded.encode_images([outcome.regions]), sentences)
            waiting.update(zip(numbers, scores, strict=True))
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _gists(loaded: "Model", sentences: Sequence[str]) -> "dict[int, EncodedCaption]":
    """What sentences ask for, by their place, where they say more and the model gives verdicts."""
    from regard.words.gist import gist_of, is_put_otherwise

    rows = [row for row, sentence in enumerate(sentences) if is_put_otherwise(sentence)]
    if not rows or loaded.curves.photos is None:
        return {}
    encoded = loaded.encode_captions([gist_of(sentences[row]) for row in rows])
    return {row: encoded.caption(place) for place, row in enumerate(rows)}


def _score(
    loaded: "Model", image: "EncodedImages", sentences: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Scores of one photo with each sentence in the form of JSON, as far as the model has them.

    Similarity, as people agree with best, and that by which searches rank;
    probability; verdict, of a search among this one photo; words no region supports.
    """
    curve, regions = loaded.curves.word, image.photo(0)
    for start in range(0, len(sentences), _SENTENCES_AT_ONCE):
        captions = loaded.encode_captions(sentences[start : start + _SENTENCES_AT_ONCE])
        ranking = loaded.similarity(image, captions)[0].tolist()
        agreements = loaded.agreement(image, captions)[0].tolist()
        unsupported = loaded.unsupported(regions, captions)
        gists = _gists(loaded, sentences[start : start + _SENTENCES_AT_ONCE])
        for row, similarity in enumerate(agreements):
            judged = [ranking[row]], [regions], [captions.caption(row)]
            judgement = loaded.judge(*judged, "photos", 1, gists.get(row))[0]
            scores: dict[str, Any] = {"similarity": similarity}
            if loaded.background is not None:
                scores["ranking"] = ranking[row]
            if judgement.probability is not None:
                scores["probability"] = judgement.probability
            if judgement.verdict is not None:
                scores["verdict"] = judgement.verdict
            if curve is not None:
                scores["unsupported"] = unsupported[row]
            yield scores
