"""Puts a trained model where the models that ship lie, with weights in float16.

Usage: python -m making.ship MODEL FOLDER. MODEL is `best` of a run. What is fitted to its
similarities is made anew afterwards, with `regard calibrate` and `regard point` on FOLDER. Classes
of labels that lie beside FOLDER are shared and not written again.
"""

import sys
from pathlib import Path

from regard.model.checkpoint import load_checkpoint, save_checkpoint
from regard.model.labels import FILE as LABELS


def main(model: Path, folder: Path) -> None:
    """Write the model's files; what else lies in the folder stays."""
    save_checkpoint(folder, load_checkpoint(model), half=True)
    if (folder.parent / LABELS).exists():
        (folder / LABELS).unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
