"""Resident memory a piece of work adds at its peak (Linux)."""

import ctypes
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def _resident(field: str) -> int:
    """A line of the process status, in bytes."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {field}; it must be Linux's. Measure memory on Linux.")


def give_back() -> None:
    """Return what the C library keeps of freed memory to the system, so that it counts again."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak_added(work: Callable[[], object]) -> int:
    """Bytes the resident set grows by at the peak of some work.

    Run it in a fresh process: pages freed before but kept by the allocator hide growth.
    """
    before = _resident("VmRSS")
    _CLEAR.write_text("5", encoding="ascii")  # forget the high-water mark so far
    work()
    return _resident("VmHWM") - before
