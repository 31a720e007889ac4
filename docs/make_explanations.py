r"""Writes the table of ways to explain into explanations.md.

    python docs/make_explanations.py --data dataset_flickr8k.json --regions flickr8k.regions \
        --phrases entities.jsonl.gz --out figures

Each model is judged by `regard evaluate --explanations`, whose JSON is kept in the folder --out;
what is there already is not measured again. The baseline ranks by the cosine of the mean region and
the weighted mean of the words that `flickr8k` encodes, without attention.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from regard.cli.explanations import table
from regard.evaluation.ways import WAYS
from regard.model.checkpoint import load_checkpoint, save_checkpoint, shipped_models

PAGE = Path(__file__).with_name("explanations.md")
BEGIN, END = "<!-- ways: begin -->", "<!-- ways: end -->"
PAIRS = 200
POOLED, OF = "pooled", "flickr8k"


def main() -> None:
    """Measure what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "regions", "phrases", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    judged = [
        one
        for name in (*shipped_models(), POOLED)
        for one in measured(asked, name, ["gradients", "shares"] if name == POOLED else [*WAYS])
    ]
    sections = [section(name, judged) for name in (*shipped_models(), POOLED)]
    sections.append(chance(judged[0]["pointing"]))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(
        f"{before}{BEGIN}\n" + "\n\n".join(sections) + f"\n{END}{after}", encoding="utf-8"
    )


def section(name: str, judged: list[dict[str, Any]]) -> str:
    """The table of a model."""
    head, rows = table([one for one in judged if one["model"] == name])
    ways = tuple(cell.rpartition(": ")[2] for cell in head)
    lines = [f"| {' | '.join(row)} |" for row in (ways, ("---",) * len(ways), *rows)]
    title = "The baseline without attention" if name == POOLED else f"`{name}`"
    return "\n".join([f"{title}:", "", *lines])


def chance(pointing: dict[str, Any]) -> str:
    """What pointing comes to without looking."""
    found = {
        name: f"{one['pointing_accuracy']:.1f}; {one['box_recall@1']:.1f}"
        for name, one in pointing["baselines"].items()
    }
    kinds = ", ".join(f"{kind} {one['phrases']}" for kind, one in pointing["types"].items())
    return (
        f"{pointing['phrases']} phrases ({kinds}). A random region: {found['random_region']}; the "
        f"photo's centre and its widest region: {found['photo_centre']}; the best region there is: "
        f"{found['best_region']}."
    )


def measured(asked: argparse.Namespace, name: str, ways: list[str]) -> list[dict[str, Any]]:
    """What `regard evaluate --explanations --json` says, from the folder if it is there."""
    path = asked.out / f"{name}.json"
    model = str(pooled(asked.out / "model")) if name == POOLED else name
    if not path.exists():
        where = ["--data", asked.data, "--regions", asked.regions, "--split", "val"]
        where += ["--pairs", PAIRS]
        where += [
            "--grounding",
            asked.phrases,
            *(x for way in ways for x in ("--explained-by", way)),
        ]
        command = [sys.executable, "-m", "regard", "evaluate", "--explanations", "--json"]
        command += ["--model", model, *map(str, where)]
        path.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["judged"]
    return [{**one, "model": name} for one in found]


def pooled(folder: Path) -> Path:
    """A model that encodes as the shipped one and ranks without attention."""
    given = load_checkpoint(OF)
    scoring = replace(given.config.scoring, scorer="pooled")
    save_checkpoint(folder, replace(given, config=replace(given.config, scoring=scoring)))
    return folder


if __name__ == "__main__":
    main()
