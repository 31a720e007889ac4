"""regard evaluate: how well a model finds captions for photos and photos for captions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, print_figures, print_json, progress_bar
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.evaluation.report import Judge, Report
    from regard.model.model import Model

WithAgreement = Annotated[
    bool, typer.Option("--agreement", help="Judge how far similarities agree with people.")
]
Gallery = Annotated[
    Path | None,
    typer.Option(help="Folder to write a page into: right and wrong answers, explained."),
]
Images = Annotated[
    Path | None,
    typer.Option(help="For the page: folder of the photos; default images/ beside the data."),
]
Grounding = Annotated[
    Path | None,
    typer.Option(
        help="Phrases with boxes (Entities' JSONL): judge where words look instead, or besides "
        "with --explanations."
    ),
]
Memory = Annotated[
    float | None,
    typer.Option(help="GiB for scores on a graphics card; default: half of what is free."),
]
TiesOption = Annotated[
    str, typer.Option(help="Order of equal similarities: pessimistic, or official (argsort).")
]
SimilaritiesOption = Annotated[
    Path | None, typer.Option(help="Folder to keep similarities in and take them from.")
]
WithExplanations = Annotated[
    bool, typer.Option("--explanations", help="Judge whether explanations are true of the model.")
]
ExplainedBy = Annotated[
    list[str] | None,
    typer.Option(help="Ways to explain: shares, attention, cosines, gradients; repeatable."),
]
PairsOption = Annotated[
    int, typer.Option(min=1, help="For --explanations: photos, each with its first caption.")
]
WithBackground = Annotated[
    bool, typer.Option(help="Lower hubs by the model's background, if it has one.")
]


def evaluate(
    data: options.Data,
    model: options.Models = None,
    regions: options.Regions = None,
    split: options.Split = "val",
    protocol: options.Protocol = "all",
    ties: TiesOption = "pessimistic",
    combine: options.Combine = "raw",
    similarities: SimilaritiesOption = None,
    grounding: Grounding = None,
    agreement: WithAgreement = False,
    explanations: WithExplanations = False,
    explained_by: ExplainedBy = None,
    pairs: PairsOption = 500,
    background: WithBackground = True,
    gallery: Gallery = None,
    images: Images = None,
    device: options.Device = "cpu",
    memory: Memory = None,
    as_json: options.Json = False,
) -> None:
    """Measure retrieval both ways on a split, with 95 % intervals.

    Several models are judged as one, by the mean of their similarities.

        regard evaluate --data dataset_flickr8k.json --regions flickr8k.regions --split val

        regard evaluate -m t2i -m i2t --data data/coco_precomp --split testall --protocol coco-5k
        --device cuda

        regard evaluate --data captions.json --regions photos.regions --grounding entities.jsonl

        regard evaluate --data captions.json --regions photos.regions --agreement

        regard evaluate --data captions.json --regions photos.regions --explained-by gradients

        regard evaluate --data captions.json --regions photos.regions --gallery page
    """
    from regard.cli.agreement import judge_agreement
    from regard.cli.explanations import print_faithfulness
    from regard.cli.gallery import judge_with_gallery
    from regard.cli.grounding import judge_grounding

    judge = _judge(protocol, ties, combine, similarities)
    dataset = open_split(data, split, regions)
    loaded = _loaded(model, background, device, memory)
    if explanations or explained_by:
        return print_faithfulness(loaded, dataset, explained_by, grounding, pairs, as_json)
    if grounding is not None:
        return judge_grounding(loaded, dataset, grounding, as_json)
    if agreement:
        return judge_agreement(loaded, dataset, as_json)
    if gallery is not None:
        photos = images or data.parent / "images"
        report = judge_with_gallery(judge, loaded, dataset, split, gallery, photos)
    else:
        with progress_bar("Scoring captions") as progress:
            report = judge.evaluate(loaded, dataset, data, split, progress)
    return show(report, as_json)


def _loaded(
    names: list[str] | None, background: bool, device: str, memory: float | None
) -> list["Model"]:
    """The models that are meant, where they are to compute."""
    from regard.model.checkpoint import DEFAULT_MODEL
    from regard.model.model import load

    models = [load(name, background=background, device=device) for name in names or [DEFAULT_MODEL]]
    for model in models:
        model.memory = int(memory * 2**30) if memory else None
    return models


def _judge(protocol: str, ties: str, combine: str, similarities: Path | None) -> "Judge":
    from regard.evaluation.ensemble import SimilarityCache
    from regard.evaluation.report import Judge

    if ties not in ("pessimistic", "official"):
        raise ConfigError(f"ties is {ties!r}; it must be pessimistic or official. Choose one.")
    cache = SimilarityCache(similarities) if similarities else None
    return Judge(protocol, ties, combine, cache)  # type: ignore[arg-type]


def show(report: "Report", as_json: bool = False) -> None:
    """The result as a table on standard output, how it was made on standard error; or JSON."""
    if as_json:
        print_json(report.tree())
        return
    sides = (
        ("image→text", report.retrieval.caption_retrieval, report.intervals.caption_retrieval),
        ("text→image", report.retrieval.image_retrieval, report.intervals.image_retrieval),
    )
    rows = []
    for name, side, interval in sides:
        recalls = (
            f"{value:.1f} ({interval[k][0]:.1f}-{interval[k][1]:.1f})"
            for k, value in side.recall.items()
        )
        rows.append((name, *recalls, f"{side.median_rank:g}", f"{side.mean_rank:.1f}"))
    low, high = report.intervals.rsum
    print_figures(
        f"rSum {report.retrieval.rsum:.1f}",
        ("", "R@1", "R@5", "R@10", "median rank", "mean rank"),
        rows,
    )
    notes.print(
        f"{report.images} images, {report.captions} captions, split {report.split}, protocol "
        f"{report.protocol}, ties {report.ties}, {report.models} model(s). In brackets: 95 % "
        f"intervals over redrawn images; rSum {low:.1f}-{high:.1f}."
    )
