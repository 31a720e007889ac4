"""What a measurement was made on."""

import os
import platform
from importlib import metadata

import numpy as np

from regard.kernels.hardware import instructions, processor

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
        "torch": _torch(),
        "numpy": np.__version__,
    }


def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "absent"
