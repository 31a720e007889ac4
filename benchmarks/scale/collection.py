"""What the measurements share: real vectors, queries, indexes of enlarged collections, truth."""

import hashlib
import json
import time
from itertools import count
from pathlib import Path

import numpy as np
import torch
from enlarge import BLOCK, Enlarged

from regard.core.attention import Scoring
from regard.data.store import RegionStore, StoredRegions
from regard.kernels import prepare, score
from regard.matcher import Matcher
from regard.search import shortlist
from regard.search.catalog import Catalog, FileRow
from regard.search.scoring import score_tile

_ROUGH, _KEPT = 64, 10  # photos rescored in float32 at every size, and kept


def load_base(work: Path) -> Enlarged:
    return Enlarged(np.load(work / "vectors.npy"))


def load_queries(work: Path) -> list[dict]:
    return json.loads((work / "queries.json").read_text())


def make_base(work: Path, regions: Path, dataset: Path, matcher: Matcher, queries: int) -> None:
    """Embed real photos, and choose captions of val photos to ask for."""
    work.mkdir(parents=True, exist_ok=True)
    with RegionStore(regions) as store:
        keys = list(store)
        width = store.place(keys[0]).rows
        out = np.empty((len(keys), width, matcher.dim), np.float32)
        for start in range(0, len(keys), 512):
            found = store.gather(keys[start : start + 512])
            out[start : start + 512] = matcher.encode_features(*found)
    np.save(work / "vectors.npy", out)
    number = {key: row for row, key in enumerate(keys)}
    pairs = [
        {"sentence": sentence["raw"], "photo": number[image["filename"]]}
        for image in json.loads(dataset.read_text())["images"]
        if image["split"] == "val" and image["filename"] in number
        for sentence in image["sentences"]
    ]
    chosen = np.random.default_rng(0).permutation(len(pairs))[:queries]
    (work / "queries.json").write_text(json.dumps([pairs[row] for row in chosen], indent=1))


def key_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def numbers_of(photos: int) -> dict[str, int]:
    """Photos' numbers by id, the first digits of their keys."""
    return {key_of(number)[:16]: number for number in range(photos)}


def build(folder: Path, base: Enlarged, photos: int, matcher: Matcher) -> dict[str, float]:
    """An index of enlarged photos, made as `regard index --compress` makes one.

    Goes on where it was when run again. Gives the seconds of writing; generating is left out.
    """
    spent = 0.0
    folder.mkdir(parents=True, exist_ok=True)
    with RegionStore(
        folder, matcher.identity, matcher.dim, writable=True, compressed=True
    ) as store:
        with store.transaction() as database:
            Catalog.create(database, "flickr8k")
        catalog = Catalog(store.database, folder)
        for first in range(len(store), photos, BLOCK):
            vectors = base.block(first // BLOCK)[: photos - first]
            began = time.perf_counter()
            _add(store, catalog, first, vectors)
            spent += time.perf_counter() - began
        began = time.perf_counter()
        shortlist.write_means(store)
        last = time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.iterdir())
    means = sum(path.stat().st_size for path in folder.glob("means-*"))
    return {"write_s": spent, "means_s": last, "bytes": size, "means_bytes": means}


def _add(store: RegionStore, catalog: Catalog, first: int, vectors: np.ndarray) -> None:
    boxes = np.zeros((vectors.shape[1], 4), np.float32)
    scores = np.ones(vectors.shape[1], np.float32)
    keys = [key_of(first + row) for row in range(len(vectors))]
    rows = (StoredRegions(photo, boxes, scores, 500, 375) for photo in vectors)
    with store.transaction():
        store.append(zip(keys, rows, strict=True))
        catalog.put(
            FileRow(f"/enlarged/{number:07d}.jpg", 0, 0, key)
            for number, key in zip(count(first), keys, strict=False)
        )


class Truth:
    """The ten most similar photos of every query among the first n, from unstored vectors.

    Every photo is scored by the fused kernel in bfloat16; the best so far are kept with room to
    spare and scored again in float32 at every size asked for.
    """

    def __init__(
        self, work: Path, base: Enlarged, sizes: list[int], matcher: Matcher, queries: int
    ) -> None:
        self._file, self._base, self._sizes = work / "truth.npz", base, sizes
        self._scoring: Scoring = matcher.scoring
        asked = load_queries(work)[:queries]
        self._words = matcher.encode_captions([query["sentence"] for query in asked])
        self.done = 0
        self._best = np.zeros((queries, 0), np.int64)
        self._scores = np.zeros((queries, 0), np.float32)
        self.found: dict[int, np.ndarray] = {}
        if self._file.exists():
            kept = np.load(self._file)
            self.done = int(kept["done"])
            self._best, self._scores = kept["best"][:queries], kept["scores"][:queries]
            self.found = {int(name[3:]): kept[name] for name in kept if name.startswith("top")}

    def run(self, seconds: float) -> bool:
        """Go on for a while; whether all is done."""
        until = time.monotonic() + seconds
        asked = prepare(self._words.vectors, self._words.lengths, name="words")
        while self.done < max(self._sizes):
            number = self.done // BLOCK
            ends = [size for size in self._sizes if size not in self.found and size > self.done]
            stop = min([(number + 1) * BLOCK, *ends])
            block = self._base.block(number)[self.done - number * BLOCK : stop - number * BLOCK]
            rough = score(prepare(block, name="regions"), asked, self._scoring).numpy().T
            rows = np.broadcast_to(np.arange(self.done, stop), rough.shape)
            self._best = np.concatenate([self._best, rows], 1)
            self._scores = np.concatenate([self._scores, rough], 1)
            order = np.argsort(-self._scores, 1, kind="stable")[:, :_ROUGH]
            self._best = np.take_along_axis(self._best, order, 1)
            self._scores = np.take_along_axis(self._scores, order, 1)
            self.done = stop
            if stop in self._sizes:
                self.found[stop] = self._exactly()
                self._save()
            if time.monotonic() > until:
                break
        self._save()
        return self.done >= max(self._sizes)

    def _exactly(self) -> np.ndarray:
        """(query, 10) the best by float32 arithmetic on the vectors as generated."""
        wanted = np.unique(self._best)
        vectors = {}
        for number in np.unique(wanted // BLOCK).tolist():
            block = self._base.block(number)
            vectors |= {n: block[n % BLOCK] for n in wanted[wanted // BLOCK == number].tolist()}
        top = []
        for row, length in enumerate(self._words.lengths):
            photos = np.stack([vectors[n] for n in self._best[row].tolist()])
            regions, words = torch.from_numpy(photos), torch.from_numpy(self._words.vectors[row])
            mask = torch.ones(regions.shape[:2], dtype=torch.bool)
            exact = score_tile(regions, mask, words[:length], self._scoring).numpy()
            top.append(self._best[row][np.argsort(-exact, kind="stable")[:_KEPT]])
        return np.stack(top)

    def _save(self) -> None:
        partial = self._file.with_suffix(".partial.npz")
        tops = {f"top{size}": top for size, top in self.found.items()}
        np.savez(partial, done=self.done, best=self._best, scores=self._scores, **tops)
        partial.replace(self._file)
