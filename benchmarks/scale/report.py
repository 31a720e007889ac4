"""Writes benchmarks/SEARCH.md and search.png from the figures that were kept."""

import json
import os
from pathlib import Path

from matplotlib.figure import Figure

HERE = Path(__file__).parents[1]
_COLOURS = {10_000: "#1e8449", 100_000: "#2471a3", 1_000_000: "#c0392b"}
_MARKS = {"SQ8": "s", "HNSW32": "D", "Qdrant": "^", "RaBitQ": "v", "every photo": "P"}  # of others
_INTRODUCTION = """# Search of large collections

Written by `benchmarks/scale/run.py`, which explains how and measured every figure below.

The vectors are region vectors of the shipped model `flickr8k` (36 regions of 512 numbers) on real
photos of Flickr8k, MS-COCO, ADE20K, Caltech-101 and groceries, plus mixtures of photos that look
alike, to make the collection larger (`benchmarks/scale/enlarge.py`). Queries come from val
captions, in turn: a caption, a short phrase of it, a noun of it. Recall is the share of the exact
ten. These are found by scoring every photo in float32 on the vectors before int8, with the model's
background as in any search. The index is made by `regard index --compress` and searched through
`Index.search`, so the times include everything: embedding the sentence, candidates, exact scores,
records of the hits.
"""


def write(work: Path) -> None:
    kept = json.loads((work / "results.json").read_text())
    rows = list(kept.values())
    text = "\n".join(
        [
            _INTRODUCTION,
            _machine(rows),
            "![Recall and time](search.png)\n",
            *_regard(rows),
            *_kinds(rows),
            *_others(rows),
            *_codes(rows),
            *_rest(rows),
        ]
    )
    notes = HERE / "scale/notes.md"
    (HERE / "SEARCH.md").write_text(text + "\n" + notes.read_text())
    _draw([row for row in rows if "candidates" in row], _other_rows(rows))


def _machine(rows: list[dict]) -> str:
    loads = {
        size: [row["load"] for row in rows if row["photos"] == size and "median_ms" in row]
        for size in sorted({row["photos"] for row in rows})
    }
    told = ", ".join(
        f"{min(found):.0f} to {max(found):.0f} at {size:,} photos" for size, found in loads.items()
    )
    return (
        f"{os.cpu_count()} cores ({_processor()}). The load was {told}: other programs ran\n"
        "at the same time, so look at processor time, of all threads together.\n"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


def _of(rows: list[dict], step: str) -> list[dict]:
    found = [row for row in rows if row["step"] == step]
    return sorted(found, key=lambda row: (row["photos"], row.get("candidates", 10**9)))


def _regard(rows: list[dict]) -> list[str]:
    lines = [
        "## Shortlists by mean region and groups of regions, then exact scores\n",
        "| photos | candidates | recall@10 | captions | short phrases | nouns | processor ms | "
        "least ms | median ms | p95 ms | queries |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in _of(rows, "regard"):
        what = row.get("candidates", row["name"].removeprefix("Regard, "))
        recall = f"{row['recall']:.4f}" if "recall" in row else ""
        if not row.get("standard", "every").startswith("every"):
            recall += f" (of {row['standard']})"
        times = (row[name] for name in ("processor_ms", "least_ms", "median_ms", "p95_ms"))
        of_kind = row.get("recall_of", {})
        kinds = (of_kind.get(kind) for kind in ("caption", "short phrase", "noun"))
        cells = ["" if share is None else f"{share:.4f}" for share in kinds]
        cells += [f"{value:.0f}" for value in times]
        line = " | ".join([f"{row['photos']:,}", str(what), recall, *cells, str(row["queries"])])
        lines.append(f"| {line} |")
    lines += [
        "",
        "Memory of the whole process after 100 candidates per query, and its peak:",
        "",
        "| photos | opening s | first search s | own MB | mapped MB | most of both MB |",
        "|---|---|---|---|---|---|",
    ]
    for row in _of(rows, "regard"):
        if row.get("candidates") == 100:
            cells = (row[name] for name in ("own_mb", "mapped_mb", "peak_mb"))
            sizes = " | ".join(f"{value:.0f}" for value in cells)
            lines.append(
                f"| {row['photos']:,} | {row['open_s']:.1f} | {row['first_s']:.1f} | {sizes} |"
            )
    return [*lines, ""]


def _kinds(rows: list[dict]) -> list[str]:
    if not _of(rows, "kinds"):
        return []
    lines = [
        "## Other queries than one sentence\n",
        "Recall of the ten that scoring every photo of the same index gives.\n",
        "| photos | query | recall@10 | queries |",
        "|---|---|---|---|",
    ]
    for row in _of(rows, "kinds"):
        lines.append(
            f"| {row['photos']:,} | {row['name']} | {row['recall']:.3f} | {row['queries']} |"
        )
    return [*lines, ""]


def _bytes(rows: list[dict]) -> dict[int, float]:
    """Of the index, a photo, by how many photos it has."""
    return {row["photos"]: row["bytes"] / row["photos"] for row in _of(rows, "build")}


def _others(rows: list[dict]) -> list[str]:
    if not _other_rows(rows):
        return []
    lines = [
        "## Compared with the alternatives\n",
        'All on the same vectors and queries. "Own photo" means that the photo the caption was\n'
        "written for is among the ten. Measures other than SCAN's give other ranks: their recall\n"
        "of SCAN's ten says how well they can replace it, and their own photo says how good they\n"
        "are in themselves.\n",
        "| photos | way | recall@10 | own photo | processor ms | least ms | bytes a photo | "
        "build, processor s | queries |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ours = _bytes(rows)
    for row in sorted([*_chosen(rows), *_other_rows(rows)], key=lambda row: row["photos"]):
        size = row.get("bytes", ours[row["photos"]])
        built = f"{row['build_processor_s']:.0f}" if "build_processor_s" in row else ""
        lines.append(
            f"| {row['photos']:,} | {row['name']} | {row['recall']:.3f} | {row['own_photo']:.2f} | "
            f"{row['processor_ms']:.0f} | {row['least_ms']:.0f} | {size:,.0f} | {built} | "
            f"{row['queries']} |"
        )
    return [*lines, ""]


def _chosen(rows: list[dict]) -> list[dict]:
    return [row for row in _of(rows, "regard") if row.get("candidates") == 100]


def _other_rows(rows: list[dict]) -> list[dict]:
    return [row for step in ("faiss", "qdrant", "lancedb") for row in _of(rows, step)]


def _codes(rows: list[dict]) -> list[str]:
    found = _of(rows, "codes")
    if not found:
        return []
    counts = list(found[0]["recall_in"])
    lines = [
        "## Region centroids: the loser\n",
        "The table shows the share of the exact ten among so many candidates: by one code per\n"
        "region (72 bytes per photo), by mean region (float32), and by codes among the 2,000\n"
        "nearest by mean region.\n",
        "| photos | by | " + " | ".join(counts) + " | scan, processor ms | build, processor s |",
        "|---|---|" + "---|" * (len(counts) + 2),
    ]
    for row in found:
        cells = " | ".join(f"{row['recall_in'][count]:.4f}" for count in counts)
        ends = (row["scan_processor_ms"], row["build_processor_s"])
        last = " | ".join("" if value is None else f"{value:.1f}" for value in ends)
        lines.append(f"| {row['photos']:,} | {row['name']} | {cells} | {last} |")
    return [*lines, ""]


def _rest(rows: list[dict]) -> list[str]:
    lines = []
    for row in _of(rows, "cost"):
        lines.append(
            "With int8 instead of float32 vectors, the largest error of a similarity among the "
            f"exact ten is {row['largest_error']:.1e}, and the ten are in the same order for "
            f"{100 * row['same_order']:.0f} % of the queries.\n"
        )
    found = _of(rows, "alike")
    if found:
        row = found[-1]
        lines += [
            "## How similar the added photos are to real ones\n",
            "| | regions of one photo, mean cosine | length of the mean region | cosine with the "
            "nearest other photo, by number of photos |",
            "|---|---|---|---|",
        ]
        for name in ("real", "extrapolated", "enlarged"):
            tree = row[name]
            near = ", ".join(f"{int(n):,}: {v:.3f}" for n, v in tree["nearest"].items())
            cells = [tree.get("regions of one photo"), tree.get("length of the mean")]
            text = " | ".join("" if value is None else f"{value:.3f}" for value in cells)
            lines.append(f"| {name} | {text} | {near} |")
        lines.append("")
    return lines


def _draw(rows: list[dict], others: list[dict]) -> None:
    """Recall against time: ours and others' on the left, ours larger on the right."""
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    whole, near = figure.subplots(1, 2)
    for number, photos in enumerate(sorted({row["photos"] for row in rows})):
        some = sorted((r for r in rows if r["photos"] == photos), key=lambda r: r["candidates"])
        across, up = [r["processor_ms"] for r in some], [r["recall"] for r in some]
        for axes in (whole, near):
            label = f"Regard, {photos:,} photos"
            axes.plot(across, up, "o-", ms=4, label=label, color=_COLOURS[photos])
        for row, x, y in zip(some, across, up, strict=True):
            near.annotate(
                str(row["candidates"]),
                (x, y),
                (0, -11 - 9 * number),
                fontsize=7,
                ha="center",
                textcoords="offset points",
                color=_COLOURS[photos],
            )
    for row in others:
        mark = next(mark for known, mark in _MARKS.items() if known in row["name"])
        name = row["name"].replace("all regions in ", "").replace("pooled vector in ", "")
        whole.plot(
            row["processor_ms"],
            row["recall"],
            mark,
            ms=6,
            color=_COLOURS[row["photos"]],
            label=f"{name}, {row['photos']:,}",
        )
    for axes in (whole, near):
        axes.axhline(0.98, color="grey", lw=0.8, ls="--")
        axes.grid(alpha=0.3)
        axes.set(xscale="log", xlabel="processor time of a query in ms", ylabel="recall@10")
    near.set(
        xlabel="processor time of a query in ms; small figures: candidates", ylim=(0.94, 1.002)
    )
    whole.set_ylim(0, 1.03)
    figure.legend(
        *whole.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    for axes, ticks in (
        (whole, [20, 100, 1000, 10_000]),
        (near, [20, 30, 50, 100, 200]),
    ):
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
    figure.savefig(HERE / "search.png", dpi=120)
