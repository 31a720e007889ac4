"""What the measurements share: real vectors, queries, indexes of enlarged collections, truth."""

import hashlib
import json
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
from enlarge import BLOCK, Enlarged

from regard.core.scoring import Scoring
from regard.datasets.captions import load_captions
from regard.kernels import prepare, score
from regard.model.background import Background, photo_portions
from regard.model.model import Model
from regard.search import mean_files
from regard.search.catalog import Catalog, FileRow
from regard.search.scoring import score_tile
from regard.store.region_store import Regions, RegionStore
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

_ROUGH, _KEPT = 256, 10  # photos rescored in float32 at every size, and kept


def load_base(work: Path) -> Enlarged:
    return Enlarged(np.load(work / "vectors.npy"))


def load_queries(work: Path) -> list[dict]:
    return json.loads((work / "queries.json").read_text())


def make_base(work: Path, regions: Path, dataset: Path, model: Model, queries: int) -> None:
    """Embed real photos, and choose captions, phrases and nouns of val photos to ask for."""
    work.mkdir(parents=True, exist_ok=True)
    with RegionStore(regions) as store:
        keys = list(store)
        width = store.place(keys[0]).rows
        out = np.empty((len(keys), width, model.dim), np.float32)
        for start in range(0, len(keys), 512):
            found = store.gather(keys[start : start + 512])
            out[start : start + 512] = model.encode_features(*found)
    np.save(work / "vectors.npy", out)
    number = {key: row for row, key in enumerate(keys)}
    captions = load_captions(dataset, "val")
    owner = [number.get(captions.photos[row], -1) for row in captions.photo_of_caption.tolist()]
    kinds = [
        [{"kind": kind, "sentence": text, "photo": photo} for text, photo in some.items()]
        for kind, some in queries_of(captions.sentences, owner, queries).items()
    ]
    chosen = [query for several in zip(*kinds, strict=False) for query in several]  # in turns
    (work / "queries.json").write_text(json.dumps(chosen, indent=1))


def queries_of(sentences: Sequence[str], photos: list[int], most: int) -> dict[str, dict[str, int]]:
    """Captions, short phrases and single nouns of captions, each with the photo it is of.

    A word that names something and comes right after an article, before one that names nothing, is
    nearly always a noun; two such words are a noun with what it is like.
    """
    found: dict[str, dict[str, int]] = {"caption": {}, "short phrase": {}, "noun": {}}
    for row in np.random.default_rng(0).permutation(len(sentences)).tolist():
        words, texts = tokenize(sentences[row]), {"caption": sentences[row]}
        for place in (n for n, word in enumerate(words) if word in ("a", "an", "the")):
            naming = [names_something(word) for word in words[place + 1 : place + 4]]
            count = [*naming, False].index(False)
            if count == 1:
                texts["noun"] = words[place + 1]
            elif count == 2:
                texts["short phrase"] = " ".join(words[place : place + 3])
        for kind, text in texts.items():
            if photos[row] >= 0 and len(found[kind]) < most:
                found[kind].setdefault(text, photos[row])
    return found


def key_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def build(folder: Path, base: Enlarged, photos: int, model: Model) -> dict[str, float]:
    """An index of enlarged photos, made as `regard index --compress` makes one.

    Goes on where it was when run again. Gives the photos written this time and the seconds of
    writing; generating is left out.
    """
    spent, before = 0.0, 0
    folder.mkdir(parents=True, exist_ok=True)
    with RegionStore(folder, model.identity, model.dim, writable=True, compressed=True) as store:
        with store.transaction() as database:
            Catalog.create(database, "flickr8k")
        catalog = Catalog(store.database, folder)
        before = len(store)
        for first in range(len(store), photos, BLOCK):
            vectors = base.block(first // BLOCK)[: photos - first]
            began = time.perf_counter()
            _add(store, catalog, first, vectors)
            spent += time.perf_counter() - began
        began = time.perf_counter()
        mean_files.write_means(store, model.background)
        last = time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.iterdir())
    kept = [*folder.glob("means-*"), *folder.glob("groups-*")]
    means = sum(path.stat().st_size for path in kept)
    figures = {"written": photos - before, "write_s": spent, "means_s": last}
    return figures | {"bytes": size, "means_bytes": means}


def _add(store: RegionStore, catalog: Catalog, first: int, vectors: np.ndarray) -> None:
    boxes = np.zeros((vectors.shape[1], 4), np.float32)
    scores = np.ones(vectors.shape[1], np.float32)
    keys = [key_of(first + row) for row in range(len(vectors))]
    rows = (Regions(photo, boxes, scores, 500, 375) for photo in vectors)
    with store.transaction():
        store.append(zip(keys, rows, strict=True))
        catalog.put(
            FileRow(f"/enlarged/{number:07d}.jpg", 0, 0, key)
            for number, key in zip(count(first), keys, strict=False)
        )


def photo_discounts(background: Background | None, block: np.ndarray) -> np.ndarray:
    """What photos' similarities are lowered by; a sentence's own lowers all photos alike."""
    if background is None:
        return np.zeros(len(block), np.float32)
    return background.photo_discounts(block.mean(1))


class Truth:
    """The ten most similar photos of every query among the first n, from unstored vectors.

    Every photo is scored by the fused kernel in bfloat16; those that come among the best so far
    are scored again in float32, and the best are kept with room to spare.

    `surely` is the share of queries whose ten are above anything a photo left out may have: the
    rough score of the last one kept and the largest error of a rough score that was seen.
    """

    def __init__(
        self, work: Path, base: Enlarged, sizes: list[int], model: Model, queries: int
    ) -> None:
        self._file, self._base, self._sizes = work / "truth.npz", base, sizes
        self._scoring: Scoring = model.scoring
        self._background = model.background
        asked = load_queries(work)[:queries]
        self._words = model.encode_captions([query["sentence"] for query in asked])
        self.done = 0  # photos
        self._error = 0.0
        self._best = np.zeros((queries, 0), np.int64)
        self._rough = np.zeros((queries, 0), np.float32)
        self._exact = np.zeros((queries, 0), np.float32)
        self.found: dict[int, np.ndarray] = {}
        self.surely: dict[int, float] = {}
        if self._file.exists():
            kept = np.load(self._file)
            self.done, self._error = int(kept["done"]), float(kept["error"])
            self._best, self._rough, self._exact = (
                kept[name][:queries] for name in ("best", "rough", "exact")
            )
            self.found = {
                int(name[3:]): kept[name][:queries] for name in kept if name.startswith("top")
            }

    def run(self, seconds: float) -> bool:
        """Go on for a while; whether all is done."""
        until = time.monotonic() + seconds
        saved = time.monotonic()
        asked = prepare(self._words.vectors, self._words.lengths, name="words")
        while self.done < max(self._sizes) and time.monotonic() < until:
            number = self.done // BLOCK
            ends = [size for size in self._sizes if size > self.done]
            stop = min([(number + 1) * BLOCK, *ends])
            block = self._base.block(number)[self.done - number * BLOCK : stop - number * BLOCK]
            rough = score(prepare(block, name="regions"), asked, self._scoring).T
            self._take(block, rough)
            self.done = stop
            if stop in self._sizes:
                self._keep_ten()
            if stop in self._sizes or time.monotonic() > saved + 60:
                self._save()
                saved = time.monotonic()
        self._save()
        return self.done >= max(self._sizes)

    def _take(self, block: np.ndarray, rough: np.ndarray) -> None:
        """Have the photos of a block among the best where they belong there."""
        lowered = photo_discounts(self._background, block)
        portions = photo_portions(self._words.counted, self._scoring.direction)
        rough = rough - np.outer(portions, lowered)
        numbers = np.broadcast_to(np.arange(self.done, self.done + len(block)), rough.shape)
        unknown = np.full(rough.shape, np.nan, np.float32)
        best = np.concatenate([self._best, numbers], 1)
        roughs = np.concatenate([self._rough, rough], 1)
        exacts = np.concatenate([self._exact, unknown], 1)
        order = np.argsort(-roughs, 1, kind="stable")[:, :_ROUGH]
        self._best, self._rough, self._exact = (
            np.take_along_axis(values, order, 1) for values in (best, roughs, exacts)
        )
        for row, length in enumerate(self._words.lengths):
            new = np.flatnonzero(np.isnan(self._exact[row]))
            if not len(new):
                continue
            rows = self._best[row, new] - self.done
            photos, words = block[rows], self._words.vectors[row, :length]
            mask = np.ones(photos.shape[:2], bool)
            exact = score_tile(photos, mask, words, self._scoring)
            self._exact[row, new] = exact - portions[row] * lowered[rows]
        self._error = max(self._error, float(np.abs(self._exact - self._rough).max()))

    def _keep_ten(self) -> None:
        order = np.argsort(-self._exact, 1, kind="stable")[:, :_KEPT]
        self.found[self.done] = np.take_along_axis(self._best, order, 1)
        tenth = np.take_along_axis(self._exact, order, 1)[:, -1]
        self.surely[self.done] = float((tenth > self._rough[:, -1] + self._error).mean())

    def _save(self) -> None:
        partial = self._file.with_suffix(".partial.npz")
        tops = {f"top{size}": top for size, top in self.found.items()}
        state = {"best": self._best, "rough": self._rough, "exact": self._exact}
        np.savez(partial, done=self.done, error=self._error, **state, **tops)
        partial.replace(self._file)
