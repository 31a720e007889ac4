"""Similarities that are reasoned: SGR and SAF of SGRAF (Diao et al., AAAI 2021).

Every word is held against what it attended to, and the sentence against the photo, by a vector of
similarities s(x, y) = W |x - y|^2, brought to length 1, in place of one number. SGR lets these
vectors, as nodes of a graph, inform each other and reads the sentence's; SAF sums them by gates.
What comes out is a number between 0 and 1, and no sum over words.

Arrays may be numpy's or torch's, all of a call alike; weights are given by name, so that this one
definition serves both (`core.reasoner` learns them).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from regard.core.arrays import namespace
from regard.core.attention import attend, l2norm, softmax
from regard.core.model_config import ModelConfig
from regard.core.scoring import EPS, Scoring
from regard.shapes import Bool, Float

Array = Any
"""An array of numpy or of torch."""
Weights = Mapping[str, Array]
BN_EPS = 1e-5  # of batch normalisation, as torch has it
_SIDES = ("regions", "words")
_UNBIASED = ("weigh", "of", "gate")  # a softmax or a normalisation after them takes it away


class Nodes(NamedTuple):
    """Similarity vectors of pairs: the sentence's with the photo first, then the words'."""

    vectors: Float[Array, "*batch node aspect"]
    mask: Bool[Array, "*batch node"]


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight."""
    dim, aspects = config.embed_dim, config.aspects
    linear = {f"{side}.{part}": (dim, dim) for side in _SIDES for part in ("local", "whole")}
    linear |= {f"{side}.weigh": (1, dim) for side in _SIDES}
    linear |= {"local": (aspects, dim), "whole": (aspects, dim), "judge": (1, aspects)}
    found: dict[str, tuple[int, ...]] = {}
    if config.scoring.scorer == "sgr":
        for step in range(config.reasoning_steps):
            linear |= {f"steps.{step}.{part}": (aspects, aspects) for part in ("to", "of", "mix")}
    else:
        linear["gate"] = (1, aspects)
        found = {f"gate.{name}": (1,) for name in ("mean", "variance", "scale", "shift")}
    for name, shape in linear.items():
        found[f"{name}.weight"] = shape
        if name.rpartition(".")[2] not in _UNBIASED:
            found[f"{name}.bias"] = shape[:1]
    return found


def kept_as(name: str) -> str:
    """What a weight is called where it is kept: torch takes no dots in names."""
    return name.replace(".", "_")


def reasoned(
    regions: Float[Array, "*#batch region dim"],
    words: Float[Array, "*#batch word dim"],
    region_mask: Bool[Array, "*#batch region"],
    word_mask: Bool[Array, "*#batch word"],
    weights: Weights,
    scoring: Scoring,
) -> Float[Array, " *batch"]:
    """Similarities of photos with captions, between 0 and 1; batches may be broadcast."""
    nodes = aligned(regions, words, region_mask, word_mask, weights, scoring)
    if scoring.scorer == "sgr":
        return judged(propagated(nodes, weights), weights)
    known = weights["gate.mean"], weights["gate.variance"]
    return judged(filtered(nodes, gates_of(nodes, weights), *known, weights), weights)


def aligned(
    regions: Float[Array, "*#batch region dim"],
    words: Float[Array, "*#batch word dim"],
    region_mask: Bool[Array, "*#batch region"],
    word_mask: Bool[Array, "*#batch word"],
    weights: Weights,
    scoring: Scoring,
) -> Nodes:
    """Similarity vectors of words with what they attended to, and of the wholes."""
    xp = namespace(regions)
    cosine = words @ xp.matrix_transpose(regions)
    attention = attend(cosine, word_mask, region_mask, scoring)
    attended = l2norm(attention @ regions, -1)
    local = l2norm(_linear((attended - words) ** 2, weights, "local"), -1)
    photo = whole(regions, region_mask, weights, "regions")
    sentence = whole(words, word_mask, weights, "words")
    of_all = l2norm(_linear((photo - sentence) ** 2, weights, "whole"), -1)[..., None, :]
    mask = xp.broadcast_to(word_mask, local.shape[:-1])
    mask = xp.concat([xp.ones_like(mask[..., :1]), mask], axis=-1)
    return Nodes(xp.concat([of_all, local], axis=-2), mask)


def whole(
    vectors: Float[Array, "*batch item dim"],
    mask: Bool[Array, "*batch item"],
    weights: Weights,
    side: str,
) -> Float[Array, "*batch dim"]:
    """One vector of all, by self-attention that their mean asks; of length 1."""
    xp = namespace(vectors)
    total = xp.sum(xp.where(mask[..., None], vectors, 0.0), axis=-2)
    mean = total / xp.sum(xp.astype(mask, vectors.dtype), axis=-1)[..., None]
    asked = xp.tanh(_linear(mean, weights, f"{side}.whole"))[..., None, :]
    common = xp.tanh(_linear(vectors, weights, f"{side}.local")) * asked
    logits = _linear(common, weights, f"{side}.weigh")[..., 0]
    share = softmax(xp.where(mask, logits, float("-inf")), axis=-1)
    return l2norm((share[..., None, :] @ vectors)[..., 0, :], -1)


def propagated(nodes: Nodes, weights: Weights) -> Float[Array, "*batch aspect"]:
    """SGR: the sentence's node after all have informed each other, step by step."""
    xp = namespace(nodes.vectors)
    vectors, step = nodes.vectors, 0
    while f"steps.{step}.to.weight" in weights:
        asks, answers = (_linear(vectors, weights, f"steps.{step}.{part}") for part in ("to", "of"))
        logits = asks @ xp.matrix_transpose(answers)
        edges = softmax(xp.where(nodes.mask[..., None, :], logits, float("-inf")), axis=-1)
        mixed = _linear(edges @ vectors, weights, f"steps.{step}.mix")
        vectors, step = xp.where(mixed > 0, mixed, 0.0), step + 1
    return vectors[..., 0, :]


def gates_of(nodes: Nodes, weights: Weights) -> Float[Array, "*batch node"]:
    """How far each node is to be let through, before that is normalised."""
    return _linear(nodes.vectors, weights, "gate")[..., 0]


def filtered(
    nodes: Nodes,
    gates: Float[Array, "*batch node"],
    mean: Float[Array, " #one"],
    variance: Float[Array, " #one"],
    weights: Weights,
) -> Float[Array, "*batch aspect"]:
    """SAF: the sum of the nodes by their gates, of length 1.

    Args:
        gates: as `gates_of` has them.
        mean, variance: that they are normalised by.
    """
    xp = namespace(nodes.vectors)
    normal = (gates - mean) / xp.sqrt(variance + BN_EPS)
    open_by = _sigmoid(normal * weights["gate.scale"] + weights["gate.shift"])
    open_by = xp.where(nodes.mask, open_by, 0.0)
    share = open_by / (xp.sum(open_by, axis=-1, keepdims=True) + EPS)
    return l2norm((share[..., None, :] @ nodes.vectors)[..., 0, :], -1)


def judged(vector: Float[Array, "*batch aspect"], weights: Weights) -> Float[Array, " *batch"]:
    """The similarity that a vector of similarities speaks of."""
    return _sigmoid(_linear(vector, weights, "judge")[..., 0])


def _linear(x: Float[Array, "*batch into"], weights: Weights, name: str) -> Array:
    mapped = x @ weights[f"{name}.weight"].T
    return mapped + weights[f"{name}.bias"] if f"{name}.bias" in weights else mapped


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + namespace(x).exp(-x))
