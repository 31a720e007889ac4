"""What a run learns on. It is no part of a recipe: a run may go on elsewhere."""

from dataclasses import dataclass
from pathlib import Path

from regard.core.network import MatchingModel
from regard.device import PROCESSOR
from regard.errors import ConfigError
from regard.training.precision import round_to_tf32
from regard.training.ranks import ALONE, Ranks


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A device, how it is used, and where it keeps what can be made again."""

    device: str = PROCESSOR
    """As `regard.device.usable_device` gives it."""
    compiled: bool = False
    """Whether torch compiles the encoders."""
    cache: Path | None = None
    """Folder for word states and projected features; None keeps them within the run."""
    ranks: Ranks = ALONE
    """The process among those that train together."""

    def prepare(self, model: MatchingModel, precision: str) -> None:
        """Make a network ready to learn here.

        Raises:
            ConfigError: the processor's own step cannot be compiled.
        """
        if self.device != PROCESSOR:
            round_to_tf32(precision == "tf32")
        if not self.compiled:
            return
        if self.device == PROCESSOR:
            raise ConfigError(
                f"device is {self.device!r}; it must be a graphics card for the encoders to be "
                "compiled, since a processor has a quicker step of its own. Leave --compile out."
            )
        model.regions.compile()
        model.words.compile()


DEFAULT_MACHINE = Machine()
