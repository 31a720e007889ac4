"""A training step beside the official one, in time and in memory.

The paper's configuration: 128 pairs, 36 regions of 2048 numbers, 1024 dimensions, bi-GRU,
hardest negatives, caption lengths as Flickr30K's. Each side runs in a process of its own with
the C library's default allocator.
"""

import itertools
import json
import statistics
import subprocess
import sys
import time
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.bench.loop import loop_over_captions
from regard.bench.memory import peak_added
from regard.bench.shapes import caption_lengths
from regard.core.attention import Scoring
from regard.core.losses import triplet_loss
from regard.core.model import MatchingModel, ModelConfig
from regard.data.batches import Batch
from regard.training.config import TrainConfig
from regard.training.step import batch_loss

PAIRS, REGIONS, VOCABULARY = 128, 36, 8481
PAIRS_IN_EPOCH = {"flickr30k": 145_000, "coco": 566_435}


class Side(NamedTuple):
    """What one implementation needs for a step."""

    seconds: float
    """Median of the steps after the first."""
    added_bytes: int
    """Peak resident memory beyond model, optimizer state and batch."""
    parts: dict[str, float]
    """Seconds of the parts of a step; empty for the official one."""


def measure(threads: int = 1, repeats: int = 5) -> dict[str, Any]:
    """Both sides and their ratios.

    Returns:
        ratio_to_official (times faster), memory_ratio (times less added), seconds, the same for
        float32, parts, and seconds an epoch at Flickr30K's and COCO's size.
    """
    official = _in_process("official", threads, 2)
    ours = _in_process("bfloat16", threads, repeats)
    exact = _in_process("float32", threads, repeats)
    return {
        "ratio_to_official": official.seconds / ours.seconds,
        "memory_ratio": official.added_bytes / ours.added_bytes,
        "seconds": ours.seconds,
        "threads": threads,
        "official": official._asdict(),
        "bfloat16": ours._asdict(),
        "float32": exact._asdict() | {"ratio_to_official": official.seconds / exact.seconds},
        "epoch_seconds": {k: ours.seconds * v / PAIRS for k, v in PAIRS_IN_EPOCH.items()},
    }


def _in_process(side: str, threads: int, repeats: int) -> Side:
    command = [sys.executable, "-m", "regard.bench.step", side, str(threads), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Side(**json.loads(done.stdout))


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.as_tensor(caption_lengths(PAIRS))
    ids = torch.randint(4, VOCABULARY, (PAIRS, int(lengths.max())), generator=generator)
    return Batch(
        torch.rand(PAIRS, REGIONS, 2048, generator=generator),
        torch.ones(PAIRS, REGIONS, dtype=torch.bool),
        ids,
        lengths,
        torch.arange(PAIRS),
    )


def _official_loss(model: MatchingModel, batch: Batch) -> Tensor:
    regions = model.regions(batch.features)
    words = model.words(batch.word_ids, batch.lengths)
    scores = loop_over_captions(regions, words, batch.lengths.tolist(), model.config.scoring)
    return triplet_loss(scores, torch.eye(PAIRS, dtype=torch.bool))


class _Stepper:
    """A model with its optimizer and batch, ready to step."""

    def __init__(self, side: str) -> None:
        torch.manual_seed(0)
        self.side = side
        self.model = MatchingModel(ModelConfig(scoring=Scoring(pooling="mean")), VOCABULARY)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-4, weight_decay=0.0)
        self.batch = _batch()
        for parameter in self.model.parameters():  # so that the moments exist beforehand
            parameter.grad = torch.zeros_like(parameter)
        self.optimizer.step()
        self.config = TrainConfig(precision="float32" if side == "float32" else "bfloat16")

    def step(self) -> dict[str, float]:
        """One step; gives the seconds of its parts."""
        marks = [time.perf_counter()]
        self.optimizer.zero_grad(set_to_none=False)
        if self.side == "official":
            loss = _official_loss(self.model, self.batch)
        else:
            loss = batch_loss(self.model, self.batch, self.config).total
        marks.append(time.perf_counter())
        loss.backward()  # type: ignore[no-untyped-call]
        marks.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimizer.step()
        marks.append(time.perf_counter())
        spans = (b - a for a, b in itertools.pairwise(marks))
        return dict(zip(("forward", "backward", "update"), spans, strict=True))


def _main(side: str, threads: int, repeats: int) -> None:
    torch.set_num_threads(threads)
    stepper = _Stepper(side)
    added = peak_added(stepper.step)
    runs = [stepper.step() for _ in range(repeats)]
    parts = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    seconds = statistics.median(sum(run.values()) for run in runs)
    json.dump(Side(seconds, added, parts)._asdict(), sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
