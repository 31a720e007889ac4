"""What this processor multiplies quickly."""

from functools import cache

import torch


@cache
def fast_bfloat16() -> bool:
    """Whether bfloat16 products run in hardware, rather than emulated, on this CPU."""
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        check = getattr(torch.cpu, name, None)
        if check is not None and check():
            return True
    return False
