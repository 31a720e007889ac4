"""A training step beside the official one, in time and in memory.

The paper's configuration: 128 pairs, 36 regions of 2048 numbers, 1024 dimensions, bi-GRU,
hardest negatives, caption lengths as Flickr30K's. Each side lives in a process of its own, the
official one with the C library's default allocator and Adam as the official code calls it, ours
as `regard train` does it. They take turns, so that a busy machine slows all of them.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from regard.bench.loop import loop_over_captions
from regard.bench.memory import give_back, peak_added
from regard.bench.shapes import caption_lengths
from regard.core.losses import triplet_loss
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.kernels import chosen
from regard.training.allocator import keep_freed_memory
from regard.training.batches import Batch
from regard.training.config import TrainConfig
from regard.training.gathered import Embedded
from regard.training.step import batch_loss, embed, loss_of

PAIRS, REGIONS, VOCABULARY = 128, 36, 8481
PAIRS_IN_EPOCH = {"flickr30k": 145_000, "coco": 566_435}
SIDES = ("official", "bfloat16", "float32")
CLIP_NORM = 2.0
_WARM = 24  # pairs of a step that loads and compiles everything the whole one needs

Ask = Callable[[str, str], Any]


def measure(threads: int = 1, repeats: int = 2) -> dict[str, Any]:
    """Both sides and their ratios.

    Returns:
        ratio_to_official (times faster, median over rounds in which every side made a step),
        memory_ratio (times less added to model, optimizer state and batch, gradients included)
        and seconds, for the precision that was chosen; the other, and how many times as long it
        took; the same of each side, with the processor's seconds,
        which other programs change less; the seconds of a step's parts; and seconds an epoch.
    """
    with _workers(threads) as ask:
        memory = {side: ask(side, "memory") for side in SIDES}
        rounds = [{side: ask(side, "step") for side in SIDES} for _ in range(repeats)]
        parts = {side: ask(side, "parts") for side in SIDES[1:]}
    sides = {side: _summary(side, rounds, memory) for side in SIDES}
    choice = chosen("training")
    ours, theirs = sides[choice.precision], sides[choice.other]
    return {
        **{name: ours[name] for name in ("ratio_to_official", "memory_ratio", "seconds")},
        "chosen": choice.precision,
        "other": choice.other,
        "ratio": theirs["seconds"] / ours["seconds"],
        "threads": threads,
        **{side: sides[side] | {"parts": parts.get(side, {})} for side in SIDES},
        "epoch_seconds": {k: ours["seconds"] * v / PAIRS for k, v in PAIRS_IN_EPOCH.items()},
    }


def _summary(
    side: str, rounds: list[dict[str, dict[str, float]]], memory: dict[str, int]
) -> dict[str, float]:
    """Medians of one side, and of its ratios to the official step of the same round."""

    def ratio(kind: str) -> float:
        return statistics.median(r["official"][kind] / r[side][kind] for r in rounds)

    return {
        "ratio_to_official": ratio("seconds"),
        "ratio_of_processor_seconds": ratio("processor_seconds"),
        "memory_ratio": memory["official"] / memory[side],
        "seconds": statistics.median(r[side]["seconds"] for r in rounds),
        "processor_seconds": statistics.median(r[side]["processor_seconds"] for r in rounds),
        "added_bytes": memory[side],
    }


@contextmanager
def _workers(threads: int) -> Iterator[Ask]:
    """One process a side, and how to ask it for a measurement."""
    processes = {side: _worker(side, threads) for side in SIDES}

    def ask(side: str, what: str) -> Any:
        given, answers = processes[side].stdin, processes[side].stdout
        assert given is not None
        assert answers is not None
        given.write(what + "\n")
        given.flush()
        return json.loads(answers.readline())

    try:
        yield ask
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def _worker(side: str, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "regard.bench.step", side, str(threads)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def drawn_batch(pairs: int = PAIRS) -> Batch:
    """Pairs of random features and words, captions as long as Flickr30K's."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.as_tensor(caption_lengths(pairs))
    ids = torch.randint(4, VOCABULARY, (pairs, int(lengths.max())), generator=generator)
    return Batch(
        torch.rand(pairs, REGIONS, 2048, generator=generator),
        torch.full((pairs,), REGIONS),
        ids,
        lengths,
        torch.arange(pairs),
    )


def _official_loss(model: MatchingModel, batch: Batch) -> Tensor:
    regions = model.regions(batch.features)
    words = model.words(batch.word_ids, batch.lengths)
    scores = loop_over_captions(regions, words, batch.lengths.tolist(), model.config.scoring)
    return triplet_loss(scores, torch.eye(len(words), dtype=torch.bool))


class _Stepper:
    """A model with its optimizer and batch, ready to step."""

    def __init__(self, side: str) -> None:
        torch.manual_seed(0)
        self.official = side == "official"
        if not self.official:
            keep_freed_memory()
        self.model = MatchingModel(ModelConfig(scoring=Scoring(pooling="mean")), VOCABULARY)
        parameters = self.model.parameters()
        self.optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(parameters, lr=2e-4)
            if self.official
            else torch.optim.AdamW(parameters, lr=2e-4, weight_decay=0.0, fused=True)
        )
        self.batch = drawn_batch()
        for parameter in self.model.parameters():  # so that the moments exist beforehand
            parameter.grad = torch.zeros_like(parameter)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.config = TrainConfig(precision="float32" if side == "float32" else "bfloat16")

    def memory(self) -> int:
        """Bytes a step adds at its peak, when a small one has brought in all code it needs."""
        whole, self.batch = self.batch, drawn_batch(_WARM)
        self.step()
        self.batch = whole
        self.optimizer.zero_grad()
        give_back()
        return peak_added(self.step)

    def step(self) -> dict[str, float]:
        """Seconds of one step, and of the processor."""
        began, used = time.perf_counter(), time.process_time()
        self.optimizer.zero_grad()
        if self.official:
            loss = _official_loss(self.model, self.batch)
        else:
            loss = batch_loss(self.model, self.batch, self.config).total
        loss.backward()  # type: ignore[no-untyped-call]
        self._update()
        return {
            "seconds": time.perf_counter() - began,
            "processor_seconds": time.process_time() - used,
        }

    def _update(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self.optimizer.step()

    def parts(self) -> dict[str, float]:
        """Seconds of a step's parts, taken one after the other; the same arithmetic."""
        marks = {"": time.perf_counter()}
        self.optimizer.zero_grad()
        regions, words = embed(self.model, self.batch, self.config)
        marks["embedding"] = time.perf_counter()
        leaves = Embedded(*(t.detach().requires_grad_() for t in (regions, words)))
        loss = loss_of(self.model, leaves, self.batch, self.config).total
        marks["scores and loss"] = time.perf_counter()
        loss.backward()  # type: ignore[no-untyped-call]
        marks["gradient of the loss"] = time.perf_counter()
        regions.backward(leaves.regions.grad)  # type: ignore[no-untyped-call]
        marks["gradient of the region encoder"] = time.perf_counter()
        words.backward(leaves.words.grad)  # type: ignore[no-untyped-call]
        marks["gradient of the word encoder"] = time.perf_counter()
        self._update()
        marks["update"] = time.perf_counter()
        times, names = list(marks.values()), list(marks)[1:]
        return {name: times[n + 1] - times[n] for n, name in enumerate(names)}


def _main(side: str, threads: int) -> None:
    """Answer every line of standard input, the name of a measurement, with its JSON."""
    torch.set_num_threads(threads)
    stepper = _Stepper(side)
    for line in sys.stdin:
        measured = getattr(stepper, line.strip())()
        sys.stdout.write(json.dumps(measured) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
