"""The model's encoders with fewer passes over memory, for CPUs: the same numbers, differentiable.

Features go to the products' type as they are standardised, vectors are normalised in one pass,
captions are read by `recurrence`. Knows nothing of losses or of how vectors are scored.
"""

from typing import Any

import torch
from torch import Tensor

from regard.core.network import RegionEncoder, StateEncoder, WordEncoder
from regard.core.padding import some_of
from regard.core.scoring import EPS, TINY
from regard.core.transformer import TransformerEncoder
from regard.shapes import Bool, Float, Int
from regard.training.precision import mixed
from regard.training.recurrence import pack, read

_ROWS = 256  # vectors normalised at a time: their temporaries stay in the caches


def embed_regions(
    encoder: RegionEncoder,
    features: Float[Tensor, "*batch feature"],
    dtype: torch.dtype,
    names: Float[Tensor, "label dim"] | None = None,
    counts: Int[Tensor, " photo"] | None = None,
) -> Float[Tensor, "*batch dim"]:
    """What the encoder gives, with products of the type asked for; features get no gradient."""
    standard = _standardized(encoder, features.detach(), dtype)
    with mixed(dtype, features.device):
        embedded = encoder.project(standard)
    if encoder.pooler is not None:
        parts: Tensor = encoder.pooler(embedded.float(), counts)
        return parts
    vectors = unit(embedded)
    return vectors if names is None else encoder.label(vectors, standard, names)


def embed_words(
    encoder: WordEncoder | StateEncoder | TransformerEncoder,
    word_ids: Int[Tensor, "cap word"],
    lengths: Int[Tensor, " cap"],
    states: Float[Tensor, "cap word state"] | None,
    naming: Bool[Tensor, "cap word"] | None,
    dtype: torch.dtype,
) -> Float[Tensor, "cap word dim"]:
    """What the encoder gives, with products of the type asked for."""
    if not isinstance(encoder, WordEncoder) or encoder.last:
        with mixed(dtype, word_ids.device):
            vectors: Tensor = encoder(word_ids, lengths, states, naming)
            return vectors
    packing = pack(lengths, word_ids.shape[1])
    inputs = encoder.dropout(encoder.embed(word_ids.flatten()[packing.places]))
    found = read(encoder.rnn, inputs, packing, dtype)
    vectors = found.float() if encoder.pooler else unit(found)
    padded = vectors.new_zeros(word_ids.numel(), vectors.shape[1])
    padded = padded.index_copy(0, packing.places, vectors).view(*word_ids.shape, -1)
    return encoder.pooler(padded, lengths) if encoder.pooler else padded


def unit(vectors: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """`l2norm` over the last axis, in float32."""
    normalised: Tensor = _Unit.apply(vectors)  # type: ignore[no-untyped-call]
    return normalised


def _standardized(encoder: RegionEncoder, features: Tensor, dtype: torch.dtype) -> Tensor:
    """(features - mean) / deviation; where there is nothing to do, it is not done."""
    mean, deviation = encoder.mean, encoder.deviation
    if not mean.any() and bool((deviation == 1).all()):
        return features.to(dtype)
    out = torch.empty(features.shape, dtype=dtype)
    rows, flat = features.flatten(0, -2), out.view(-1, out.shape[-1])
    for part in some_of(len(rows), _ROWS):
        flat[part] = (rows[part] - mean).div_(deviation)
    return out


class _Unit(torch.autograd.Function):
    """x / (|x| + epsilon), row by row; differentiable once."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:
        rows = vectors.reshape(-1, vectors.shape[-1])
        out = torch.empty(rows.shape)
        norms = torch.empty(len(rows), 1)
        for part in some_of(len(rows), _ROWS):
            here = out[part].copy_(rows[part])
            torch.linalg.vector_norm(here, dim=1, keepdim=True, out=norms[part])
            here.div_(norms[part] + EPS)
        ctx.save_for_backward(out, norms)
        ctx.dtype = vectors.dtype
        return out.view(vectors.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        out, norms = ctx.saved_tensors
        given = gradient.reshape(out.shape)
        entering = torch.empty(out.shape, dtype=ctx.dtype)
        for part in some_of(len(out), _ROWS):
            norm, vectors = norms[part].clamp_min(TINY**0.5), out[part]
            along = (given[part] * vectors).sum(1, keepdim=True) * ((norm + EPS) / norm)
            entering[part] = (given[part] - vectors * along).div_(norm + EPS)
        return entering.view(gradient.shape)
