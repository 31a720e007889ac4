"""Working memory that is used again and again: fresh memory costs a fault a page."""

import threading
from typing import Any

import numpy as np


class Buffers(threading.local):
    """Arrays by name, of each thread its own; they grow and stay while the thread lives."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}

    def array(self, name: str, size: int, dtype: type = np.float32) -> Any:
        """At least `size` numbers, zero at first."""
        if name not in self.arrays or self.arrays[name].size < size:
            self.arrays[name] = np.zeros(size, dtype)
        return self.arrays[name]
