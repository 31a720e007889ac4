"""Records what a version of Regard says of 60 Flickr8k val photos and 200 val captions.

Usage: python record_val.py dataset_flickr8k.json IMAGES OUT.npz. Only numbers are kept: ids of
photos and captions as in the data set, and the similarities that attention alone gives. The
recording beside this file was made with commit d421cd9, whose encoders ran on torch.
"""

import json
import sys
from pathlib import Path

import numpy as np

import regard

MODELS = ("flickr8k", "flickr8k-i2t")


def chosen(dataset):
    """Every 16th val photo, and of the captions those of the chosen photos first."""
    val = [image for image in dataset["images"] if image["split"] == "val"]
    photos = val[::16][:60]
    own = [image["sentences"][0] for image in photos]
    others = [image["sentences"][1] for image in val[3::7]]
    return photos, (own + others)[:200]


if __name__ == "__main__":
    data, folder, out = sys.argv[1:]
    photos, captions = chosen(json.loads(Path(data).read_text(encoding="utf-8")))
    held = {
        "imgid": np.array([image["imgid"] for image in photos]),
        "sentid": np.array([sentence["sentid"] for sentence in captions]),
    }
    for name in MODELS:
        model = regard.load(name, background=False)
        images = model.encode_images([Path(folder) / image["filename"] for image in photos])
        encoded = model.encode_captions([sentence["raw"] for sentence in captions])
        held[name] = model.similarity(images, encoded)
    np.savez_compressed(out, **held)
