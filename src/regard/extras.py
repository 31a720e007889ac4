"""What comes with an extra: imported where it is asked for."""

import importlib
from typing import Any

from regard.errors import ConfigError


def bring(module: str, extra: str, who: str) -> Any:
    """Import a module that an extra brings.

    Args:
        who: must have it, for the error.

    Raises:
        ConfigError: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{error.name or module} cannot be imported ({error}); {who} must have it. "
            f"Run: pip install 'regard[{extra}]'"
        ) from None
