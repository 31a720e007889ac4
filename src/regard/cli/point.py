"""regard point: teach a trained model to point, from phrases with boxes."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, progress_bar, require_train


def point(
    model: Annotated[Path, typer.Argument(help="Folder of the model; its files are added to.")],
    data: options.Data,
    phrases: Annotated[Path, typer.Option(help="Phrases with boxes (Entities' JSONL).")],
    regions: options.Regions = None,
    split: Annotated[str, typer.Option(help="Photos to learn from; judge on others.")] = "train",
    epochs: Annotated[int, typer.Option(min=1, help="Times every photo is seen.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
) -> None:
    """Teach a model where words point, for the maps people see.

    What is learned goes into the model's pointer.safetensors. Weights and similarities stay as they
    are. Judge it with `regard evaluate --grounding`, on other photos.

        regard point runs/mine/best --data dataset_flickr8k.json --regions flickr8k.regions
        --phrases entities.jsonl.gz
    """
    require_train()
    from regard.model.checkpoint import resolve_model
    from regard.model.model import load
    from regard.training.pointing import fit_pointer

    folder = resolve_model(model)
    dataset = open_split(data, split, regions)
    with progress_bar("Learning to point") as progress:
        pointer = fit_pointer(
            load(folder), dataset, phrases, epochs=epochs, seed=seed, progress=progress
        )
    pointer.save(folder)
    notes.print(f"Recorded in {folder}.", markup=False)
