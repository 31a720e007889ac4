"""regard blend: a model between the one before and the one after tuning."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.common import print_made, require_train
from regard.errors import CheckpointError, ConfigError


def blend(
    before: Annotated[str, typer.Argument(help="Model before tuning: a name or a folder.")],
    after: Annotated[
        str, typer.Argument(help="Model that went on from it, tuned backbone beside.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the blended model.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="How far to go to AFTER.")] = 0.7,
    backbone: Annotated[
        Path | None,
        typer.Option(help="Take this backbone as it is; default: AFTER's, blended alike."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Blend the weights of a model and of what it was tuned to.

    Tuned to one collection, a model forgets others. Weights on the straight line between it and
    where it began keep what it learned there and much of what it knew before (Wortsman et al.
    2022, WiSE-FT). The backbone beside AFTER is blended with the one its package brings.

        regard blend runs/plain/best runs/last/best --share 0.7 --out runs/blended
    """
    require_train()
    import numpy as np

    from regard.model.checkpoint import Checkpoint, load_checkpoint, resolve_model, save_checkpoint
    from regard.regions.pyramid import BACKBONE, identity_of, tag_of
    from regard.training.tuning.onnx_file import blend_backbone

    first, last = load_checkpoint(before), load_checkpoint(after)
    source = backbone or resolve_model(after) / BACKBONE
    if not source.is_file():
        raise CheckpointError(
            f"{source} is missing; a tuned model must have its backbone beside it. Train with "
            "--backbone, or name one here with --backbone."
        )
    if last.vocabulary != first.vocabulary:
        raise ConfigError(
            f"{before} and {after} know other words; one must have gone on from the other. "
            "Train the second with --start."
        )
    weights = {}
    for name, value in first.weights.items():
        begin, end = (np.asarray(side, np.float32) for side in (value, last.weights[name]))
        weights[name] = (1 - share) * begin + share * end
    out.mkdir(parents=True, exist_ok=True)
    blend_backbone(source, out / BACKBONE, share if backbone is None else 1.0)
    identity = identity_of(tag_of(out / BACKBONE))
    info = {key: value for key, value in last.info.items() if key in ("recipe", "epoch")}
    info["blended"] = {"share": share, "before": first.info.get("recipe", {})}
    save_checkpoint(
        out, Checkpoint(last.config, weights, last.vocabulary, identity, info, labels=last.labels)
    )
    note = f"Its regions come from: regard extract ... --extractor pyramid:{out / BACKBONE}"
    print_made(out, {"model": str(out), "extractor": identity}, as_json, note)
