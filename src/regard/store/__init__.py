"""Arrays on disk: region stores, their shards and manifest, small files of arrays.

Knows files of numbers. Knows nothing of what they mean.
"""
