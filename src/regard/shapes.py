"""Shapes in signatures, by jaxtyping's names: read by people, type checkers and tests.

Loading jaxtyping takes longer than loading numpy does. So a process that has not loaded it before,
as tests do, gets names that keep the shape as a note and check nothing.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Int as Int
    from jaxtyping import Int8 as Int8
    from jaxtyping import Shaped as Shaped
    from jaxtyping import UInt8 as UInt8
    from jaxtyping import UInt16 as UInt16
else:

    class _Kind:
        """Numbers of an array."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __getitem__(self, given: tuple[Any, str]) -> Any:
            """An array of these, with its shape."""
            array, shape = given
            return Annotated[array, f"{self.name} {shape}"]

    Bool, Float, Int, Int8 = map(_Kind, ("Bool", "Float", "Int", "Int8"))
    Shaped, UInt8, UInt16 = map(_Kind, ("Shaped", "UInt8", "UInt16"))
