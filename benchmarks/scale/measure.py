"""Recall of the exact ten, and time per query, of one way to search one enlarged collection.

Wall time tells what a user waits on this machine now; processor time (all threads together) is
also told, since it changes little when others use the machine.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from collection import photo_discounts
from enlarge import BLOCK, Enlarged, unit

from regard.core.scoring import Scoring
from regard.model.model import Model
from regard.search import Index, SearchResult, scoring
from regard.search.result import Hit
from regard.search.scoring import score_tile

STAND_IN, DEFAULT = 3200, 100  # candidates; the latter is what a search for ten takes
COUNTS = (25, 50, 100, 200, 400, 800)
Search = Callable[[str], list[int]]


def memory_mb() -> dict[str, float]:
    """This process's own memory, mapped pages of files that it touched, and the most of both."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {
        line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("Vm", "Rss"))
    }
    names = {"own_mb": "RssAnon", "mapped_mb": "RssFile", "peak_mb": "VmHWM"}
    return {ours: int(found[name]) / 1024 for ours, name in names.items()}


def measure(name: str, search: Search, asked: list[dict], truth: np.ndarray) -> dict:
    """Times and recalls of a search.

    Args:
        search: gives photos' numbers, best first.
        truth: (query, 10) the exact best.
    """
    asked = asked[: len(truth)]
    search(asked[0]["sentence"])  # what is loaded or compiled on first use
    wall, processor, found = [], [], []
    for query in asked:
        before = time.perf_counter(), time.process_time()
        found.append(search(query["sentence"])[:10])
        wall.append(time.perf_counter() - before[0])
        processor.append(time.process_time() - before[1])
    shares = [len(set(f) & set(t.tolist())) / 10 for f, t in zip(found, truth, strict=True)]
    kinds = dict.fromkeys(query["kind"] for query in asked)
    of_kind = {k: [s for s, q in zip(shares, asked, strict=True) if q["kind"] == k] for k in kinds}
    own = [query["photo"] in f for query, f in zip(asked, found, strict=True)]
    return {
        "name": name,
        "queries": len(asked),
        "recall": float(np.mean(shares)),
        "recall_of": {kind: float(np.mean(some)) for kind, some in of_kind.items()},
        "own_photo": float(np.mean(own)),
        "median_ms": 1e3 * float(np.median(wall)),
        "p95_ms": 1e3 * float(np.percentile(wall, 95)),
        "least_ms": 1e3 * float(np.min(wall)),
        "processor_ms": 1e3 * float(np.median(processor)),
    }


def encode(model: Model, asked: list[dict]) -> dict:
    """What embedding the sentence takes, which every way has to do."""
    none = np.zeros((len(asked), 10), int)
    found = measure("embedding the sentence", lambda s: _nothing(model, s), asked, none)
    return {k: v for k, v in found.items() if k not in ("recall", "recall_of", "own_photo")}


def _nothing(model: Model, sentence: str) -> list[int]:
    model.encode_captions([sentence])
    return []


def regard(
    folder: Path, model: Model, asked: list[dict], truth: np.ndarray | None
) -> Iterator[dict]:
    """`Index.search` as it is with shortlists of several lengths, then every photo.

    Where no truth is known, the ten of a far longer shortlist stand in for it; the figures say so.
    """
    began = time.perf_counter()
    with Index.open(folder, model) as index:
        opened = time.perf_counter() - began

        def search(sentence: str) -> list[int]:
            return [number_of(hit) for hit in index.search(sentence, 10).hits]

        limit, scoring.mean_files.EXHAUSTIVE = scoring.mean_files.EXHAUSTIVE, 0
        began = time.perf_counter()
        search(asked[0]["sentence"])
        one_a_core()
        always = {"open_s": opened, "first_s": time.perf_counter() - began}
        yield encode(model, asked)
        always["standard"] = "every photo, float32"
        if truth is None:
            always["standard"] = f"{STAND_IN} candidates"
            with candidates(STAND_IN):
                truth = np.array([search(query["sentence"]) for query in asked])
        let_go(folder)
        for name in ("Regard, as it searches, vectors on disk", "Regard, as it searches"):
            yield measure(name, search, asked, truth) | always | memory_mb()
        for count in COUNTS:
            with candidates(count):
                made = measure(f"Regard, {count} candidates", search, asked, truth)
            yield made | always | memory_mb() | {"candidates": count}
        scoring.mean_files.EXHAUSTIVE = limit
        if len(index) <= limit:
            for _ in range(1 + len(index) // 4096):  # until every shard has been made ready
                search(asked[0]["sentence"])
            yield measure("Regard, every photo", search, asked, truth)


def one_a_core() -> None:
    """Tie the threads that score to a core each: beside other programs they may share one."""
    threads = [t for t in threading.enumerate() if t.name.startswith("regard-score")]
    cores = sorted(os.sched_getaffinity(0))
    for number, thread in enumerate(threads):
        os.sched_setaffinity(thread.native_id or 0, {cores[number % len(cores)]})


def number_of(hit: Hit) -> int:
    return int(hit.photo.path.stem)


@contextlib.contextmanager
def candidates(count: int) -> Iterator[None]:
    """Have shortlists of this length for a while, whatever is asked for."""
    before = scoring.LISTED, scoring.LISTED_A_HIT, scoring.LISTED_WORDS
    scoring.LISTED, scoring.LISTED_A_HIT, scoring.LISTED_WORDS = count, 0, 0
    yield
    scoring.LISTED, scoring.LISTED_A_HIT, scoring.LISTED_WORDS = before


def let_go(folder: Path) -> None:
    """Have the system forget what it keeps in memory of an index's vectors."""
    for path in folder.glob("shard-*"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def kinds(folder: Path, model: Model, asked: list[dict]) -> Iterator[dict]:
    """Other queries than one sentence: their recall of the ten of every photo of the index."""
    sentences = [query["sentence"] for query in asked if query["kind"] == "caption"]
    pairs = list(pairwise(sentences))
    with Index.open(folder, model) as index:
        ids = index.photo_ids()[:: len(index) // len(sentences)]
        searches: dict[str, list[Callable[[], SearchResult]]] = {
            "two sentences, 2 to 1": [partial(index.search, f"2: {a}; {b}") for a, b in pairs],
            "less of a second": [partial(index.search, f"{a}; -0.5: {b}") for a, b in pairs],
            "photos like one": [partial(index.similar, photo_id) for photo_id in ids[:-1]],
        }
        for name, some in searches.items():
            limit, scoring.mean_files.EXHAUSTIVE = scoring.mean_files.EXHAUSTIVE, 0
            short = [_ten(search()) for search in some]
            scoring.mean_files.EXHAUSTIVE = 10**9
            exact = [_ten(search()) for search in some]
            scoring.mean_files.EXHAUSTIVE = limit
            shares = [len(a & b) / 10 for a, b in zip(short, exact, strict=True)]
            yield {"name": name, "recall": float(np.mean(shares)), "queries": len(some)}


def _ten(result: SearchResult) -> set[int]:
    return {number_of(hit) for hit in result.hits}


class Codes:
    """Region centroids: k-means, then one small code a region.

    A photo's score is the mean over words of the largest inner product of the word with the
    centroids of the photo's regions, as the first stage of PLAID has it.
    """

    def __init__(self, base: Enlarged, photos: int, centroids: int) -> None:
        import faiss

        began = time.perf_counter(), time.process_time()
        wanted = 40 * centroids // base.vectors.shape[1] + 1  # FAISS asks for 39 regions each
        sample = np.concatenate([base.block(number) for number in range(-(-wanted // BLOCK))])
        sample = sample[:wanted].reshape(-1, sample.shape[2])
        means = faiss.Kmeans(sample.shape[1], centroids, niter=6, seed=0, spherical=True)
        means.train(sample)
        self.centroids = means.centroids
        self.codes = np.empty((photos, base.vectors.shape[1]), np.uint16)
        for first in range(0, photos, BLOCK):
            vectors = base.block(first // BLOCK)[: photos - first]
            near = (vectors.reshape(-1, vectors.shape[2]) @ self.centroids.T).argmax(1)
            self.codes[first : first + len(vectors)] = near.reshape(len(vectors), -1)
        self.build = (time.perf_counter() - began[0], time.process_time() - began[1])
        self._kernel = _code_kernel()

    def scores(self, words: np.ndarray, rows: np.ndarray) -> np.ndarray:
        table = np.ascontiguousarray(self.centroids @ words.T)  # (centroid, word)
        out = np.empty(len(rows), np.float32)
        self._kernel(self.codes, rows, table, out)
        return out


def _code_kernel() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True, fastmath=True)
    def kernel(codes, rows, table, out):  # type: ignore[no-untyped-def]
        words = table.shape[1]
        best = np.empty(words, np.float32)
        for n in range(rows.size):
            best[:] = -2
            for region in range(codes.shape[1]):
                code = codes[rows[n], region]
                for word in range(words):
                    best[word] = max(best[word], table[code, word])
            out[n] = best.mean()

    return kernel


def codes(
    base: Enlarged, model: Model, asked: list[dict], truth: np.ndarray, photos: int, k: int
) -> Iterator[dict]:
    """Candidates by codes, and by codes among many candidates by mean region; no exact scores.

    Recall is of the exact ten among so many candidates, which exact scores then put in order.
    """
    made = Codes(base, photos, k)
    blocks = (base.block(first // BLOCK)[: photos - first] for first in range(0, photos, BLOCK))
    lists = [(unit(b.mean(1)), photo_discounts(model.background, b)) for b in blocks]
    means, lowered = (np.concatenate(part) for part in zip(*lists, strict=True))
    everything = np.arange(photos)
    ranks: dict[str, list[np.ndarray]] = {"codes": [], "mean region": [], "both": []}
    spent = []
    for query, best in zip(asked, truth, strict=False):
        found = model.encode_captions([query["sentence"]])
        words = found.vectors[0, : found.lengths[0]]
        taken_off = model.photo_portions(found.counted)[0] * lowered
        began = time.process_time()
        by_codes = made.scores(words, everything) - taken_off
        spent.append(time.process_time() - began)
        by_means = means @ words.mean(0) - taken_off
        ranks["codes"].append(_rank(by_codes, best))
        ranks["mean region"].append(_rank(by_means, best))
        both = np.where(_order(by_means) < 2000, by_codes, -np.inf)
        ranks["both"].append(_rank(both, best))
    for name, found_ranks in ranks.items():
        flat = np.concatenate(found_ranks)
        yield {
            "name": f"{name}, K = {k}",
            "recall_in": {str(count): float((flat < count).mean()) for count in COUNTS},
            "scan_processor_ms": 1e3 * float(np.median(spent)) if name == "codes" else None,
            "build_processor_s": made.build[1] if name == "codes" else None,
        }


def _order(values: np.ndarray) -> np.ndarray:
    """Each value's rank, from 0."""
    out = np.empty(len(values), np.int64)
    out[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return out


def _rank(values: np.ndarray, best: np.ndarray) -> np.ndarray:
    return np.array([(values > values[photo]).sum() for photo in best.tolist()])


def int8_cost(base: Enlarged, truth: np.ndarray, asked: list[dict], model: Model) -> dict:
    """What int8 does to similarities of the exact ten with their queries."""
    from regard.store.shards import to_int8

    errors, kept = [], []
    config: Scoring = model.scoring
    for query, best in zip(asked, truth, strict=False):
        words = model.encode_captions([query["sentence"]]).caption(0).vectors
        photos = np.stack([base.block(n // BLOCK)[n % BLOCK] for n in best.tolist()])
        whole, scales = to_int8(photos.reshape(-1, photos.shape[2]))
        small = (whole * scales[:, None]).reshape(photos.shape)
        mask = np.ones(photos.shape[:2], bool)
        exact, near = (score_tile(vectors, mask, words, config) for vectors in (photos, small))
        errors.append(float(np.abs(exact - near).max()))
        kept.append(bool((near.argsort() == exact.argsort()).all()))
    return {"largest_error": max(errors), "same_order": float(np.mean(kept))}
