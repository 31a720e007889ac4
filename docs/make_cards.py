r"""Writes the figures into the cards of the models that ship.

    python docs/make_cards.py --data dataset_flickr8k.json --regions flickr8k.regions \
        --phrases entities.jsonl.gz --out figures

Everything is measured by the commands that the cards name, whose JSON is kept in the folder --out;
what is there already is not measured again, so after a change of weights name another folder. The
text between the two marks in a card is replaced; the rest is written by hand. The model's
configuration gets the retrieval figures, too.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from regard.model.checkpoint import record, shipped_models

WEIGHTS = Path(__file__).parents[1] / "src/regard/weights"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
KEYS = ("R@1", "R@5", "R@10")
RETRIEVAL = ("image_to_text", "text_to_image", "rsum", "intervals")
SIDES = (("image_to_text", "image→text"), ("text_to_image", "text→image"))
ON = "--data dataset_flickr8k.json --regions flickr8k.regions"  # as the cards name them
WIDE = "--data wide.jsonl --regions wide.regions"  # what the curves are fitted to
NAMES = "--names names.jsonl"
PHRASES = "--grounding entities.jsonl.gz"


def main() -> None:
    """Measure what is missing and write the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "regions", "phrases", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    names = shipped_models()
    together = measured(asked, names, "together", [])
    for name in names:
        alone = measured(asked, [name], name, [])
        pointing = measured(asked, [name], f"{name}-grounding", ["--grounding", asked.phrases])
        record(WEIGHTS / name, {"validation": {key: alone[key] for key in RETRIEVAL}})
        info = json.loads((WEIGHTS / name / "config.json").read_text("utf-8"))["info"]
        parts = [
            retrieval(name, alone),
            ensemble(names, together),
            grounding(name, pointing),
            calibration(name, info["measured"]),
        ]
        card = WEIGHTS / name / "README.md"
        card.write_text(replaced(card.read_text("utf-8"), "\n\n".join(parts)), encoding="utf-8")
        sys.stdout.write(f"{card}\n")


def measured(
    asked: argparse.Namespace, models: list[str], name: str, more: list[Any]
) -> dict[str, Any]:
    """What `regard evaluate --json` says, from the folder if it is there."""
    path = asked.out / f"{name}.json"
    if not path.exists():
        where = ["--data", asked.data, "--regions", asked.regions, "--split", "val", "--json"]
        wanted = [word for model in models for word in ("--model", model)]
        command = [sys.executable, "-m", "regard.cli.main", "evaluate", *wanted, *where, *more]
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
        path.write_bytes(done.stdout)
    tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return tree


def retrieval(name: str, found: dict[str, Any]) -> str:
    """Recalls with intervals."""
    lines = ["| | R@1 | R@5 | R@10 | 95 % intervals |", "|---|---|---|---|---|"]
    for side, title in SIDES:
        cells = " | ".join(f"{found[side][key]:.1f}" for key in KEYS)
        sure = ", ".join(interval(found["intervals"][side][key]) for key in KEYS)
        lines.append(f"| {title} | {cells} | {sure} |")
    return "\n".join(
        [
            f"Retrieval: rSum {found['rsum']:.1f} ({interval(found['intervals']['rsum'])}); "
            "intervals are over resampled photos.",
            "",
            *lines,
            "",
            f"    regard evaluate --model {name} {ON}",
        ]
    )


def ensemble(names: list[str], found: dict[str, Any]) -> str:
    """The models together."""
    models = " ".join(f"--model {name}" for name in names)
    sides = ", ".join(f"{title} R@1 {found[side]['R@1']:.1f}" for side, title in SIDES)
    return (
        f"The shipped models together: rSum {found['rsum']:.1f} "
        f"({interval(found['intervals']['rsum'])}), {sides}.\n\n"
        f"    regard evaluate {models} {ON}"
    )


def grounding(name: str, found: dict[str, Any]) -> str:
    """Pointing and box recall, beside the baselines and by type of phrase."""
    named = {
        "map people see": found["ways"]["map"],
        "map of cosines, which never saw a box": found["ways"].get("map_of_cosines"),
        "most similar region": found["ways"]["most_similar"],
        "most attended region": found["ways"]["most_attended"],
        "photo's centre; the widest box": found["baselines"]["photo_centre"],
        "random region, expected": found["baselines"]["random_region"],
        "best possible region": found["baselines"]["best_region"],
    }
    lines = [f"| {title} | {both(row)} |" for title, row in named.items() if row]
    types = sorted(found["types"].items(), key=lambda item: -item[1]["phrases"])
    lines += [f"| map people see, {kind} ({row['phrases']}) | {both(row)} |" for kind, row in types]
    return "\n".join(
        [
            f"Pointing, on {found['phrases']:,} boxed phrases of Flickr30k Entities on val photos, "
            "in per cent. A point is right inside a box of the phrase, a region with an overlap of "
            "a half.",
            "",
            "| located by | pointing | box R@1 |",
            "|---|---|---|",
            *lines,
            "",
            f"    regard evaluate --model {name} {ON} {PHRASES}",
        ]
    )


def both(row: dict[str, float]) -> str:
    """Pointing accuracy and box recall as two cells."""
    return f"{row['pointing_accuracy']:.1f} | {row['box_recall@1']:.1f}"


def calibration(name: str, found: dict[str, Any]) -> str:
    """How far probabilities, verdicts and word support hold."""
    lines = [
        f"| {row['among']:,} | {row['verdict']:.1f} | {row['flat_cut_off']:.1f} |"
        for row in found["verdict"]["photos"]["accuracy"]
    ]
    kinds = [
        f"| {row['kind']} | {row['queries']} | {row['match']:.1f} | {row['no_match']:.1f} |"
        for row in found["verdict"]["photos"]["kinds"]
    ]
    agreement = found["agreement"]
    error, words = found["pairs"]["expected_calibration_error"], found["word_support"]
    ranked = words["ranked"]
    return "\n".join(
        [
            f"Honesty: the expected calibration error of a pair's probability is "
            f"{100 * error:.1f} %. Word support ranks a true word above an exchanged one in "
            f"{ranked:.1f} % of cases. "
            f"It calls {words['exchanged_flagged']:.1f} % of the exchanged words and "
            f"{words['true_flagged']:.1f} % of the true ones unsupported. How often the verdict on "
            "whether any photo fits a sentence is right, in per cent, if one sentence in two has "
            "its photo among those looked at:",
            "",
            "| photos looked at | verdict | flat cut-off |",
            "|---|---|---|",
            *lines,
            "",
            "The same by what is asked for, over all these numbers of photos, in per cent:",
            "",
            '| asked for | queries | "match" where one is there | "no sure match" where none is |',
            "|---|---|---|---|",
            *kinds,
            "",
            f"Agreement with people's captions (`regard evaluate --agreement`): tau-c is "
            f"{agreement['tau_c']:.1f} with {agreement['lowered']:g} of what ranking subtracts, "
            f"and {agreement['tau_c_ranking']:.1f} with all of it.",
            "",
            f"    regard calibrate {name} {WIDE} {NAMES}",
        ]
    )


def interval(ends: list[float]) -> str:
    """An interval in words."""
    return f"{ends[0]:.1f}–{ends[1]:.1f}"


def replaced(card: str, figures: str) -> str:
    """A card with new figures."""
    head, mark, rest = card.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"card has no {BEGIN} ... {END}; put both marks where figures belong.")
    return f"{head}{BEGIN}\n{figures}\n{END}{tail}"


if __name__ == "__main__":
    main()
