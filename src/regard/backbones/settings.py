"""How a backbone is named on a command line: its name, and what is chosen of it.

    siglip2-b16              a known short name
    google/tipsv2-b14        a name on the hub
    ./my-clip                a folder
    tipsv2-b14:grid          with a region for each patch
    tipsv2-b14:synthetic     with the class token that was taught by synthetic captions
    tipsv2-b14@cuda          on a graphics card

Knows names; loads nothing.
"""

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from regard.device import PROCESSOR
from regard.errors import CheckpointError, ConfigError
from regard.regions.extractor import at_device

Kind = Literal["pyramid", "grid"]
_CHOICES = ("grid", "synthetic")
_LOCATED = re.compile(r"(.+)@(cuda(?::\d+)?|mps)")
_KNOWN = Path(__file__).with_name("known.json")


@dataclass(frozen=True)
class Choice:
    """A backbone that was asked for."""

    name: str
    """Short name, name on the hub, or folder."""
    regions: Kind = "pyramid"
    synthetic: bool = False
    """Take TIPSv2's class token of synthetic captions for the whole photo."""
    device: str = PROCESSOR
    """Where it computes, which changes nothing of what it is."""

    def __str__(self) -> str:
        """As it is asked for, wherever it computes."""
        return f"{self.name}{':grid' * (self.regions == 'grid')}{':synthetic' * self.synthetic}"

    @property
    def located(self) -> str:
        """As it is asked for, and where it is to compute."""
        return at_device(str(self), self.device)

    def placed(self) -> "Choice":
        """The same, a folder named from the root."""
        folder = Path(self.name)
        return replace(self, name=str(folder.resolve())) if folder.is_dir() else self

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read what people type."""
        located = _LOCATED.fullmatch(text)
        name, device = located.groups() if located else (text, PROCESSOR)
        chosen = set()
        while name.rpartition(":")[2] in _CHOICES and ":" in name:
            name, _, last = name.rpartition(":")
            chosen.add(last)
        regions: Kind = "grid" if "grid" in chosen else "pyramid"
        return cls(name, regions, "synthetic" in chosen, device)


class Known(NamedTuple):
    """A published backbone that is known to work here."""

    short: str
    """What it is called here."""
    repository: str
    """Its name on the hub."""
    family: str
    megabytes: int
    """Of its weights, as float32."""
    licence: str
    """By its card."""
    languages: str
    maps: str
    """dense, a vector a patch that was taught to match words, or coarse, by masked pooling."""
    published: dict[str, dict[str, float]]
    """Figures of its makers by data set, not run by us; empty where there are none to compare
    with."""

    @property
    def told(self) -> str:
        """What was published, in words."""
        return "; ".join(
            f"{data} {', '.join(f'{name} {value:.1f}' for name, value in figures.items())}"
            for data, figures in self.published.items()
        )


@cache
def known() -> dict[str, Known]:
    """Published backbones by short name."""
    tree = json.loads(_KNOWN.read_text(encoding="utf-8"))
    return {short: Known(short, **about) for short, about in tree.items()}


def repository_of(name: str) -> str:
    """Name on the hub of a short one; others stay as they are."""
    about = known().get(name)
    return about.repository if about else name


def is_backbone(text: str) -> bool:
    """Whether a model's name or folder is one of a backbone rather than of a Regard model."""
    choice = Choice.parse(text)
    config = Path(choice.name) / "config.json"
    if config.is_file():
        try:
            tree = json.loads(config.read_text(encoding="utf-8"))
        except ValueError:
            return False
        return isinstance(tree, dict) and "model_type" in tree and "format" not in tree
    return choice.name in known() or _is_hub_name(choice.name)


def _is_hub_name(name: str) -> bool:
    """owner/name, and no path of this machine."""
    parts = name.split("/")
    return len(parts) == 2 and all(parts) and name[0] not in ".~" and not Path(parts[0]).exists()


def refuse_choice(choice: Choice, family: str) -> None:
    """Refuse what a family does not offer.

    Raises:
        ConfigError: only TIPSv2 has a second class token.
    """
    if choice.synthetic and family != "tipsv2":
        raise ConfigError(
            f"model is {str(choice)!r}; only TIPSv2 has a class token of synthetic captions, and "
            f"this is {family}. Leave :synthetic out."
        )


def missing(name: str) -> CheckpointError:
    """What is said where a backbone's weights are not on this machine."""
    about = known().get(name)
    size = f", {about.megabytes} MB" if about else ""
    return CheckpointError(
        f"model {name!r} is not on this machine; its weights must be downloaded once{size}, and "
        f"nothing is without being asked. Run: regard models get {name}"
    )
