"""What a user would take instead, on the same vectors."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from enlarge import BLOCK, Enlarged, unit
from measure import measure, memory_mb

from regard.matcher import Matcher


def pooled_in_faiss(
    base: Enlarged, matcher: Matcher, asked: list[dict], truth: np.ndarray, photos: int
) -> Iterator[dict]:
    """One vector a photo in FAISS: exact in int8, and in a graph (HNSW)."""
    import faiss

    faiss.omp_set_num_threads(1)  # waiting threads would count as busy
    means = np.empty((photos, matcher.dim), np.float32)
    for first in range(0, photos, BLOCK):
        means[first : first + BLOCK] = unit(base.block(first // BLOCK)[: photos - first].mean(1))
    kinds = {"SQ8": "pooled vector in FAISS, SQ8"}
    if photos <= 20_000:  # the graph takes minutes to build beyond
        kinds["HNSW32,SQ8"] = "pooled vector in FAISS, HNSW32"
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
    folder: Path, base: Enlarged, matcher: Matcher, asked: list[dict], truth: np.ndarray
) -> Iterator[dict]:
    """All region vectors in Qdrant's embedded engine: exact MaxSim, no graph, as it advises."""
    import qdrant_edge as q

    photos = 10_000
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
    folder: Path, base: Enlarged, matcher: Matcher, asked: list[dict], truth: np.ndarray
) -> Iterator[dict]:
    """All region vectors in LanceDB: MaxSim by its index, then of every photo as it also can."""
    import lancedb
    import pyarrow as pa

    photos, regions = 10_000, base.vectors.shape[1]
    began = time.process_time()
    kind = pa.list_(pa.list_(pa.float16(), matcher.dim))
    schema = pa.schema([("id", pa.int64()), ("vector", kind)])

    def batches() -> Iterator[object]:
        for first in range(0, photos, BLOCK):
            block = base.block(first // BLOCK)[: photos - first]
            flat = pa.array(block.astype(np.float16).reshape(-1))
            vectors = pa.FixedSizeListArray.from_arrays(flat, matcher.dim)
            starts = pa.array(np.arange(0, len(vectors) + 1, regions, dtype=np.int32))
            ids = pa.array(np.arange(first, first + len(block)))
            yield pa.RecordBatch.from_arrays(
                [ids, pa.ListArray.from_arrays(starts, vectors)], schema=schema
            )

    database, spent = lancedb.connect(str(folder)), {}
    if "photos" in database.table_names():  # from a run before
        table = database.open_table("photos")
    else:
        table = database.create_table("photos", batches(), schema=schema)
        spent["every photo"] = time.process_time() - began
        table.create_index("cosine", vector_column_name="vector", index_type="IVF_PQ")
        spent["IVF-PQ"] = time.process_time() - began
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / photos

    def ask(sentence: str, *, every: bool) -> list[int]:
        found = matcher.encode_captions([sentence])
        query = table.search(found.vectors[0, : found.lengths[0]], query_type="vector")
        query = query.distance_type("cosine").limit(10).select(["id", "_distance"])
        query = query.bypass_vector_index() if every else query.refine_factor(10)
        return query.to_arrow()["id"].to_pylist()

    for how, some in (("IVF-PQ", len(asked)), ("every photo", 10)):
        search = partial(ask, every=how == "every photo")
        found = measure(
            f"all regions in LanceDB, MaxSim, {how}", search, asked[:some], truth[:some]
        )
        took = {"build_processor_s": spent[how]} if how in spent else {}
        yield found | {"bytes": size, **took} | memory_mb()
