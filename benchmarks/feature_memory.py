"""Peak memory of going through SCAN's features at their true shapes.

Makes train_ims.npy of Flickr30K's and MS-COCO's size as sparse files (no disk used), opens them as
training does, draws shuffled batches of 128 pairs and takes steps of the recipe `official` with
them; ones are added to what is read, since vectors of zeros would count as padding. Prints the
process's own memory, which the kernel cannot take back (anonymous pages), sampled every 10 ms,
and the mapped pages of the features file, which it can.

    python benchmarks/feature_memory.py [--batches 60] [--steps 3]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from regard.official.files import COCO, F30K, FEATURES, REGIONS, OfficialSet, features_bytes

_BATCH = 128
_WORDS = 8481  # Flickr30K's vocabulary


def memory(kind: str) -> float:
    """MB of anonymous (RssAnon) or file-backed (RssFile) memory this process holds now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


class Peak:
    """The most anonymous memory held while a block runs, in MB."""

    def __enter__(self) -> "Peak":
        self.own = memory("RssAnon")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.own = max(self.own, memory("RssAnon"))

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def write_sparse(folder: Path, size: OfficialSet) -> None:
    """A train split whose features file has its true shape and takes no disk."""
    split = size.train
    path = folder / "train_ims.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (split.rows, REGIONS, FEATURES)).flush()
    assert path.stat().st_size == features_bytes(split)
    random = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "abcdefgh" for b in "aeiou" for c in "klmnop"])
    lines = (" ".join(random.choice(words, 13)) for _ in range(split.captions))
    (folder / "train_caps.txt").write_text("\n".join(lines) + "\n")


def measure(folder: Path, batches: int, steps: int) -> dict[str, float]:
    """Own memory with the split open, and at most while drawing batches and taking steps."""
    import torch

    from regard.core.network import MatchingModel
    from regard.datasets.folders import PrecompDataset, open_precomp
    from regard.training.batches import PairBatches
    from regard.training.config import load_recipe
    from regard.training.step import batch_loss
    from regard.words.vocabulary import Vocabulary

    found = {"imports": memory("RssAnon")}

    class Filled(PrecompDataset):
        def gather(self, photo_rows):
            features, _ = super().gather(photo_rows)
            features += 1
            return features, np.full(len(features), REGIONS)

    dataset = Filled(**vars(open_precomp(folder, "train")))
    vocabulary = Vocabulary.build(dataset.captions.sentences[:20000])
    pairs = PairBatches(dataset, vocabulary, _BATCH)
    found["open"] = memory("RssAnon")
    order = pairs.order(0, 0)[:batches]
    with Peak() as peak:
        for batch in pairs.stream(order):
            assert batch.features.shape[1:] == (REGIONS, FEATURES)
            assert batch.region_mask.all()
    found |= {"batches": peak.own, "mapped": memory("RssFile")}
    recipe = load_recipe("official")
    with Peak() as peak:
        model = MatchingModel(recipe.model, _WORDS)
        optimizer = torch.optim.AdamW(model.parameters(), recipe.training.learning_rate)
        for batch in pairs.stream(order[:steps]):
            optimizer.zero_grad()
            batch_loss(model, batch, recipe.training).total.backward()
            optimizer.step()
    return {**found, "steps": peak.own}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.batches, arguments.steps)))
        return
    print(
        "| set | features file | imports | split open | batches | training | mapped, reclaimable |"
    )
    print("|---|---|---|---|---|---|---|")
    for size in (F30K, COCO):
        with tempfile.TemporaryDirectory() as folder:
            write_sparse(Path(folder), size)
            command = [sys.executable, __file__, "--measure", folder]
            command += ["--batches", str(arguments.batches), "--steps", str(arguments.steps)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        own = " | ".join(f"{found[k]:.0f} MB" for k in ("imports", "open", "batches", "steps"))
        bytes_ = f"{features_bytes(size.train) / 1e9:.1f} GB"
        print(f"| {size.title} | {bytes_} | {own} | {found['mapped']:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
