"""What "strong", "possible" and "weak" match are worth, where it is listed what photos show.

    python -m making.shown_names data names.jsonl
    python benchmarks/strengths.py wide.regions names.jsonl

Every name that some photo of a set shows is searched for among the photos of that set, as people
type it: bare, with an article, after "a photo of". Of the forty best photos it is counted how
many of each strength show it; where the page does not say "No good match", how many of those
before "Less likely" do, and how many of those that do stand there. Then the same among the photos
that do not show it: how often "No good match" is said. Photos show more than is listed, so a right
hit may be counted as wrong. Prints a table.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from regard.evaluation.calibration.names import Named, load_named
from regard.indexing import open_for_writing
from regard.model.model import Model, load
from regard.search import Filters, Index
from regard.search.catalog import FileRow
from regard.store.region_store import RegionStore

PHRASES = ("{}", "a {}", "a photo of a {}")
SHOWN = 40  # photos of a page
STRONG, POSSIBLE = 0.5, 0.2  # as the page has them


def strength(likely: float | None) -> str:
    """How good a match is, as the page says it."""
    assert likely is not None, "this model has no verdict"
    return "strong" if likely >= STRONG else "possible" if likely >= POSSIBLE else "weak"


def index_of(folder: Path, model: Model, store: RegionStore, named: Named) -> None:
    """An index of the photos of one set, which need not be there as files."""
    with open_for_writing(folder, model) as (index, catalog), index.transaction():
        keys = [f"{number:064x}" for number in range(len(named.photos))]
        keys = [key[::-1] for key in keys]  # ids are first digits
        photos = model.embed([store[photo] for photo in named.photos])
        index.append(zip(keys, photos, strict=True))
        pairs = zip(named.photos, keys, strict=True)
        catalog.put(FileRow(f"/{photo}", 1, 1, key) for photo, key in pairs)


def measure(index: Index, named: Named, phrase: str) -> dict[str, float]:
    """Parts of 100 for one set and one way to ask."""
    ids = [f"{number:064x}"[::-1][:16] for number in range(len(named.photos))]
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    shown = shown_right = found_right = silent = asked = found = 0
    for row, name in enumerate(named.names):
        having = {one for one, has in zip(ids, named.shown[:, row], strict=True) if has}
        without = frozenset(ids) - having
        if not having or not without:
            continue
        asked += 1
        result = index.search(phrase.format(name), SHOWN)
        is_found = result.verdict == "match"
        found += is_found
        for hit in result.hits:
            kind, is_right = strength(hit.judgement.match_probability), hit.photo.id in having
            said[kind] += 1
            right[kind] += is_right
            found_right += is_found and is_right
            shown += is_found and kind != "weak"
            shown_right += is_found and kind != "weak" and is_right
        best = index.search(phrase.format(name), SHOWN, filters=Filters(among=without))
        silent += best.verdict == "no good match"
    told = {kind: 100 * right[kind] / max(1, said[kind]) for kind in ("strong", "possible", "weak")}
    return told | {
        "right": 100 * shown_right / max(1, shown),
        "recall": 100 * shown_right / max(1, found_right),
        "found": 100 * found / asked,
        "silent": 100 * silent / asked,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What strengths of matches are worth.")
    parser.add_argument("regions", type=Path)
    parser.add_argument("names", type=Path)
    arguments = parser.parse_args()
    model = load()
    columns = ("photos", "asked", "strong", "possible", "weak", "shown: right", "right: shown")
    print("| " + " | ".join((*columns, "there: found", "not there: said so")) + " |")
    print("|---" * 9 + "|")
    for named in load_named(arguments.names):
        with tempfile.TemporaryDirectory() as place:
            with RegionStore(arguments.regions) as store:
                index_of(Path(place) / "index", model, store, named)
            with Index.open(Path(place) / "index", model) as index:
                for phrase in PHRASES:
                    told = " | ".join(
                        f"{one:.0f}" for one in measure(index, named, phrase).values()
                    )
                    print(f"| {named.title} | {phrase.format('X')} | {told} |", flush=True)


if __name__ == "__main__":
    main()
