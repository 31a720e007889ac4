"""The model's scores, fast: the same numbers as `core.attention`, by better ways of computing.

Knows three ways (the readable reference, torch operations, one compiled CPU kernel) and which to
take when; knows nothing of files, models, retrieval or how similarities are used.

`similarity_matrix` scores arrays once. Callers who score one side many times `prepare` it, keep
it, and `score` it against others.
"""

from regard.kernels.hardware import fast_bfloat16
from regard.kernels.maps import AttentionMaps, attention
from regard.kernels.matrix import Backend, similarity_matrix
from regard.kernels.prepared import Facts, Precision, Prepared, join, prepare
from regard.kernels.tiles import fused_available, score
from regard.kernels.workers import Progress

__all__ = [
    "AttentionMaps",
    "Backend",
    "Facts",
    "Precision",
    "Prepared",
    "Progress",
    "attention",
    "fast_bfloat16",
    "fused_available",
    "join",
    "prepare",
    "score",
    "similarity_matrix",
]
