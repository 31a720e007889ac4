"""What a user would take instead, on the same vectors."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from enlarge import BLOCK, Enlarged, unit
from measure import measure, memory_mb

from regard.model.model import Model

EVERY, FEW = 10_000, 10  # photos at which all are looked at, and queries of what takes seconds


class Ground(NamedTuple):
    """What every way is measured on."""

    base: Enlarged
    model: Model
    asked: list[dict]
    truth: np.ndarray
    photos: int

    def blocks(self) -> Iterator[np.ndarray]:
        """Region vectors of all photos, in order."""
        for first in range(0, self.photos, BLOCK):
            yield self.base.block(first // BLOCK)[: self.photos - first]

    def words(self, sentence: str) -> np.ndarray:
        """(W, D) word vectors of a sentence."""
        found = self.model.encode_captions([sentence])
        return found.vectors[0, : found.lengths[0]]


def pooled_in_faiss(ground: Ground) -> Iterator[dict]:
    """One vector a photo in FAISS: exact in int8, and in a graph (HNSW)."""
    import faiss

    faiss.omp_set_num_threads(1)  # waiting threads would count as busy
    means = np.empty((ground.photos, ground.model.dim), np.float32)
    for number, block in enumerate(ground.blocks()):
        means[number * BLOCK : number * BLOCK + len(block)] = unit(block.mean(1))
    kinds = {"SQ8": "pooled vector in FAISS, SQ8", "HNSW32,SQ8": "pooled vector in FAISS, HNSW32"}
    for kind, name in kinds.items():
        began = time.process_time()
        index = faiss.index_factory(ground.model.dim, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(means[:20_000])
        index.add(means)
        built = time.process_time() - began
        if kind.startswith("HNSW"):
            index.hnsw.efSearch = 128

        def search(sentence: str, index: object = index) -> list[int]:
            asked = ground.words(sentence).mean(0)
            return index.search(asked[None], 10)[1][0].tolist()  # type: ignore[attr-defined]

        size = len(faiss.serialize_index(index)) / ground.photos
        extra = {"bytes": size, "build_processor_s": built, **memory_mb()}
        yield measure(name, search, ground.asked, ground.truth) | extra


def maxsim_in_qdrant(folder: Path, ground: Ground) -> Iterator[dict]:
    """All region vectors in Qdrant's embedded engine: exact MaxSim, no graph, as it advises."""
    import qdrant_edge as q

    spent = {}
    if folder.exists():  # from a run before
        shard = q.EdgeShard.load(str(folder))
    else:
        began = time.process_time()
        folder.mkdir(parents=True)
        shard = q.EdgeShard.create(str(folder), q.EdgeConfig(_regions_in_qdrant(ground)))
        for number, block in enumerate(ground.blocks()):
            for start in range(0, len(block), 256):
                points = [
                    q.Point(number * BLOCK + start + row, photo.tolist())
                    for row, photo in enumerate(block[start : start + 256])
                ]
                shard.update(q.UpdateOperation.upsert_points(points))
            shard.flush()  # its log, longer than the vectors, is let go
        spent["build_processor_s"] = time.process_time() - began

    def search(sentence: str) -> list[int]:
        request = q.QueryRequest(10, query=q.Query.Nearest(ground.words(sentence).tolist()))
        return [point.id for point in shard.query(request)]

    extra = {"bytes": on_disk(folder) / ground.photos, **spent}
    found = measure("all regions in Qdrant, MaxSim", search, ground.asked, ground.truth)
    yield found | extra | memory_mb()
    shard.close()


def _regions_in_qdrant(ground: Ground) -> object:
    import qdrant_edge as q

    return q.EdgeVectorParams(
        ground.model.dim,
        q.Distance.Dot,
        datatype=q.VectorStorageDatatype.Float16,
        multivector_config=q.MultiVectorConfig(q.MultiVectorComparator.MaxSim),
        hnsw_config=q.HnswIndexConfig(0, 100, 10_000),
    )


def maxsim_in_lancedb(folder: Path, ground: Ground) -> Iterator[dict]:
    """All region vectors in LanceDB: MaxSim by an index of its RaBitQ codes, the best refined."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import IvfRq

    database, spent = lancedb.connect(str(folder)), {}
    if "photos" in database.list_tables().tables:  # from a run before
        table = database.open_table("photos")
    else:
        began = time.process_time()
        kind = pa.list_(pa.list_(pa.float16(), ground.model.dim))
        schema = pa.schema([("id", pa.int64()), ("vector", kind)])
        table = database.create_table("photos", _batches(ground, schema), schema=schema)
        spent["build_written_s"] = time.process_time() - began
        table.create_index("vector", config=IvfRq(distance_type="cosine"))
        spent["build_processor_s"] = time.process_time() - began

    def ask(sentence: str, *, every: bool) -> list[int]:
        query = table.search(ground.words(sentence), query_type="vector")
        query = query.distance_type("cosine").limit(10).select(["id", "_distance"])
        query = query.bypass_vector_index() if every else query.refine_factor(10)
        return query.to_arrow()["id"].to_pylist()

    size = {"bytes": on_disk(folder) / ground.photos}
    name = "all regions in LanceDB, MaxSim, RaBitQ"
    found = measure(name, partial(ask, every=False), ground.asked, ground.truth)
    yield found | size | spent | memory_mb()
    if ground.photos == EVERY:
        few = ground.asked[:FEW], ground.truth[:FEW]
        name = "all regions in LanceDB, MaxSim, every photo"
        found = measure(name, partial(ask, every=True), *few)
        found["build_processor_s"] = spent.get("build_written_s", float("nan"))
        yield found | size | memory_mb()


def on_disk(folder: Path) -> int:
    """Bytes that a folder takes; files with holes count what is written of them."""
    return sum(512 * path.stat().st_blocks for path in folder.rglob("*") if path.is_file())


def _batches(ground: Ground, schema: object) -> Iterator[object]:
    """Photos as LanceDB takes them: a list of vectors a row."""
    import pyarrow as pa

    for number, block in enumerate(ground.blocks()):
        flat = pa.array(block.astype(np.float16).reshape(-1))
        vectors = pa.FixedSizeListArray.from_arrays(flat, block.shape[2])
        starts = pa.array(np.arange(0, len(vectors) + 1, block.shape[1], dtype=np.int32))
        ids = pa.array(np.arange(number * BLOCK, number * BLOCK + len(block)))
        yield pa.RecordBatch.from_arrays(
            [ids, pa.ListArray.from_arrays(starts, vectors)], schema=schema
        )
