"""Which of two precisions is the quicker here, found by measuring and kept.

A processor that has instructions for bfloat16 may still be quicker in float32, so no flag decides:
each way of computing that this machine offers is timed on a small piece of the work itself, once
for every processor, version of Regard and version of torch. The times lie in the user's folder
for caches. REGARD_PRECISION, float32 or bfloat16, overrules them.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np

from regard.errors import ConfigError
from regard.kernels.hardware import multiplies_bfloat16, processor
from regard.kernels.prepared import Precision, Prepared, prepare
from regard.kernels.tiles import Engine, score
from regard.provenance import version

Stage = Literal["scores", "search", "training"]
"""Many photos with many sentences; one sentence with many photos; products of a training step."""
Wanted = Literal["float32", "bfloat16", "fast"]
VARIABLE = "REGARD_PRECISION"

T = TypeVar("T")

_SIZES = {"scores": (32, 24, 32, 12), "search": (192, 24, 1, 12)}
"""Photos, regions, sentences and words of what is timed."""
_DIM = 512
_TRAINING = (512, 1024, 1024)  # rows, columns and depth of a product
_TURNS = 5
WORTH = 1.08  # times as fast that bfloat16 must be: its numbers are rougher
_HOPELESS = 2.0  # times the least of the first turn, after which a way is not timed again


class Way(NamedTuple):
    """One way of computing."""

    precision: Precision
    engine: Engine


EXACT = Way("float32", "numpy")
"""What is at hand everywhere."""


class Choice(NamedTuple):
    """The quickest way, and how far behind the other precision is."""

    precision: Precision
    engine: Engine
    other: Precision
    ratio: float
    """How many times as long the other precision takes."""


def chosen(stage: Stage, wanted: Wanted = "fast") -> Choice:
    """The quickest way of a precision, or of both.

    Raises:
        ConfigError: REGARD_PRECISION names no precision.
    """
    if wanted == "fast":
        wanted = overruled()
    times = _times(stage, _torch_version(loaded=stage != "training"))
    exact, rough = (
        min((took, way) for way, took in times.items() if way.precision == precision)
        for precision in get_args(Precision)
    )
    widens = rough[1].engine == EXACT.engine  # which no clock can find quicker but by mistake
    pays = not widens and WORTH * rough[0] < exact[0]
    is_rough = wanted == "bfloat16" or (wanted == "fast" and pays)
    best, other = (rough, exact) if is_rough else (exact, rough)
    return Choice(*best[1], other[1].precision, other[0] / best[0])


def described() -> list[tuple[str, str]]:
    """Every stage that runs here, and its choice in words."""
    stages = [s for s in get_args(Stage) if s != "training" or _torch_version(loaded=False)]
    return [(stage, _in_words(chosen(stage))) for stage in stages]


def _in_words(choice: Choice) -> str:
    return (
        f"{choice.precision}, products by {choice.engine}; "
        f"{choice.other} takes {choice.ratio:.2f} times as long"
    )


def overruled() -> Wanted:
    """What REGARD_PRECISION asks for; fast where it does not.

    Raises:
        ConfigError: it names no precision.
    """
    value = os.environ.get(VARIABLE, "fast")
    for wanted in get_args(Wanted):
        if value == wanted:
            return value  # type: ignore[return-value]
    raise ConfigError(
        f"{VARIABLE} is {value!r}; it must be float32 or bfloat16. Unset it to have the quicker "
        "one chosen."
    )


def _torch_version(*, loaded: bool) -> str:
    """Torch's version; empty where it is not installed or, if that matters, not loaded."""
    if loaded:
        return str(sys.modules["torch"].__version__) if "torch" in sys.modules else ""
    with contextlib.suppress(ImportError, ValueError):
        return version("torch") if util.find_spec("torch") is not None else ""
    return ""


def _ways(stage: Stage, torch: str) -> list[Way]:
    """What this machine offers; torch's products where there is a version of it."""
    if stage == "training":
        return [Way("float32", "torch"), Way("bfloat16", "torch")]
    ways = [EXACT, Way("bfloat16", "numpy")]
    ways += [Way("bfloat16", "kernel")] if multiplies_bfloat16() else []
    return ways + ([Way("bfloat16", "torch")] if torch else [])


@cache
def _times(stage: Stage, torch: str) -> dict[Way, float]:
    """Seconds of every way, measured unless they are known from before."""
    ways = _ways(stage, torch)
    key = key_here(stage, torch)
    kept = kept_times(key)
    with contextlib.suppress(KeyError):
        return {way: kept[" ".join(way)] for way in ways}
    times = _measure(_works(stage, ways))
    keep_times(key, {" ".join(way): took for way, took in times.items()})
    return times


def _works(stage: Stage, ways: list[Way]) -> dict[Way, Callable[[], object]]:
    random = np.random.default_rng(0)
    if stage == "training":
        import torch

        rows, columns, depth = _TRAINING
        a, b = (torch.randn(n, depth) for n in (rows, columns))

        def product(kept: Precision) -> Callable[[], object]:
            left, right = (side.to(getattr(torch, kept)) for side in (a, b))
            return lambda: left @ right.T

        return {way: product(way.precision) for way in ways}
    images, regions, captions, words = _SIZES[stage]
    shapes = (images, regions, _DIM), (captions, words, _DIM)
    vectors = [random.standard_normal(shape, np.float32) / _DIM**0.5 for shape in shapes]
    sides: dict[Precision, list[Prepared]] = {
        kept: [prepare(v, precision=kept) for v in vectors] for kept in get_args(Precision)
    }

    def work(way: Way) -> Callable[[], object]:
        a, b = sides[way.precision]
        return lambda: score(a, b, engine=way.engine, threads=1)

    return {way: work(way) for way in ways}


def _measure(works: dict[Way, Callable[[], object]]) -> dict[Way, float]:
    return least_times(works, _TURNS, time.process_time)


def least_times(
    works: Mapping[T, Callable[[], object]], turns: int, clock: Callable[[], float]
) -> dict[T, float]:
    """Least seconds by a clock for each of several works, done in turns."""
    least = dict.fromkeys(works, float("inf"))
    for turn in range(turns + 1):
        for way, work in works.items():
            if turn > 1 and least[way] > _HOPELESS * min(least.values()):
                continue
            began = clock()
            work()
            if turn:  # the first one compiles and fetches
                least[way] = min(least[way], clock() - began)
    return least


def _path() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("regard") / "precision.json"


def _read() -> dict[str, Any]:
    try:
        kept = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def key_here(what: str, torch: str) -> str:
    """Under which name times are kept that hold for this machine and these versions.

    Args:
        torch: its version; empty where it has no part in it.
    """
    return f"{what}; {processor()}; regard {version('regard')}; torch {torch or 'absent'}"


def kept_times(key: str) -> dict[str, float]:
    """Times by name, as they were kept; none where none were."""
    try:
        return {name: float(took) for name, took in _read().get(key, {}).items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def keep_times(key: str, times: Mapping[str, float]) -> None:
    """Add times to what is kept; where no folder can be written they are measured again."""
    path = _path()
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(_read() | {key: dict(times)}, indent=1), "utf-8")
        partial.replace(path)
