"""What SGR and SAF learn (`core.reasoning`), as a module of torch."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from regard.core import reasoning
from regard.core.model_config import ModelConfig
from regard.core.reasoning import Nodes, kept_as
from regard.shapes import Bool, Float

_MOMENTUM = 0.1  # of the running mean and variance of gates, as torch has it
_PAIRS = 1 << 22  # numbers of attended vectors at a time
Total = Callable[[Tensor], Tensor]


def _alone(number: Tensor) -> Tensor:
    return number


class Reasoner(nn.Module):
    """Similarities of photos with captions, learned."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._scoring = config.scoring
        self._names: dict[str, str] = {}
        for name, shape in reasoning.shapes(config).items():
            own = self._names[name] = kept_as(name)
            value = torch.full(shape, float(name in ("gate.variance", "gate.scale")))
            if name in ("gate.mean", "gate.variance"):
                self.register_buffer(own, value)
                continue
            if name.endswith(".weight"):
                bound = math.sqrt(6 / sum(shape))  # Xavier's, as the authors begin
                value.uniform_(-bound, bound)
            self.register_parameter(own, nn.Parameter(value))

    def weights(self) -> dict[str, Tensor]:
        """All by the names that `core.reasoning` has for them."""
        return {name: getattr(self, own) for name, own in self._names.items()}

    def forward(
        self,
        regions: Float[Tensor, "*#batch region dim"],
        words: Float[Tensor, "*#batch word dim"],
        region_mask: Bool[Tensor, "*#batch region"],
        word_mask: Bool[Tensor, "*#batch word"],
        total: Total = _alone,
    ) -> Float[Tensor, " *batch"]:
        """As `reasoned`; while it learns, gates are normalised over those of the call.

        Args:
            total: sums a number over the processes that learn together, where there are several.
        """
        weights, sides = self.weights(), (regions, words, region_mask, word_mask)
        learns = self.training and torch.is_grad_enabled() and "gate.mean" in weights
        if not learns:
            found: Tensor = reasoning.reasoned(*sides, weights, self._scoring)
            return found
        nodes = reasoning.aligned(*sides, weights, self._scoring)
        gates = reasoning.gates_of(nodes, weights)
        mean, variance = self._moments(nodes, gates, total)
        summed = reasoning.filtered(nodes, gates, mean, variance, weights)
        judged: Tensor = reasoning.judged(summed, weights)
        return judged

    def _moments(self, nodes: Nodes, gates: Tensor, total: Total) -> tuple[Tensor, Tensor]:
        """Mean and variance of the gates that are there, remembered for later."""
        count = total(nodes.mask.sum()).clamp_min(2)
        mean = total(torch.where(nodes.mask, gates, 0).sum()) / count
        apart = torch.where(nodes.mask, gates - mean, 0)
        variance = total(apart.square().sum()) / count
        with torch.no_grad():
            weights = self.weights()
            weights["gate.mean"].lerp_(mean.expand(1), _MOMENTUM)
            unbiased = (variance * count / (count - 1)).expand(1)
            weights["gate.variance"].lerp_(unbiased, _MOMENTUM)
        return mean[None], variance[None]

    def all_pairs(
        self,
        regions: Float[Tensor, "image region dim"],
        words: Float[Tensor, "cap word dim"],
        region_mask: Bool[Tensor, "image region"],
        word_mask: Bool[Tensor, "cap word"],
    ) -> Float[Tensor, "image cap"]:
        """Similarity of every photo with every caption, some captions at a time."""
        step = max(1, _PAIRS // max(1, len(regions) * words[0].numel())) if len(words) else 1
        parts = [
            self(regions[:, None], w[None], region_mask[:, None], m[None])
            for w, m in zip(torch.split(words, step), torch.split(word_mask, step), strict=True)
        ]
        return torch.cat(parts, 1) if parts else regions.new_zeros(len(regions), 0)
