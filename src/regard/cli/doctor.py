"""regard doctor: what this installation is and whether it is whole."""

from typing import Any

from regard.cli import options
from regard.cli.common import notes, print_json
from regard.provenance import MISSING

_TRAINING = "not installed; training needs it: pip install 'regard[train]'"


def doctor(as_json: options.Json = False) -> None:
    """Versions, the machine, which precision it computes quicker in, and the shipped weights.

    What is measured once and kept, is measured now if it has not been yet.
    """
    report = {"versions": _versions(), "machine": _machine()}
    report |= {"precision": _precision(), "weights": _weights()}
    if as_json:
        print_json(report)
        return
    for title, rows in report.items():
        print(title)
        for name, value in rows.items():
            print(f"  {name:24} {value}")
    lacking = [
        f"{title.removesuffix('s')} {name}"
        for title in ("versions", "weights")
        for name, value in report[title].items()
        if value == MISSING
    ]
    if lacking:
        notes.print(f"[red]Not whole:[/red] {', '.join(lacking)}. Reinstall regard.")


def _versions() -> dict[str, Any]:
    from regard.provenance import versions

    found = versions()
    return found | ({"torch": _TRAINING} if found["torch"] == MISSING else {})


def _machine() -> dict[str, Any]:
    from regard.bench.machine import describe

    return {name: value for name, value in describe().items() if name not in ("python", "torch")}


def _precision() -> dict[str, Any]:
    from regard.kernels.precision import described

    return dict(described())


def _weights() -> dict[str, Any]:
    """The files that ship with the package, and the first digits of their sha256."""
    import hashlib
    from pathlib import Path

    import regard
    from regard.model.checkpoint import shipped_models

    folder = Path(regard.__file__).parent / "weights"
    names = [f"{model}/model.safetensors" for model in shipped_models() or ("flickr8k",)]
    names += ["backbone.onnx", "sentence_encoder/weights.safetensors"]
    digests = {}
    for name in names:
        path = folder / name
        whole = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest()
        digests[name] = f"sha256 {whole[:16]}" if whole else MISSING
    return digests
