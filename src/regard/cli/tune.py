"""regard tune: the end of the backbone, drawn to the words of a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, print_made, progress_bar, read_captions, require_train

if TYPE_CHECKING:
    from regard.training.tuning.run import TuningProgress


def tune(
    data: Annotated[Path, typer.Option(help="Caption file: Karpathy JSON, JSONL or CSV.")],
    images: Annotated[Path, typer.Option(help="Folder of its photos.")],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Folder of a model trained on untuned features."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting, e.g. epochs=3. Repeatable."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads, one photo size each.")] = 2,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Tune the backbone to captions; OUT/best is the model with its tuned backbone.

    Photos come closer to their own captions through the last stages of the backbone, while the
    model's words stand still. Extract again with the result and go on training from it, so that
    attention and words learn to use what the regions now tell. Killed or interrupted, it
    resumes at the last epoch when rerun.

        regard extract dataset.json --extractor pyramid-imagenet --out plain.regions

        regard train --data dataset.json --regions plain.regions --out runs/plain

        regard tune --data dataset.json --images photos --model runs/plain/best --out runs/tuned

        regard extract dataset.json --extractor pyramid:runs/tuned/best/backbone.onnx
        --out tuned.regions

        regard train --data dataset.json --regions tuned.regions --start runs/tuned/best
        --recipe flickr8k-tuned --out runs/last
    """
    require_train()
    from regard.config import apply_settings, build
    from regard.device import usable_device
    from regard.model.model import load
    from regard.training.allocator import keep_freed_memory
    from regard.training.tuning.objective import TuneConfig
    from regard.training.tuning.run import Split
    from regard.training.tuning.run import tune as run_tuning

    keep_freed_memory()
    train, val = (Split(read_captions(data, name), images) for name in ("train", "val"))
    config = build(TuneConfig, apply_settings({}, settings or []))
    with progress_bar("Tuning") as progress:

        def show(at: "TuningProgress") -> None:
            progress(at.done, at.total)
            if at.validation is not None:
                notes.print(f"{at.label}  loss {at.loss:.3f}  rSum {at.validation.rsum:.1f}")

        where = usable_device(device)
        best, rsum = run_tuning(
            *(load(model), train, val, out, config), threads=threads, device=where, progress=show
        )
    note = f"Best on val, by mean vectors: rSum {rsum:.1f}."
    print_made(best, {"model": str(best), "rsum": rsum}, as_json, note)
