"""Answers kept at hand for as long as the index they come from stays the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The last few values by key, all of one generation of the index; safe among threads.

    A value that was being worked out while the index changed goes to whoever asked for it, and is
    not kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._generation = 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, generation: int, key: Hashable, work: Callable[[], V]) -> V:
        """The value of a key, worked out unless it is kept.

        Args:
            generation: of the snapshot that `work` reads; one later than before empties the cache.
        """
        with self._lock:
            if generation > self._generation:
                self._generation = generation
                self._values.clear()
            if generation == self._generation and key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = work()
        with self._lock:
            if generation == self._generation:
                self._values[key] = value
                self._values.move_to_end(key)
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
        return value
