"""Gives a trained model the labels of regions, without training it again.

Usage: python -m making.labelled MODEL CLASSES OUT. CLASSES is the folder of labels.safetensors.

Names of classes are words like any other, so a model that knows words and regions can use them as
it is. What is fitted to its similarities, background and curves, must be made anew with
`regard calibrate`.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from regard.errors import CheckpointError
from regard.model.checkpoint import load_checkpoint, save_checkpoint
from regard.model.labels import LabelClasses


def main(model: str, classes: Path, out: Path) -> None:
    """Write the model with labels, which count as much as what was learned of regions."""
    plain, labels = load_checkpoint(model), LabelClasses.load(classes)
    if labels is None:
        raise CheckpointError(f"there are no classes in {classes}. Make them first.")
    weights = {**plain.weights, "regions.labels.gain": np.ones(1, np.float32)}
    config = replace(plain.config, labels=True)
    labelled = replace(plain, config=config, weights=weights, labels=labels)
    half = plain.weights["regions.mean"].dtype == np.float16
    save_checkpoint(out, labelled, half=half)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
