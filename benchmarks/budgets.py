"""Weighs a fresh installation and times cold starts, beside what they may be.

    python benchmarks/budgets.py                          # a few minutes
    python benchmarks/budgets.py --venv .venv-light       # an installation that exists
    python benchmarks/budgets.py --baseline "OLD/bin/python" --baseline-source OLD/src

Installs the base package into a new virtual environment, makes the demo's index and one of 20,000
drawn photos, and starts `regard` anew for every measurement: processor seconds and peak memory of
the whole process, the median of several. With a baseline, an older version takes turns with this
one, and ratios are printed. The section "Budgets" of benchmarks/RESULTS.md is written anew.
Exit code 1 if a budget is not kept.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
TIMES = 5
PHOTOS = 200
SEARCH = ("search", "a dog runs on the grass")
WARM = """
import sys, time, regard, regard.search.index
regard.search.index.check_model = lambda *of: None  # drawn vectors are of no model
index = regard.Index.open(sys.argv[1])
sentences = [f"a {who} {what} {where}" for who in ("man", "dog", "child") for what in
             ("runs", "sits", "jumps") for where in ("on grass", "in the snow", "by a lake")]
for sentence in sentences[:9]:
    index.search(sentence, 10)
began = time.process_time()
for sentence in sentences:
    index.search(sentence, 10)
print((time.process_time() - began) / len(sentences))
"""


class Row(NamedTuple):
    """One measurement beside its budget."""

    what: str
    measured: float
    budget: float
    unit: str
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether it is within its budget."""
        return self.measured >= self.budget if self.at_least else self.measured <= self.budget


class Version(NamedTuple):
    """An installed version of Regard."""

    python: str
    source: str = ""
    cache: str = ""

    def environment(self) -> dict[str, str]:
        """What its processes see."""
        own = dict(os.environ, PYTHONPATH=self.source) if self.source else dict(os.environ)
        own.pop("PYTHONDONTWRITEBYTECODE", None)  # files, and so their bytecode, are cached on disk
        return own | ({"NUMBA_CACHE_DIR": self.cache} if self.cache else {})

    def run(self, *arguments: str) -> str:
        """Standard output of a command of it."""
        command = [self.python, *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
        return done.stdout

    def cold(self, *arguments: str) -> tuple[float, float]:
        """Processor seconds and peak megabytes of a new process."""
        command = [self.python, "-m", "regard", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env=self.environment(), **quiet)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{' '.join(command)} failed; run it to see why.")
        return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def megabytes(folder: Path) -> float:
    """What a folder takes on disk, as `du` counts."""
    done = subprocess.run(["du", "-sk", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0]) / 1024


def install(venv: Path) -> None:
    """The base package in a new environment, as a user has it."""
    print("installing ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    subprocess.run([*pip, ROOT], check=True)


def weights(venv: Path, work: Path) -> list[Row]:
    """What is installed, and what is downloaded of ours."""
    wheels = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", work, ROOT]
    subprocess.run(wheels, check=True)
    (wheel,) = work.glob("regard-*.whl")
    (packages,) = venv.glob("lib/python3.*/site-packages")
    return [
        Row("environment of the base package", megabytes(packages), 650, "MB"),
        Row("wheel", wheel.stat().st_size / 1e6, 75, "MB"),
    ]


def cold_starts(version: Version, work: Path) -> list[Row]:
    """New processes, with files and compiled kernels cached on disk."""
    demo, large = str(work / "demo"), str(work / "large")
    print("first search of a new machine ...", file=sys.stderr)
    version.run("-m", "regard", "demo", "--out", demo)
    first, _ = version.cold(*SEARCH, "--index", f"{demo}/index")
    version.run(str(HERE / "drawn_index.py"), large, "20000")
    compiled, _ = version.cold(*SEARCH, "--index", large)
    rows = [
        Row("the very first search, 20,000 photos, compilation included", compiled, 30, "s"),
        Row("the very first search, demo's photos", first, 30, "s"),
    ]
    for label, index, seconds in (("demo", f"{demo}/index", 1.2), ("20,000", large, 1.5)):
        spent, memory = zip(
            *(version.cold(*SEARCH, "--index", index) for _ in range(TIMES)), strict=True
        )
        name = f"cold search, {label} photos"
        rows.append(Row(f"{name}, processor", statistics.median(spent), seconds, "s"))
        rows.append(Row(f"{name}, memory", statistics.median(memory), 250, "MB"))
    spent = [version.cold("--help")[0] for _ in range(TIMES)]
    return [*rows, Row("regard --help, processor", statistics.median(spent), 0.35, "s")]


def draw_photos(folder: Path, work: Path) -> None:
    """Pieces of the sample photos, 500 x 375."""
    from PIL import Image

    folder.mkdir()
    samples = sorted((work / "demo/photos").iterdir())
    for number in range(PHOTOS):
        with Image.open(samples[number % len(samples)]) as image:
            shift = number // len(samples)
            piece = image.convert("RGB").resize((500 + 4 * shift, 375 + 3 * shift))
            piece.crop((2 * shift, shift, 500 + 2 * shift, 375 + shift)).save(
                folder / f"{number:03d}.jpg", quality=90
            )


def beside(version: Version, baseline: Version, work: Path) -> list[Row]:
    """This version and an older one in turns."""
    draw_photos(work / "pieces", work)
    spent: dict[str, list[float]] = {"new": [], "old": []}
    warm: dict[str, list[float]] = {"new": [], "old": []}
    large = str(work / "large")
    for turn in range(TIMES):
        for name, one in (("new", version), ("old", baseline)):
            index = work / f"index-{name}-{turn}"
            arguments = ("index", str(work / "pieces"), "--index", str(index))
            spent[name].append(one.cold(*arguments)[0])
            shutil.rmtree(index)
            warm[name].append(float(one.run("-c", WARM, large)))
    faster = statistics.median(spent["old"]) / statistics.median(spent["new"])
    slower = statistics.median(warm["new"]) / statistics.median(warm["old"])
    return [
        Row("regard index, times the older version's photos a second", faster, 1.15, "x", True),
        Row("warm search of 20,000 photos, times the older version's", slower, 1.0, "x"),
    ]


MACHINE = """
import os
from regard.bench.machine import describe
told = describe()
print(f"{told['processor']} ({told['instructions']}), {told['cores']} cores; "
      f"load when it ended: {os.getloadavg()[0]:.1f}")
"""


def write(rows: list[Row], machine: str) -> None:
    """Put the section into RESULTS.md, in place of the one it has."""
    page = HERE / "RESULTS.md"
    before, _, rest = page.read_text(encoding="utf-8").partition("## Budgets\n")
    after = rest.partition("\n## ")[2]
    lines = [
        "## Budgets\n",
        "`python benchmarks/budgets.py` measures a fresh installation of the base package: "
        f"processor seconds and peak memory of new processes, the median of {TIMES}.\n",
        f"{machine}\n",
        "| | measured | budget | |",
        "|---|---|---|---|",
    ]
    for row in rows:
        sign, kept = ("≥" if row.at_least else "≤"), ("kept" if row.kept else "**not kept**")
        lines.append(
            f"| {row.what} | {row.measured:.3g} {row.unit} | {sign} {row.budget:g} | {kept} |"
        )
    text = before.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"
    page.write_text(text + (f"\n## {after}" if after else ""), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--venv", type=Path, help="environment with the base package installed")
    parser.add_argument("--baseline", help="python of an older version's environment")
    parser.add_argument("--baseline-source", default="", help="its source, put on its path")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        venv = asked.venv or work / "venv"
        if asked.venv is None:
            install(venv)
        version = Version(str(venv / "bin/python"), cache=str(work / "numba"))
        rows = weights(venv, work) + cold_starts(version, work)
        if asked.baseline:
            rows += beside(version, Version(asked.baseline, asked.baseline_source), work)
        machine = version.run("-c", MACHINE).strip()
    write(rows, machine)
    for row in rows:
        print(f"{'' if row.kept else 'NOT KEPT  '}{row.what}: {row.measured:.3g} {row.unit}")
    sys.exit(0 if all(row.kept for row in rows) else 1)


if __name__ == "__main__":
    main()
