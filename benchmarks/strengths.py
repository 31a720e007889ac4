"""What "strong", "possible" and "weak" match are worth, where it is listed what photos show.

    python -m making.shown_names data names.jsonl
    python benchmarks/strengths.py wide.regions names.jsonl

Every name that some photo of a set shows is searched for among the photos of that set, as people
type it: bare, with an article, after "a photo of"; then again among those that do not show it. Each
set is halved. On every second photo the cut of "Less likely" is chosen, the one with the best mean
F1 over the sets, and the highest probability below which "nothing found" would be right nine times
in ten, one query in two having something to find. The other photos tell what both are worth. They
show more than is listed, so a right hit may be counted as wrong. Prints two tables.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from regard.evaluation.calibration.names import Named, load_named
from regard.indexing import open_for_writing
from regard.model.judgement import EVEN, POSSIBLE
from regard.model.model import Model, load
from regard.search import Filters, Index
from regard.search.catalog import FileRow
from regard.store.region_store import RegionStore

PHRASES = ("{}", "a {}", "a photo of a {}")
SHOWN = 40  # photos of a page
CUTS = [number / 20 for number in range(1, 13)]
RIGHT = 90  # of 100 times that "nothing found" is said


class Asked(NamedTuple):
    """One name, asked for in one way among half the photos of a set."""

    phrase: str
    there: float
    """How likely something fits, where there is something."""
    absent: float
    """And where there is not."""
    hits: list[tuple[float, bool]]
    """How likely each photo of the page fits, and whether it shows what was asked for."""


def index_of(folder: Path, model: Model, store: RegionStore, named: Named) -> None:
    """An index of the photos of one set, which need not be there as files."""
    with open_for_writing(folder, model) as (index, catalog), index.transaction():
        keys = [f"{number:064x}" for number in range(len(named.photos))]
        keys = [key[::-1] for key in keys]  # ids are first digits
        photos = model.embed([store[photo] for photo in named.photos])
        index.append(zip(keys, photos, strict=True))
        pairs = zip(named.photos, keys, strict=True)
        catalog.put(FileRow(f"/{photo}", 1, 1, key) for photo, key in pairs)


def ask(index: Index, named: Named, half: int) -> list[Asked]:
    """Every name in every phrase, among every second photo."""
    ids = [f"{number:064x}"[::-1][:16] for number in range(len(named.photos))]
    mine = frozenset(ids[half::2])
    asked = []
    for row, name in enumerate(named.names):
        shown = zip(ids, named.shown[:, row], strict=True)
        having = mine & {one for one, has in shown if has}
        if not having or having == mine:
            continue
        for phrase in PHRASES:
            text = phrase.format(name)
            found = index.search(text, SHOWN, filters=Filters(among=mine))
            without = index.search(text, SHOWN, filters=Filters(among=mine - having))
            pairs = (
                (hit.judgement.match_probability, hit.photo.id in having) for hit in found.hits
            )
            hits = [(likely or 0, right) for likely, right in pairs]
            best = found.match_probability or 0, without.match_probability or 0
            asked.append(Asked(phrase.format("X"), *best, hits))
    return asked


def cut_off(asked: Sequence[Asked], cut: float) -> tuple[float, float]:
    """Of 100: photos before the cut that show it, and photos that show it before the cut."""
    told = [pair for one in asked if one.there >= EVEN for pair in one.hits]
    before = sum(right for likely, right in told if likely >= cut)
    said = sum(likely >= cut for likely, _ in told)
    return 100 * before / max(1, said), 100 * before / max(1, sum(right for _, right in told))


def nothing(asked: Sequence[Asked], below: float) -> tuple[float, float]:
    """Of 100: times that "nothing found" would be right, and names not there it is said of."""
    right = sum(one.absent < below for one in asked)
    wrong = sum(one.there < below for one in asked)
    return 100 * right / max(1, right + wrong), 100 * right / max(1, len(asked))


def choose(sets: Sequence[Sequence[Asked]]) -> tuple[float, list[float | None]]:
    """The cut of "Less likely", and for each set the highest at which nothing is found, if any."""

    def f1(asked: Sequence[Asked], cut: float) -> float:
        precision, recall = cut_off(asked, cut)
        return 2 * precision * recall / max(1, precision + recall)

    def is_right(asked: Sequence[Asked], cut: float) -> bool:
        return nothing(asked, cut)[0] >= RIGHT

    best = max(CUTS, key=lambda cut: sum(f1(asked, cut) for asked in sets))
    below = [max((c for c in CUTS if is_right(asked, c)), default=None) for asked in sets]
    return best, below


def row_of(title: str, phrase: str, asked: Sequence[Asked], cut: float) -> str:
    """What the strengths and the cut are worth for one way to ask, as a row."""
    kinds = {"strong": (EVEN, 2.0), "possible": (cut, EVEN), "weak": (-1.0, cut)}
    told = []
    for low, high in kinds.values():
        of = [right for one in asked for likely, right in one.hits if low <= likely < high]
        told.append(100 * sum(of) / max(1, len(of)))
    told += cut_off(asked, cut)
    told.append(100 * sum(one.there >= EVEN for one in asked) / len(asked))
    told.append(100 * sum(one.absent < EVEN for one in asked) / len(asked))
    return f"| {title} | {phrase} | " + " | ".join(f"{one:.0f}" for one in told) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What strengths of matches are worth.")
    parser.add_argument("regions", type=Path)
    parser.add_argument("names", type=Path)
    arguments = parser.parse_args()
    model = load()
    halves: dict[str, list[list[Asked]]] = {}
    for named in load_named(arguments.names):
        with tempfile.TemporaryDirectory() as place:
            with RegionStore(arguments.regions) as store:
                index_of(Path(place) / "index", model, store, named)
            with Index.open(Path(place) / "index", model) as index:
                halves[named.title] = [ask(index, named, half) for half in (0, 1)]
    cut, below = choose([first for first, _ in halves.values()])
    columns = ("photos", "asked", "strong", "possible", "weak", "shown: right", "right: shown")
    print(f"Chosen cut: {cut:.2f}; the page has {POSSIBLE:.2f}.")
    print("| " + " | ".join((*columns, "there: found", "not there: not sure")) + " |")
    print("|---" * 9 + "|")
    for title, (_, others) in halves.items():
        for phrase in dict.fromkeys(one.phrase for one in others):
            print(row_of(title, phrase, [one for one in others if one.phrase == phrase], cut))
    print("| photos | right nine times in ten below | asked below | right | said |")
    print("|---" * 5 + "|")
    for (title, (_, others)), own in zip(halves.items(), below, strict=True):
        for level in sorted(set(filter(None, below))):
            right, said = nothing(others, level)
            print(f"| {title} | {own or 'none'} | {level:.2f} | {right:.0f} | {said:.0f} |")


if __name__ == "__main__":
    main()
