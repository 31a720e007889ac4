"""What the folders of runs hold, by name, for those who only look into them."""

from pathlib import Path

BEST, LOG, STARTS = "best", "log.jsonl", "starts.jsonl"
_SEED = "seed-"


def folder_of_seed(folder: Path, seed: int) -> Path:
    """Where one of several runs is that differ in their seed."""
    return folder / f"{_SEED}{seed}"


def runs_in(folder: Path) -> list[Path]:
    """A run's folder itself, or those of its seeds."""
    seeds = [path for path in folder.glob(f"{_SEED}*") if path.name[len(_SEED) :].isdecimal()]
    return sorted(seeds, key=lambda path: int(path.name[len(_SEED) :])) or [folder]


def models_in(name: str) -> list[str]:
    """A model's name or folder itself, or the best models of a run or of its seeds."""
    runs = [run / BEST for run in runs_in(Path(name)) if (run / BEST).is_dir()]
    return [str(best) for best in runs] or [name]
