"""Puts a trained model where the models that ship lie, with weights in float16.

Usage: python -m making.ship MODEL FOLDER. MODEL is `best` of a run. What is fitted to its
similarities is made anew afterwards, with `regard calibrate` and `regard point` on FOLDER. Classes
of labels that lie beside FOLDER are shared and not written again.
"""

import sys
from dataclasses import replace
from pathlib import Path

from regard.model.checkpoint import load_checkpoint, save_checkpoint
from regard.model.labels import FILE as LABELS


def main(model: Path, folder: Path) -> None:
    """Write the model's files; what else lies in the folder stays."""
    checkpoint = load_checkpoint(model)
    if (folder.parent / LABELS).exists():
        checkpoint = replace(checkpoint, labels=None)
    save_checkpoint(folder, checkpoint, half=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
