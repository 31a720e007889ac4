"""What a measurement was made on."""

import os
import platform

import numpy as np

from regard.kernels.hardware import instructions, processor
from regard.provenance import version

_TOLD = ("avx2", "avx512f", "avx512bf16", "amx-bf16")


def describe() -> dict[str, str]:
    """Processor, instruction sets that matter, cores, memory and versions, in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "instructions": ", ".join(name for name in _TOLD if name in instructions()) or "unknown",
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": np.__version__,
    }
