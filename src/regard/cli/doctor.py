"""regard doctor: what this installation is and whether it is whole."""

from typing import Any

from regard.cli.common import AsJson, notes, print_json


def doctor(as_json: AsJson = False) -> None:
    """Versions, processor, the precision that is quicker here, and weights with their checksums."""
    report = {"versions": _versions(), "machine": _machine()}
    report |= {"precision": _precision(), "weights": _weights()}
    if as_json:
        print_json(report)
        return
    for title, rows in report.items():
        print(title)
        for name, value in rows.items():
            print(f"  {name:24} {value}")
    missing = [name for name, value in report["weights"].items() if "missing" in str(value)]
    if missing:
        notes.print(f"[red]Not whole:[/red] {', '.join(missing)}. Reinstall regard.")


def _versions() -> dict[str, Any]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    packages = ("regard", "torch", "numpy", "numba", "pillow", "safetensors", "tokenizers")
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _machine() -> dict[str, Any]:
    from regard.kernels.hardware import available_cores, instructions, processor
    from regard.kernels.workers import thread_count

    wanted = ("avx2", "avx512f", "avx512bf16", "amx-bf16", "neon", "bf16")
    return {
        "processor": processor(),
        "cores": available_cores(),
        "threads": thread_count(None),
        "instructions": ", ".join(name for name in wanted if name in instructions()) or "unknown",
    }


def _precision() -> dict[str, Any]:
    """What this machine is quicker in, measured now if it has not been before."""
    from regard.kernels.precision import described

    return dict(described())


def _weights() -> dict[str, Any]:
    import hashlib

    from regard.model.checkpoint import resolve_model, shipped_models
    from regard.regions.pyramid import SHIPPED

    files = {f"model {n}": resolve_model(n) / "model.safetensors" for n in shipped_models()}
    files["backbone"] = SHIPPED
    report: dict[str, Any] = {}
    for name, path in files.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""
        report[name] = f"{path}  sha256 {digest}" if digest else f"missing: {path}"
    return report
