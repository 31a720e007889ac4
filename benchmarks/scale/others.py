"""What a user would take instead, on the same vectors."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from enlarge import BLOCK, Enlarged, unit
from measure import measure, memory_mb

from regard.matcher import Matcher

EVERY, FEW = 10_000, 10  # photos at which all are looked at, and queries of what takes seconds


def pooled_in_faiss(
    base: Enlarged, matcher: Matcher, asked: list[dict], truth: np.ndarray, photos: int
) -> Iterator[dict]:
    """One vector a photo in FAISS: exact in int8, and in a graph (HNSW)."""
    import faiss

    faiss.omp_set_num_threads(1)  # waiting threads would count as busy
    means = np.empty((photos, matcher.dim), np.float32)
    for first in range(0, photos, BLOCK):
        means[first : first + BLOCK] = unit(base.block(first // BLOCK)[: photos - first].mean(1))
    kinds = {"SQ8": "pooled vector in FAISS, SQ8", "HNSW32,SQ8": "pooled vector in FAISS, HNSW32"}
    for kind, name in kinds.items():
        began = time.process_time()
        index = faiss.index_factory(matcher.dim, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(means[:20_000])
        index.add(means)
        built = time.process_time() - began
        if kind.startswith("HNSW"):
            index.hnsw.efSearch = 128

        def search(sentence: str, index: object = index) -> list[int]:
            found = matcher.encode_captions([sentence])
            asked = found.vectors[0, : found.lengths[0]].mean(0)
            return index.search(asked[None], 10)[1][0].tolist()  # type: ignore[attr-defined]

        size = len(faiss.serialize_index(index)) / photos
        extra = {"bytes": size, "build_processor_s": built, **memory_mb()}
        yield measure(name, search, asked, truth) | extra


def maxsim_in_qdrant(
    folder: Path,
    base: Enlarged,
    matcher: Matcher,
    asked: list[dict],
    truth: np.ndarray,
    photos: int,
) -> Iterator[dict]:
    """All region vectors in Qdrant's embedded engine: exact MaxSim, no graph, as it advises."""
    import qdrant_edge as q

    began = time.process_time()
    vectors = q.EdgeVectorParams(
        matcher.dim,
        q.Distance.Dot,
        datatype=q.VectorStorageDatatype.Float16,
        multivector_config=q.MultiVectorConfig(q.MultiVectorComparator.MaxSim),
        hnsw_config=q.HnswIndexConfig(0, 100, 10_000),
    )
    folder.mkdir(parents=True)
    shard = q.EdgeShard.create(str(folder), q.EdgeConfig(vectors))
    for first in range(0, photos, BLOCK):
        block = base.block(first // BLOCK)[: photos - first]
        for start in range(0, len(block), 256):
            points = [
                q.Point(first + start + row, photo.tolist())
                for row, photo in enumerate(block[start : start + 256])
            ]
            shard.update(q.UpdateOperation.upsert_points(points))
    shard.flush()
    shard.optimize()
    built = time.process_time() - began

    def search(sentence: str) -> list[int]:
        found = matcher.encode_captions([sentence])
        words = found.vectors[0, : found.lengths[0]]
        request = q.QueryRequest(10, query=q.Query.Nearest(words.tolist()))
        return [point.id for point in shard.query(request)]

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / photos
    extra = {"bytes": size, "build_processor_s": built, **memory_mb()}
    yield measure("all regions in Qdrant, MaxSim", search, asked, truth) | extra
    shard.close()


def maxsim_in_lancedb(
    folder: Path,
    base: Enlarged,
    matcher: Matcher,
    asked: list[dict],
    truth: np.ndarray,
    photos: int,
) -> Iterator[dict]:
    """All region vectors in LanceDB: MaxSim by an index of its RaBitQ codes, the best refined."""
    import lancedb
    import pyarrow as pa

    database, spent = lancedb.connect(str(folder)), {}
    if "photos" in database.list_tables().tables:  # from a run before
        table = database.open_table("photos")
    else:
        began = time.process_time()
        kind = pa.list_(pa.list_(pa.float16(), matcher.dim))
        schema = pa.schema([("id", pa.int64()), ("vector", kind)])
        table = database.create_table("photos", _batches(base, photos, schema), schema=schema)
        spent["build_written_s"] = time.process_time() - began
        table.create_index("cosine", vector_column_name="vector", index_type="IVF_RQ")
        spent["build_processor_s"] = time.process_time() - began
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / photos

    def ask(sentence: str, *, every: bool) -> list[int]:
        found = matcher.encode_captions([sentence])
        words = found.vectors[0, : found.lengths[0]]
        query = table.search(words, query_type="vector")
        query = query.distance_type("cosine").limit(10).select(["id", "_distance"])
        query = query.bypass_vector_index() if every else query.refine_factor(10)
        return query.to_arrow()["id"].to_pylist()

    name = "all regions in LanceDB, MaxSim, RaBitQ"
    found = measure(name, partial(ask, every=False), asked, truth)
    yield found | {"bytes": size, **spent} | memory_mb()
    if photos == EVERY:
        few = measure(
            "all regions in LanceDB, MaxSim, every photo",
            partial(ask, every=True),
            asked[:FEW],
            truth[:FEW],
        )
        few["build_processor_s"] = spent.get("build_written_s", float("nan"))
        yield few | {"bytes": size} | memory_mb()


def _batches(base: Enlarged, photos: int, schema: object) -> Iterator[object]:
    """Photos as LanceDB takes them: a list of vectors a row."""
    import pyarrow as pa

    for first in range(0, photos, BLOCK):
        block = base.block(first // BLOCK)[: photos - first]
        flat = pa.array(block.astype(np.float16).reshape(-1))
        vectors = pa.FixedSizeListArray.from_arrays(flat, block.shape[2])
        starts = pa.array(np.arange(0, len(vectors) + 1, block.shape[1], dtype=np.int32))
        ids = pa.array(np.arange(first, first + len(block)))
        yield pa.RecordBatch.from_arrays(
            [ids, pa.ListArray.from_arrays(starts, vectors)], schema=schema
        )
