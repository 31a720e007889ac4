"""BERT's weights under the names of its publishers: their shapes, and as the light encoder's."""

from collections.abc import Mapping

import numpy as np

_NAMES = {
    "mix": "attention.output.dense",
    "attended": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "widened": "output.LayerNorm",
}


def light(bert: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights as `words.encoder` takes them, matrices as (into, out)."""
    kind = bert["embeddings.token_type_embeddings.weight"][0]  # there is but one kind of sentence
    weights = {
        "pieces": bert["embeddings.word_embeddings.weight"],
        "places": bert["embeddings.position_embeddings.weight"] + kind,
        "norm.weight": bert["embeddings.LayerNorm.weight"],
        "norm.bias": bert["embeddings.LayerNorm.bias"],
    }
    number = 0
    while f"encoder.layer.{number}.output.dense.bias" in bert:
        ours, theirs = f"layers.{number}", f"encoder.layer.{number}"
        for of in ("weight", "bias"):
            sides = (bert[f"{theirs}.attention.self.{s}.{of}"] for s in ("query", "key", "value"))
            weights[f"{ours}.attend.{of}"] = np.concatenate(list(sides)).T
            for part, name in _NAMES.items():
                weights[f"{ours}.{part}.{of}"] = bert[f"{theirs}.{name}.{of}"].T
        number += 1
    return weights


def shapes(
    *, dim: int, layers: int, inner: int, pieces: int, places: int, kinds: int
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, without the pooling layer."""
    tables = {"word": pieces, "position": places, "token_type": kinds}
    found: dict[str, tuple[int, ...]] = {
        **{f"embeddings.{name}_embeddings.weight": (size, dim) for name, size in tables.items()},
        **_both("embeddings.LayerNorm", (dim,), (dim,)),
    }
    for number in range(layers):
        layer = f"encoder.layer.{number}"
        for side in ("query", "key", "value"):
            found |= _both(f"{layer}.attention.self.{side}", (dim, dim), (dim,))
        for name, size in (
            ("attention.output.dense", (dim, dim)),
            ("attention.output.LayerNorm", (dim,)),
            ("intermediate.dense", (inner, dim)),
            ("output.dense", (dim, inner)),
            ("output.LayerNorm", (dim,)),
        ):
            found |= _both(f"{layer}.{name}", size, size[:1])
    return found


def _both(name: str, weight: tuple[int, ...], bias: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": weight, f"{name}.bias": bias}
