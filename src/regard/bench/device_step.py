"""Training steps on a graphics card: seconds, memory, and how far they are from the processor's.

The paper's configuration, as in `bench.step`. Nobody who wrote this had a card: what is printed
here is what a report should hold.
"""

import statistics
import time
from typing import Any

import torch
from torch import Tensor

from regard.bench.step import CLIP_NORM, VOCABULARY, drawn_batch
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.device import PROCESSOR, peak_memory, put, read
from regard.training.batches import Batch
from regard.training.config import TrainConfig
from regard.training.precision import round_to_tf32, scaler_of
from regard.training.step import batch_loss

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
_WARM = 3  # steps before any is timed
_MODEL = ModelConfig(scoring=Scoring(pooling="mean"))


def measure(
    device: str, repeats: int = 20, *, pairs: int = 128, model: ModelConfig = _MODEL
) -> dict[str, Any]:
    """Steps in every precision.

    Returns:
        device and torch, in words; for each precision seconds (the median step), loss_error and
        gradient_error (of the first step, relative to the processor's in float32); peak_bytes.
    """
    batch = drawn_batch(pairs)._replace(features=torch.rand(pairs, 36, model.feature_dim))
    expected = _Stepper(PROCESSOR, "float32", batch, model).first()
    tree: dict[str, Any] = {"device": _name(device), "torch": torch.__version__}
    for precision in PRECISIONS:
        stepper = _Stepper(device, precision, batch, model)
        loss, gradient = stepper.first()
        seconds = [stepper.step() for _ in range(_WARM + repeats)][_WARM:]
        tree[precision] = {
            "seconds": statistics.median(seconds),
            "loss_error": abs(loss / expected[0] - 1),
            "gradient_error": float((gradient - expected[1]).norm() / expected[1].norm()),
        }
    return tree | {"peak_bytes": peak_memory(device)}


def _name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


class _Stepper:
    """A model with its optimizer and batch, ready to step on a device."""

    def __init__(self, device: str, precision: str, batch: Batch, model: ModelConfig) -> None:
        torch.manual_seed(0)
        round_to_tf32(precision == "tf32")
        self._model = put(MatchingModel(model, VOCABULARY), device)
        self._batch = batch.moved(lambda part: put(part, device))
        self._config = TrainConfig(precision=precision)  # type: ignore[arg-type]
        self._scaler = scaler_of(precision, torch.device(device))
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(), lr=2e-4, weight_decay=0.0, fused=True
        )

    def _backward(self) -> Tensor:
        self._optimizer.zero_grad()
        loss = batch_loss(self._model, self._batch, self._config).total
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        return loss

    def first(self) -> tuple[float, Tensor]:
        """Loss and whole gradient, on the processor; nothing is changed."""
        loss = float(read(self._backward()))
        gradients = [weight.grad for weight in self._model.parameters()]
        flat = [torch.from_numpy(read(one)).flatten() for one in gradients if one is not None]
        self._scaler.update()
        return loss, torch.cat(flat)

    def step(self) -> float:
        """Seconds of one step."""
        began = time.perf_counter()
        self._backward()
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), CLIP_NORM)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        read(norm)  # which waits for the device
        return time.perf_counter() - began
