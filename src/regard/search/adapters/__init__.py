"""Candidates from other databases: photos' pooled vectors go there, ids come back to be rescored.

Each file knows one database and an open index. What comes back is scored exactly by
`Index.rescore`, so every database gives the same ranks as far as its candidates go. The databases'
packages are imported on use: `pip install "regard[parquet]"`, `[qdrant]` or `[pgvector]`.
"""
