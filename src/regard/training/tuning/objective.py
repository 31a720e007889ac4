"""Tuning the end of the backbone to the sentences that describe photos.

The words' side stands still: the mean word vector of every caption is a fixed target. A photo's
mean region vector is drawn to those of its own captions, away from all others (a contrastive
loss), through the last two stages and the head of the backbone and through the regions' encoder.
Every caption and every photo of the training set is a negative: captions do not change, and of
the other photos the vectors of their last turn are kept. So photos can pass a few at a time, all
of one size. Filters of single channels stay as they were; they are two in a hundred of the
weights and take half of the time.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.core.attention import l2norm
from regard.core.network import RegionEncoder
from regard.device import PROCESSOR, put, read
from regard.kernels.workers import run_tasks
from regard.regions.pyramid import pyramid_boxes
from regard.shapes import Float, Int
from regard.training import saved_state
from regard.training.gradients import clip
from regard.training.tuning.backbone import Block, EfficientNetLite2, SameConv, pool_levels
from regard.training.tuning.photo_maps import PhotoMaps, Unit

_REGIONS = len(pyramid_boxes())
_AT_ONCE = 16  # photos embedded together


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """How the backbone's end is tuned. The one place where these defaults stand."""

    epochs: int = 8
    photos: int = 16
    """Photos that pass together."""
    units: int = 4
    """Passes between two changes of the weights."""
    learning_rate: float = 1.5e-4
    """Of the backbone; falls to a fiftieth along a cosine."""
    encoder_rate: float = 3e-4
    """Of the regions' encoder, likewise."""
    temperature: float = 0.05
    region_dropout: float = 0.3
    """Share of regions left out of a photo's mean."""
    clip_norm: float = 2.0
    averaged_epochs: int = 4
    """The weights that are validated and kept are a mean over so many last epochs."""
    seed: int = 0


class Tail(nn.Module):
    """The last two stages and the head, with pointwise convolutions as matrix products."""

    def __init__(self, network: EfficientNetLite2) -> None:
        super().__init__()
        self.blocks = copy.deepcopy(network.blocks[network.border :])
        self.head = copy.deepcopy(network.head)
        self.ends = [end - network.border for end in network.stage_ends[-2:]]
        for name, weight in self.named_parameters():
            weight.requires_grad_("depthwise" not in name)

    def forward(self, x: Float[Tensor, "photo channel row column"]) -> list[Tensor]:
        """Maps of both stages and of the head."""
        maps = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            assert block.expand is not None  # only the very first block of the network has none
            wide = F.relu6(_pointwise(block.expand, x))
            narrow = _pointwise(block.project, F.relu6(block.depthwise(wide)))
            x = narrow + x if block.adds else narrow
            if number in self.ends:
                maps.append(x)
        return [*maps, F.relu6(_pointwise(self.head, x))]

    @torch.no_grad()
    def into(self, network: EfficientNetLite2) -> None:
        """Put the weights back into a whole network."""
        network.blocks[network.border :].load_state_dict(self.blocks.state_dict())
        network.head.load_state_dict(self.head.state_dict())


def _pointwise(conv: SameConv, x: Tensor) -> Tensor:
    """A 1 x 1 convolution in bfloat16, of a map whose channels lie side by side."""
    assert conv.bias is not None  # the folded batch norm's
    weight, bias = conv.weight.flatten(1).bfloat16(), conv.bias.bfloat16()
    product = F.linear(x.permute(0, 2, 3, 1).bfloat16(), weight, bias)
    return product.float().permute(0, 3, 1, 2)


class Targets(NamedTuple):
    """Mean word vectors of captions, and whose they are."""

    vectors: Float[Tensor, "cap dim"]
    photo_of_caption: Int[Tensor, " cap"]
    """On the processor."""


class Tuned(NamedTuple):
    """What turns maps into vectors of regions."""

    tail: Tail
    encoder: RegionEncoder


def _weights(tuned: Tuned) -> list[nn.Parameter]:
    """Those that are changed: the tail's, then the encoder's."""
    tail = [weight for weight in tuned.tail.parameters() if weight.requires_grad]
    return [*tail, *tuned.encoder.parameters()]


def embed(tuned: Tuned, maps: PhotoMaps, threads: int = 1) -> Float[Tensor, "photo dim"]:
    """Mean region vectors of photos, in the order of their rows."""
    tuned.encoder.eval()
    parts = [
        rows[start : start + _AT_ONCE]
        for rows in maps.rows_by_size.values()
        for start in range(0, len(rows), _AT_ONCE)
    ]
    device = tuned.encoder.mean.device
    out = torch.empty(maps.number, tuned.encoder.linear.out_features, device=device)

    @torch.no_grad()  # each thread has a switch of its own
    def work(rows: list[int]) -> None:
        features = features_of(tuned.tail, maps.unit(rows).on(device))
        out[put(torch.tensor(rows), device)] = l2norm(tuned.encoder(features).mean(1), dim=-1)

    run_tasks(parts, work, threads)
    return out


def embed_dropped(
    encoder: RegionEncoder, features: Float[Tensor, "photo region feature"], seed: torch.Generator
) -> Float[Tensor, "photo region dim"]:
    """What the encoder gives in training, its dropout drawn from a generator of one's own.

    Threads that drew from the one torch has would take turns as it happens.
    """
    standard = (features - encoder.mean) / encoder.deviation
    vectors: Tensor = encoder.linear(standard)
    if encoder.mlp is not None:
        dropout, *layers = encoder.mlp
        assert isinstance(dropout, nn.Dropout)
        kept = put(torch.rand(standard.shape, generator=seed) >= dropout.p, standard.device)
        vectors = vectors + nn.Sequential(*layers)(standard * kept / (1 - dropout.p))
    unit: Tensor = l2norm(vectors.float(), dim=-1)
    return unit


def features_of(tail: Tail, unit: Unit) -> Float[Tensor, "photo region feature"]:
    """Features of all regions, as the extractor would make them."""
    return torch.cat([unit.levels, pool_levels(tail(unit.maps))], -1)


def tuning_loss(
    photos: Float[Tensor, "photo dim"],
    rows: Int[Tensor, " photo"],
    memory: Float[Tensor, "all dim"],
    targets: Targets,
    temperature: float,
) -> Float[Tensor, ""]:
    """Cross entropy of each photo with each of its captions, and of each of these with the photo.

    Args:
        photos: unit vectors, with gradient.
        rows: their rows in `memory`, which holds a vector of every photo; on the processor.
        targets: of all captions.
    """
    own = targets.photo_of_caption[None, :] == rows[:, None]  # (photo, cap)
    mine, rows = (put(part, photos.device) for part in (own, rows))
    photo, caption = (put(part, photos.device) for part in own.nonzero().unbind(1))
    logits = photos @ targets.vectors.T / temperature
    others = logits.masked_fill(mine, -torch.inf).logsumexp(1)  # of captions of other photos
    true = logits[photo, caption]
    by_photo = torch.logaddexp(true, others[photo]) - true
    rivals = targets.vectors[caption] @ memory.T / temperature
    rivals = rivals.scatter(1, rows[photo, None], -torch.inf).logsumexp(1)
    by_caption = torch.logaddexp(true, rivals) - true
    return (by_photo.mean() + by_caption.mean()) / 2


@dataclass
class _Pass:
    """Photos of one size that pass together, and what came of it."""

    rows: list[int]
    mirrored: bool
    seed: list[int]
    gradients: Sequence[Tensor] = ()
    photos: Tensor = field(default_factory=lambda: torch.empty(0))
    loss: float = 0.0


class Tuner:
    """The tuned end of a backbone and the encoder that learns with it.

    Args:
        network: the backbone; copied, not changed.
        encoder: of regions, trained on the untuned features; copied.
        maps: of the training photos.
        targets: captions of the training photos, embedded.
        device: where the tuned end learns.
    """

    def __init__(
        self,
        network: EfficientNetLite2,
        encoder: RegionEncoder,
        maps: PhotoMaps,
        targets: Targets,
        config: TuneConfig,
        threads: int = 1,
        *,
        device: str = PROCESSOR,
    ) -> None:
        self.tail = put(Tail(network), device)
        self.encoder = put(copy.deepcopy(encoder), device)
        self._maps, self._config, self._device = maps, config, device
        self._targets = targets._replace(vectors=put(targets.vectors, device))
        self._threads = threads
        self._weights = _weights(Tuned(self.tail, self.encoder))
        self._past: list[list[Tensor]] = []  # weights at the ends of the last epochs
        encoder_weights = list(self.encoder.parameters())
        tuned = self._weights[: -len(encoder_weights)]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": tuned, "peak": config.learning_rate},
                {"params": encoder_weights, "peak": config.encoder_rate},
            ],
            weight_decay=0.01,
            fused=True,
        )
        self._memory = embed(Tuned(self.tail, self.encoder), maps, threads)

    def settled(self) -> "Tuned":
        """The mean of what the last epochs ended with."""
        mean = Tuned(copy.deepcopy(self.tail), copy.deepcopy(self.encoder))
        with torch.no_grad():
            for weight, *past in zip(_weights(mean), *self._past, strict=True):
                weight.copy_(torch.stack(past).mean(0))
        return mean

    def state(self) -> dict[str, Tensor]:
        """All that changes while tuning, as tensors by name."""
        past = {
            f"past.{age}.{place}": weight
            for age, weights in enumerate(self._past)
            for place, weight in enumerate(weights)
        }
        learned = saved_state.parts(tail=self.tail, encoder=self.encoder)
        return {
            "memory": self._memory,
            **learned,
            **past,
            **saved_state.moments(self._optimizer),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go back to what `state` gave."""
        self._memory.copy_(state["memory"])
        saved_state.put(state, tail=self.tail, encoder=self.encoder)
        saved_state.put_moments(state, self._optimizer)
        ages = {int(key.split(".")[1]) for key in state if key.startswith("past.")}
        places = range(len(self._weights))
        self._past = [
            [put(state[f"past.{age}.{n}"], self._device) for n in places] for age in sorted(ages)
        ]

    def _order(self, epoch: int) -> list[tuple[list[int], bool]]:
        """Photos that pass together, and whether mirrored, in random order."""
        generator = np.random.default_rng((self._config.seed, epoch))
        units: list[tuple[list[int], bool]] = []
        for rows in self._maps.rows_by_size.values():
            turns = generator.integers(0, 2, len(rows))
            for turn in (False, True):
                chosen = generator.permutation(np.array(rows)[turns == turn]).tolist()
                starts = range(0, len(chosen), self._config.photos)
                units += [(chosen[s : s + self._config.photos], turn) for s in starts]
        return [units[n] for n in generator.permutation(len(units))]

    def epoch(self, number: int) -> Iterator[tuple[int, int, float]]:
        """One pass over all photos; tells units done, units in all and the mean loss so far."""
        order, total, seen = self._order(number), 0.0, 0
        for start in range(0, len(order), self._config.units):
            passes = [
                _Pass(rows, mirrored, [self._config.seed, number, start + n])
                for n, (rows, mirrored) in enumerate(order[start : start + self._config.units])
            ]
            run_tasks(passes, self._go, self._threads)
            count = sum(len(one.rows) for one in passes)
            for weight, *gradients in zip(
                self._weights, *(one.gradients for one in passes), strict=True
            ):
                weight.grad = torch.stack(gradients).sum(0) / count
            for one in passes:
                self._memory[put(torch.tensor(one.rows), self._device)] = one.photos
                total += one.loss
            done, seen = start + len(passes), seen + count
            self._change((number + done / len(order)) / self._config.epochs, total / seen)
            yield done, len(order), total / seen
        ended = [weight.detach().clone() for weight in self._weights]
        self._past = [*self._past, ended][-self._config.averaged_epochs :]

    def _go(self, one: "_Pass") -> None:
        """Compute the vectors, the summed loss and its gradients for some photos."""
        (seed,) = np.random.SeedSequence(one.seed).generate_state(1)
        generator = torch.Generator().manual_seed(int(seed))
        chance = torch.rand(len(one.rows), _REGIONS, generator=generator)
        keep = round(_REGIONS * (1 - self._config.region_dropout))
        kept = chance.argsort(1)[:, :keep]
        unit = self._maps.unit(one.rows, mirrored=one.mirrored).on(self._device)
        features = features_of(self.tail, unit)
        of_photo = put(torch.arange(len(kept))[:, None], self._device)
        features = features[of_photo, put(kept, self._device)]
        photos = l2norm(embed_dropped(self.encoder, features, generator).mean(1), dim=-1)
        loss = len(one.rows) * tuning_loss(
            photos,
            torch.tensor(one.rows),
            self._memory,
            self._targets,
            self._config.temperature,
        )
        one.gradients = torch.autograd.grad(loss, self._weights)
        one.photos, one.loss = photos.detach(), float(read(loss))

    def _change(self, done: float, loss: float) -> None:
        """Change the weights; `done` is the share of the whole tuning."""
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * cosine
        clip(self._weights, self._config.clip_norm, loss)
        self._optimizer.step()
