"""What was fitted for a backbone on somebody's captions, kept beside no one's weights.

A backbone's own folder is the hub's, so curves, background and the words' weight lie in the user's
data folder, by the digest of the backbone. None ships: without captions nothing is fitted.
"""

from pathlib import Path
from typing import Any, NamedTuple

from regard.backbones.loading import Loaded
from regard.backbones.settings import Choice
from regard.backbones.support import Support
from regard.errors import CheckpointError
from regard.model.background import FILE, Background
from regard.store import json_files

_FILE = "fitted.json"
_REMEDY = "Make it anew with `regard calibrate`."


class Fitted(NamedTuple):
    """What was learned from captions."""

    info: dict[str, Any]
    """Curves and what was measured, as in any model's configuration."""
    weight: float = 0.0
    """How much SCAN's similarity of the words counts beside the whole."""
    background: Background | None = None
    """What queries are compared with, to tell whether anything fits."""
    support: Support | None = None
    """What words are held against, to tell whether a photo shows what they name."""


NOTHING = Fitted({})


def folder_of_fits(choice: Choice, loaded: Loaded) -> Path:
    """Where what is fitted for a backbone lies."""
    from platformdirs import user_data_path

    chosen = f"{choice.regions}{'-synthetic' if choice.synthetic else ''}"
    return user_data_path("regard") / "backbones" / f"{loaded.digest}-{chosen}"


def save_fitted(folder: Path, fitted: Fitted) -> None:
    """Write what was fitted; it takes the place of what was."""
    folder.mkdir(parents=True, exist_ok=True)
    if fitted.background is not None:
        fitted.background.save(folder)
    support = fitted.support and fitted.support.tree()
    tree = {"weight": fitted.weight, "info": fitted.info, "support": support}
    json_files.write(folder / _FILE, tree)


def load_fitted(folder: Path) -> Fitted:
    """Read what was fitted; nothing where nothing was.

    Raises:
        CheckpointError: it is damaged.
    """
    if not (folder / _FILE).is_file():
        return NOTHING
    tree = json_files.read(folder / _FILE, "what was fitted for a backbone", _REMEDY)
    try:
        weight, info = float(tree["weight"]), dict(tree["info"])
        support = tree["support"] and Support.of(tree["support"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder / _FILE} cannot be read ({error}); it must hold weight, info and support. "
            f"{_REMEDY}"
        ) from None
    background = Background.load(folder) if (folder / FILE).is_file() else None
    return Fitted(info, weight, background, support)
