"""Names of things as queries: nouns that photos show, or show for certain not.

People search by single nouns as much as by sentences, and captions tell nothing of what a photo
does not show. So verdicts are fitted to names as well, where somebody listed what photos show.
Every set of photos is looked at by itself, for what one set names another may show without saying
so.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.evaluation.calibration import verdicts
from regard.evaluation.similarity import score_tile
from regard.model.model import Model
from regard.shapes import Bool, Float
from regard.store.region_store import RegionStore
from regard.words.gist import gist_of

_AT_ONCE = 256  # photos


class Named(NamedTuple):
    """The photos of one set, and which of its names each shows."""

    title: str
    photos: tuple[str, ...]
    names: tuple[str, ...]
    shown: Bool[np.ndarray, "photo name"]


def load_named(path: Path) -> list[Named]:
    """Sets of a JSONL file: a photo a line, with its `set` and the `names` of all it shows.

    Raises:
        DataError: the file is missing, or a line is none of these.
    """
    sets: dict[str, dict[str, set[str]]] = {}
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            row = json.loads(line)
            sets.setdefault(row["set"], {})[row["photo"]] = {str(name) for name in row["names"]}
    except OSError as error:
        raise DataError(
            f"names are {str(path)!r} ({error.strerror}); it must be a file. Check the path."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"line {number} of {path} cannot be read ({error!r}); it must be an object with set, "
            "photo and names. Correct it."
        ) from None
    return [_named(title, shown) for title, shown in sets.items()]


def _named(title: str, shown: dict[str, set[str]]) -> Named:
    names = tuple(sorted(set().union(*shown.values())))
    rows = [[name in some for name in names] for some in shown.values()]
    return Named(title, tuple(shown), names, np.array(rows, bool).reshape(len(shown), -1))


def name_cases(model: Model, store: RegionStore, named: Named) -> tuple[verdicts.Cases, ...]:
    """Names that ask for photos: among every second photo, and among the others.

    Raises:
        DataError: a photo is not in the store.
    """
    captions, count = model.encode_captions(list(map(gist_of, named.names))), len(named.photos)
    scores = np.concatenate(
        [
            score_tile(model, *_embedded(model, store, photos), captions)
            for photos in (named.photos[n : n + _AT_ONCE] for n in range(0, count, _AT_ONCE))
        ]
    )
    assert model.background is not None
    spreads = verdicts.spreads_of(model.background, captions)
    halves = []
    for first in (0, 1):
        shown = named.shown[first::2]
        rows = np.flatnonzero(shown.any(0) & ~shown.all(0))
        halves.append(
            verdicts.draw_cases(
                scores[first::2].T[rows],
                [np.flatnonzero(shown[:, row]) for row in rows],
                spreads[rows],
                captions.counted[rows],
            )
        )
    return tuple(halves)


def _embedded(
    model: Model, store: RegionStore, keys: tuple[str, ...]
) -> tuple[Float[np.ndarray, "photo region dim"], np.ndarray]:
    features, counts = store.gather(keys)
    return model.encode_features(features, counts), counts
