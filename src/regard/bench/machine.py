"""What a measurement was made on."""

import os
import platform
from pathlib import Path

import numpy as np
import torch

_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe() -> dict[str, str]:
    """Processor, instruction sets that matter, cores, memory and versions, in words."""
    facts = _cpu_facts()
    flags = facts.get("flags", "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "instructions": ", ".join(flag for flag in _FLAGS if flag in flags) or "unknown",
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _cpu_facts() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; nothing where there is no such file."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="ascii").split("\n\n")[0] if path.exists() else ""
    pairs = (line.split(":", 1) for line in lines.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
