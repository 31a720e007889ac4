"""The model's scores, fast: the same numbers as `core.attention`, by better ways of computing.

Knows three ways (the readable reference, operations on arrays, one compiled CPU kernel) and which
to take when; knows nothing of files, models, retrieval or how similarities are used. Torch is
never needed; its tensors are taken and given back where it is there.

`similarity_matrix` scores arrays once. Callers who score one side many times `prepare` it, keep
it, and `score` it against others.
"""

from regard.kernels.maps import AttentionMaps, attention
from regard.kernels.matrix import Backend, similarity_matrix
from regard.kernels.precision import Choice, Stage, Wanted, chosen
from regard.kernels.prepared import Precision, Prepared, prepare
from regard.kernels.tiles import Engine, fused_available, score
from regard.kernels.workers import Progress, set_threads

__all__ = [
    "AttentionMaps",
    "Backend",
    "Choice",
    "Engine",
    "Precision",
    "Prepared",
    "Progress",
    "Stage",
    "Wanted",
    "attention",
    "chosen",
    "fused_available",
    "prepare",
    "score",
    "set_threads",
    "similarity_matrix",
]
