"""regard doctor: what this installation is and whether it is whole."""

from typing import Any

from regard.cli.common import AsJson, notes, print_json


def doctor(as_json: AsJson = False) -> None:
    """Versions, threads, instruction sets, and where weights come from with their checksums."""
    report = {"versions": _versions(), "machine": _machine(), "weights": _weights()}
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
    packages = ("regard", "torch", "numpy", "numba", "pillow", "safetensors", "nltk")
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _machine() -> dict[str, Any]:
    import torch

    from regard.kernels.hardware import available_cores

    return {
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "instruction set": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": _bfloat16(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def _bfloat16() -> str:
    """Whether the processor multiplies bfloat16 matrices itself."""
    import torch

    tests = (("AMX", "_is_amx_tile_supported"), ("AVX-512", "_is_avx512_bf16_supported"))
    for name, test in tests:
        if getattr(torch.cpu, test, lambda: False)():
            return name
    return "emulated"


def _weights() -> dict[str, Any]:
    import hashlib

    from regard.model.checkpoint import resolve_model, shipped_models
    from regard.regions.pyramid import SHIPPED

    files = {f"model {n}": resolve_model(n) / "model.safetensors" for n in shipped_models()}
    files["backbone"] = SHIPPED
    found: dict[str, Any] = {}
    for name, path in files.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = f"{path}  sha256 {digest[:16]}"
    return found
