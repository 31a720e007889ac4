"""Memory kept between steps instead of being returned to the system and faulted in again.

A step frees and asks for the same large blocks every time. The GNU C library gives large blocks
back at once, and the system must clear each page anew. The settings made here are those its
environment variables make, for the whole process, so only programs should ask for them.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # from malloc.h


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed; gives False where it is not the GNU one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    settings = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20))
    done = [int(mallopt(name, value)) for name, value in settings]  # 1 where it took
    return sum(done) == len(settings)
