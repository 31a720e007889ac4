"""Which processor this is and which instructions it has, as far as that can be asked."""

import os
import platform
from functools import cache
from pathlib import Path

_FACTS = Path("/proc/cpuinfo")  # Linux's


@cache
def processor() -> str:
    """The processor's name, in its maker's words where they can be had."""
    for line in _FACTS.read_text("ascii").splitlines() if _FACTS.exists() else ():
        name, _, words = line.partition(":")
        if name.strip() == "model name":
            return words.strip()
    return platform.processor() or platform.machine()


@cache
def instructions() -> frozenset[str]:
    """Sets of instructions by LLVM's names; none where llvmlite is broken."""
    try:
        from llvmlite.binding import get_host_cpu_features

        return frozenset(name for name, there in get_host_cpu_features().items() if there)
    except Exception:  # noqa: BLE001 - a broken llvmlite may raise anything
        return frozenset()


def multiplies_bfloat16() -> bool:
    """Whether the kernel's own products of bfloat16 numbers run here (AVX512-BF16)."""
    return "avx512bf16" in instructions()


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
