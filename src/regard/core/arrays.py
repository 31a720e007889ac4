"""The functions of an array's own library, by the names of the Python array API standard."""

from types import ModuleType
from typing import Any

import numpy as np
from array_api_compat import array_namespace


def namespace(array: Any) -> ModuleType:
    """numpy, which follows the standard itself since 2.1, or torch's functions in line with it.

    numpy's are not asked of the library that brings others in line, whose import of all of numpy
    a cold start would pay for.
    """
    if isinstance(array, np.ndarray | np.generic):
        return np
    own: ModuleType = array_namespace(array)
    return own
