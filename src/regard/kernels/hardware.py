"""What this processor multiplies quickly."""

from functools import cache

import torch


@cache
def fast_bfloat16() -> bool:
    """Whether bfloat16 products run in hardware, rather than emulated, on this CPU."""
    return _has("_is_avx512_bf16_supported") or matrix_bfloat16()


@cache
def vector_bfloat16() -> bool:
    """Whether vector instructions multiply bfloat16, and no faster matrix unit does."""
    return _has("_is_avx512_bf16_supported") and not matrix_bfloat16()


@cache
def matrix_bfloat16() -> bool:
    """Whether a matrix unit (AMX) multiplies bfloat16."""
    return _has("_is_amx_tile_supported")


def _has(name: str) -> bool:
    check = getattr(torch.cpu, name, None)  # torch keeps these to itself, and may drop them
    return check is not None and bool(check())
