"""How work that takes long tells how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""


def silent(_done: int, _all: int) -> None:
    """Tell nobody."""
