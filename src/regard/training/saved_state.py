"""All that training goes on with after an interruption, in one file written whole.

Tensors by name, and where it stands as plain values; nothing is pickled.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from regard.errors import CheckpointError
from regard.store.atomic import replacing

_MOMENTS = "optimizer"


def save(path: Path, tensors: Mapping[str, Tensor], position: dict[str, Any]) -> None:
    """Replace the file; killed half-way, the one before is still whole."""
    with replacing(path) as partial:
        whole = {name: value.cpu().contiguous() for name, value in tensors.items()}
        save_file(whole, partial, {"position": json.dumps(position)})


def position(path: Path) -> dict[str, Any]:
    """Where training stands; nothing where nothing was saved yet.

    Raises:
        CheckpointError: the file is damaged.
    """
    if not path.exists():
        return {}
    with _opened(path) as file:
        stands: dict[str, Any] = json.loads(file.metadata()["position"])
        return stands


def load(path: Path) -> dict[str, Tensor]:
    """The tensors by name.

    Raises:
        CheckpointError: the file is damaged.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); it must be the state of a run. Delete it to begin "
            "the run anew."
        ) from None


def parts(**modules: torch.nn.Module) -> dict[str, Tensor]:
    """Tensors of several modules by name."""
    return {
        f"{part}.{name}": value
        for part, module in modules.items()
        for name, value in module.state_dict().items()
    }


def put(tensors: Mapping[str, Tensor], **modules: torch.nn.Module) -> None:
    """Give modules the tensors `parts` named."""
    for part, module in modules.items():
        module.load_state_dict(_below(tensors, part))


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimizer's moments by name."""
    return {
        f"{_MOMENTS}.{number}.{name}": value
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def put_moments(tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Give an optimizer its moments."""
    state: dict[int, dict[str, Tensor]] = {}
    for place, value in _below(tensors, _MOMENTS).items():
        number, _, name = place.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _below(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{part}."): value
        for name, value in tensors.items()
        if name.startswith(f"{part}.")
    }
