"""What 10^8 and 10^9 photos cost: per-unit costs measured here, multiplied.

    python benchmarks/plan.py [--core-hour 0.045] [--gb-month 0.08] [--machine-cores 16] ...

Prints a table of what was measured (one thread, processor time, least of several) and a table of
the plan. Prices, machines and the speed of a GPU are assumptions, given as options and printed.
Takes about a minute.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from regard import load
from regard.core.scoring import Scoring
from regard.kernels.bytes import inner_products
from regard.photos.samples import copy_samples
from regard.regions.pipeline import extract_one
from regard.search.mean_files import write_means
from regard.search.scoring import PhotoScorer
from regard.store.region_store import Regions, RegionStore
from regard.store.shards import to_int8

REGIONS, DIM, SHARD, SCANNED = 36, 512, 1024, 800_000
FEW = 128  # directions a shortlist keeps of the shipped model's mean regions
SIZES = (10**6, 10**8, 10**9)


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """Least processor time of several runs."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def unit_vectors(count: int, generator: np.random.Generator, dim: int = DIM) -> np.ndarray:
    vectors = generator.standard_normal((count, dim), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def measured(folder: Path) -> dict[str, float]:
    """Costs of one photo, in seconds of one core and in bytes."""
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    model = load("flickr8k")
    photos = copy_samples(folder / "photos")
    taken = [extract_one(model.extractor, path.name, path).regions for path in photos]
    found = {
        "extract_s": seconds(
            lambda: [extract_one(model.extractor, path.name, path) for path in photos], 3
        )
        / len(photos)
    }
    features = np.stack([regions.vectors for regions in taken if regions is not None])
    counts = np.full(len(features), features.shape[1])
    embed = seconds(lambda: model.encode_features(features, counts))
    found["embed_s"] = embed / len(features)
    found["sentence_s"] = seconds(lambda: model.encode_captions(["a dog runs on the wet sand"]))
    found |= stored(folder / "index", generator)
    rows, scales = to_int8(unit_vectors(SCANNED, generator, FEW))
    out = np.empty(SCANNED, np.float32)
    inner_products(rows, scales, rows[0], out)
    scan = seconds(lambda: inner_products(rows, scales, rows[0], out), 9)
    return found | {"scan_s": scan / SCANNED}


def stored(folder: Path, generator: np.random.Generator) -> dict[str, float]:
    """Writing a photo to an index, its size there, and scoring it as a candidate."""
    boxes, ones = np.zeros((REGIONS, 4), np.float32), np.ones(REGIONS, np.float32)
    vectors = unit_vectors(SHARD * REGIONS, generator).reshape(SHARD, REGIONS, DIM)
    batch = [(f"{n:064x}", Regions(v, boxes, ones, 500, 375)) for n, v in enumerate(vectors)]
    with RegionStore(folder, "plan", DIM, writable=True, compressed=True) as store:
        write = seconds(lambda: store.append(batch), 1)
        means = seconds(lambda: write_means(store), 1)
        keys = list(store)[:400]
        queries = [(1.0, vectors[0, :14])]
        scorer = PhotoScorer(store, Scoring())
        score = seconds(lambda: scorer.best(keys, queries, 10))
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "write_s": (write + means) / SHARD,
        "candidate_s": score / len(keys),
        "bytes": size / SHARD,
        "pooled_bytes": FEW + 16,  # its scale, discount and place
    }


def plan(cost: dict[str, float], photos: int, asked: argparse.Namespace) -> dict[str, str]:
    """The whole from the parts."""
    make = photos * (cost["extract_s"] + cost["embed_s"] + cost["write_s"])
    size, pooled = photos * cost["bytes"], photos * cost["pooled_bytes"]
    scan = photos * cost["scan_s"] / asked.scan_share
    machines = max(
        1,
        int(np.ceil(pooled / (asked.machine_gb * 0.6e9))),
        int(np.ceil(size / (asked.machine_disk_tb * 1e12))),
        int(np.ceil(scan / (asked.machine_cores * asked.scan_ms / 1e3))),
    )
    busy = scan + cost["sentence_s"] + machines * asked.candidates * cost["candidate_s"]
    serve = machines * asked.machine_cores * asked.core_hour * 730 + size / 1e9 * asked.gb_month
    gpu_hours = photos / asked.gpu_photos / 3600
    return {
        "index on disk": f"{size / 1e12:.2f} TB",
        "mean regions in memory": f"{pooled / 1e9:.1f} GB",
        "core-hours to extract, embed and write": f"{make / 3600:,.0f}",
        f"hours on {asked.fleet:,} cores": f"{make / asked.fleet / 3600:.2f}",
        "money for that": f"{make / 3600 * asked.core_hour:,.2f}",
        "GPU-hours to extract (assumed speed)": f"{gpu_hours:,.1f}",
        "money for these": f"{gpu_hours * asked.gpu_hour:,.2f}",
        "shard files of 2,048 photos": f"{photos / 2048:,.0f}",
        f"machines of {asked.machine_cores} cores": f"{machines:,}",
        "core-seconds a query": f"{busy:.3f}",
        "queries a second when busy": f"{machines * asked.machine_cores / busy:.0f}",
        "money a month to serve": f"{serve:,.0f}",
        "money a million queries, machines busy": f"{busy / 3600 * asked.core_hour * 1e6:,.0f}",
    }


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core-hour", type=float, default=0.045, help="money, a cloud's core")
    parser.add_argument("--gb-month", type=float, default=0.08, help="money, solid state disk")
    parser.add_argument("--gpu-hour", type=float, default=0.80, help="money, a small GPU")
    parser.add_argument("--gpu-photos", type=float, default=500, help="photos a second, assumed")
    parser.add_argument("--fleet", type=int, default=1000, help="cores that extract")
    parser.add_argument("--machine-cores", type=int, default=16)
    parser.add_argument("--machine-gb", type=float, default=64)
    parser.add_argument("--machine-disk-tb", type=float, default=2)
    parser.add_argument("--scan-ms", type=float, default=40, help="wall time a scan may take")
    parser.add_argument(
        "--scan-share", type=float, default=0.5, help="of one core's speed, all cores scanning"
    )
    parser.add_argument("--candidates", type=int, default=100, help="scored by every machine")
    return parser.parse_args()


def main() -> None:
    asked = options()
    with tempfile.TemporaryDirectory() as folder:
        cost = measured(Path(folder))
    print("| a photo | measured, one core |\n|---|---|")
    for name, text in (
        ("extract_s", "read, cut into regions, features"),
        ("embed_s", "embed"),
        ("write_s", "write to an index, compressed"),
        ("scan_s", "look at its mean region"),
        ("candidate_s", "score exactly as a candidate"),
    ):
        print(f"| {text} | {1e6 * cost[name]:,.3f} µs, {1 / cost[name]:,.0f} a second |")
    print(f"| embed a sentence | {1e3 * cost['sentence_s']:.1f} ms |")
    print(f"| in the index | {cost['bytes']:,.0f} bytes, {cost['pooled_bytes']:.0f} in memory |\n")
    plans = [plan(cost, photos, asked) for photos in SIZES]
    print("| | " + " | ".join(f"{photos:,} photos" for photos in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for row in plans[0]:
        print(f"| {row} | " + " | ".join(tree[row] for tree in plans) + " |")
    print("\nAssumed: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in vars(asked).items()))


if __name__ == "__main__":
    main()
