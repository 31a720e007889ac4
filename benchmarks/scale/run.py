"""Measures searches of 10,000 to a million photos; writes benchmarks/SEARCH.md and search.png.

    regard extract dataset.json --images FOLDER --out f8k.regions
    python benchmarks/scale/run.py base WORK --regions f8k.regions --dataset dataset.json
    python benchmarks/scale/run.py build WORK --photos 100000
    python benchmarks/scale/run.py truth WORK --photos 10000 100000 --queries 100
    python benchmarks/scale/run.py regard,faiss WORK --photos 10000 100000 1000000
    python benchmarks/scale/run.py kinds,codes,cost WORK --photos 10000
    python benchmarks/scale/run.py alike WORK --photos 10000
    python benchmarks/scale/run.py qdrant WORK --photos 10000 100000 --queries 10
    python benchmarks/scale/run.py qdrant WORK --photos 1000000 --queries 3
    python benchmarks/scale/run.py lancedb WORK --photos 10000 100000 1000000
    python benchmarks/scale/run.py report WORK

The last steps need faiss-cpu, qdrant-edge-py and lancedb. A million photos take 20 GB of disk; in
Qdrant 38 and in LanceDB 40, until WORK/qdrant-1000000 and WORK/lancedb-1000000 are removed.
Every step leaves its figures in WORK/results.json; `build` and `truth` go on where they were.
The region vectors are of the shipped model `flickr8k`, the queries val captions.
"""

import argparse
import json
import os
from collections.abc import Iterable
from pathlib import Path

import measure
import numpy as np
import others
import report
import torch
from collection import Truth, build, load_base, load_queries, make_base
from enlarge import BLOCK, statistics, unit

from regard import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("steps", help="one or several, commas between")
    parser.add_argument("work", type=Path)
    parser.add_argument("--photos", type=int, nargs="+", default=[10_000])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop truth after these")
    parser.add_argument("--threads", type=int, help="of torch; two where that helps")
    parser.add_argument("--centroids", type=int, default=1024)
    parser.add_argument("--model", default="flickr8k", help="a folder, or a shipped model's name")
    parser.add_argument("--regions", type=Path)
    parser.add_argument("--dataset", type=Path)
    asked = parser.parse_args()
    for step in asked.steps.split(","):
        torch.set_num_threads(
            asked.threads or (2 if step in ("regard", "kinds", "truth", "build") else 1)
        )
        go(step, asked)


def go(step: str, asked: argparse.Namespace) -> None:
    """Take one step for every size."""
    if step == "report":
        report.write(asked.work)
    elif step == "base":
        make_base(asked.work, asked.regions, asked.dataset, load(asked.model), asked.queries)
    elif step == "truth":
        base = load_base(asked.work)
        made = Truth(asked.work, base, asked.photos, load(asked.model), asked.queries)
        print("done" if made.run(asked.seconds) else f"{made.done} photos so far")
        for photos, share in made.surely.items():
            note(asked.work, step, photos, [{"surely": share, "queries": asked.queries}])
    else:
        for photos in asked.photos:
            note(asked.work, step, photos, take(step, asked, photos))


def take(step: str, asked: argparse.Namespace, photos: int) -> Iterable[dict]:
    """The figures of one step for one size."""
    model, folder = load(asked.model), asked.work / f"index-{photos}"
    sentences = load_queries(asked.work)[: asked.queries]
    if step == "regard":
        return measure.regard(folder, model, sentences, known_truth(asked, photos))
    if step == "kinds":
        return measure.kinds(folder, model, sentences)
    base = load_base(asked.work)
    if step == "build":
        return [build(folder, base, photos, model)]
    if step == "alike":
        return [alike(base, photos)]
    truth = known_truth(asked, photos)
    if truth is None:
        raise SystemExit(f"no truth for {photos} photos; run the step truth first")
    return compare(step, asked, others.Ground(base, model, sentences, truth, photos))


def compare(step: str, asked: argparse.Namespace, ground: others.Ground) -> Iterable[dict]:
    """The figures of another way."""
    photos = ground.photos
    if step == "codes":
        return measure.codes(*ground, asked.centroids)
    if step == "faiss":
        return others.pooled_in_faiss(ground)
    if step == "qdrant":
        return others.maxsim_in_qdrant(asked.work / f"qdrant-{photos}", ground)
    if step == "lancedb":
        return others.maxsim_in_lancedb(asked.work / f"lancedb-{photos}", ground)
    return [measure.int8_cost(ground.base, ground.truth, ground.asked, ground.model)]


def known_truth(asked: argparse.Namespace, photos: int) -> np.ndarray | None:
    path = asked.work / "truth.npz"
    known = np.load(path) if path.exists() else {}
    return known[f"top{photos}"][: asked.queries] if f"top{photos}" in known else None


def alike(base: object, photos: int) -> dict:
    """Mean regions of the enlarged photos, beside real ones."""
    blocks = (base.block(number) for number in range(-(-photos // BLOCK)))  # type: ignore[attr-defined]
    means = np.concatenate([unit(block.mean(1)) for block in blocks])[:photos]
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size <= photos]
    return statistics(base, means, sizes)  # type: ignore[arg-type]


def note(work: Path, step: str, photos: int, figures: Iterable[dict]) -> None:
    """Keep figures with the load they were taken under, over those of an earlier run."""
    path = work / "results.json"
    for row in figures:
        kept = json.loads(path.read_text()) if path.exists() else {}
        row |= {"step": step, "photos": photos, "load": os.getloadavg()[0]}
        key = f"{step} {photos} {row.get('name', '')}"
        kept[key] = kept.get(key, {}) | row  # what was built before took what it took then
        path.write_text(json.dumps(kept, indent=1))
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
