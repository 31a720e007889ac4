"""An index's pooled vectors, or all its region vectors, as one Parquet file.

For whatever reads Parquet: DuckDB, Spark, pandas, or Lance (`lance.write_dataset` takes the
table as it is).
"""

from pathlib import Path

import numpy as np

from regard.extras import bring
from regard.search.index import Index
from regard.store.atomic import replacing


def write_parquet(index: Index, path: str | Path, *, regions: bool = False) -> int:
    """Write one row a photo: id, path, width, height, taken, vector (D float32, unit length).

    Args:
        path: of the file, replaced as one step when all is written.
        regions: also write `regions`, the photo's region vectors one after another in float16.

    Returns:
        How many photos were written.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    names = ("pyarrow", "pyarrow.parquet")
    pa, pq = (bring(name, "parquet", "a Parquet file") for name in names)
    path = Path(path)
    vector = pa.list_(pa.float32(), index.model.dim)
    fields = {"id": pa.string(), "path": pa.string(), "width": pa.int32(), "height": pa.int32()}
    fields |= {"taken": pa.timestamp("s"), "vector": vector}
    if regions:
        fields["regions"] = pa.list_(pa.float16())
    schema = pa.schema(list(fields.items()), metadata={"regard_model": index.model.identity})
    written = 0
    with (
        replacing(path) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for ids, vectors in index.pooled():
            photos = [index.photo(photo_id) for photo_id in ids]
            columns = [
                ids,
                [str(photo.path) for photo in photos],
                [photo.width for photo in photos],
                [photo.height for photo in photos],
                [photo.taken for photo in photos],
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
            ]
            if regions:
                columns.append(
                    [np.float16(index.regions(photo_id).vectors).ravel() for photo_id in ids]
                )
            arrays = [
                column if isinstance(column, pa.Array) else pa.array(column, field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            written += len(ids)
    return written
