"""Learned pooling: the generalized pooling operator (GPO) of VSE-infinity (Chen et al., CVPR 2021).

A number of the pooled vector is the sum of theta_k times the k-th largest value that this number
has among the vectors; mean and maximum are special cases. Of N vectors the weights are
theta = softmax(w . BiGRU(p_1, ..., p_N) / 0.1), p_k being codes of places.

As theta_k belongs to some vector's value, every vector has its own part in the pooled one. The
parts are what comes out here: they sum to the pooled vector, brought to length 1, so that the
pooled scorer gives the paper's cosine, and shares of words and regions are exact.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.core.padding import PLACE_CODE, place_codes
from regard.core.scoring import EPS, GPO_TEMPERATURE
from regard.device import put
from regard.shapes import Float, Int


class Pooler(nn.Module):
    """Vectors of photos or captions to their parts in one vector of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(PLACE_CODE, PLACE_CODE, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(PLACE_CODE, 1, bias=False)

    def forward(
        self, vectors: Float[Tensor, "item place dim"], counts: Int[Tensor, " item"]
    ) -> Float[Tensor, "item place dim"]:
        """Parts, zeros past each item's count.

        Args:
            counts: vectors of each item; on the processor, wherever the rest lies.
        """
        if not vectors.numel():
            return vectors
        there = torch.arange(vectors.shape[1]) < counts[:, None]
        real = put(there, vectors.device)[..., None]
        values, order = vectors.masked_fill(~real, -torch.inf).sort(dim=1, descending=True)
        weighted = values.masked_fill(~real, 0) * self.weights(counts, vectors.shape[1])[..., None]
        parts = torch.zeros_like(weighted).scatter(1, order, weighted)
        length = torch.linalg.vector_norm(parts.sum(1, keepdim=True), dim=-1, keepdim=True)
        shares: Tensor = parts / length.clamp_min(EPS)
        return shares

    def weights(self, counts: Int[Tensor, " item"], most: int) -> Float[Tensor, "item place"]:
        """Theta of each item, zeros past its count; items of one size share theirs."""
        sizes, which = torch.unique(-counts.clamp_min(1), return_inverse=True)  # largest first
        sizes, device = -sizes, self.linear.weight.device
        codes = put(torch.from_numpy(place_codes(most)), device).expand(len(sizes), -1, -1)
        read, _ = self.rnn(pack_padded_sequence(codes, sizes, batch_first=True))
        read, _ = pad_packed_sequence(read, batch_first=True, total_length=most)
        onwards, backwards = read.chunk(2, dim=-1)
        logits = self.linear((onwards + backwards) / 2)[..., 0].float() / GPO_TEMPERATURE
        past = put(torch.arange(most) >= sizes[:, None], device)
        theta: Tensor = torch.softmax(logits.masked_fill(past, -torch.inf), -1)
        return theta[put(which, device)]
