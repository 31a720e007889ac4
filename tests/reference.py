"""The paper, one pair at a time, slow and readable: the oracle for everything faster.

Every attended vector is built, every loop is a loop, and everything is float64. Written from
Lee et al. 2018 (equations in the comments) and the official code's epsilons.
"""

import math

import numpy as np

EPS = 1e-8


def normalize(row: np.ndarray, kind: str) -> np.ndarray:
    """Normalise the cosines of one context vector with all queries (eq. 1)."""
    if kind.startswith("clipped"):
        row = np.array([x if x > 0 else 0.1 * x for x in row])
    if kind.endswith("l2norm"):
        return row / (math.sqrt(sum(x * x for x in row)) + EPS)
    if kind.endswith("l1norm"):
        return row / (sum(abs(x) for x in row) + EPS)
    if kind == "softmax":
        powers = np.exp(row - row.max())
        return powers / powers.sum()
    return row


def attention(queries: np.ndarray, contexts: np.ndarray, kind: str, lam: float) -> np.ndarray:
    """Weights (query, context), each row summing to 1 (eq. 2)."""
    cosine = np.array([[float(q @ k) for q in queries] for k in contexts])  # (K, Q)
    normal = np.stack([normalize(row, kind) for row in cosine])
    weights = np.zeros((len(queries), len(contexts)))
    for q in range(len(queries)):
        powers = [math.exp(lam * normal[k, q]) for k in range(len(contexts))]
        weights[q] = [p / sum(powers) for p in powers]
    return weights


def relevances(
    queries: np.ndarray, contexts: np.ndarray, kind: str = "clipped_l2norm", lam: float = 9.0
) -> np.ndarray:
    """Cosine of each query with its attended vector (eqs. 3-5)."""
    weights = attention(queries, contexts, kind, lam)
    values = []
    for q, query in enumerate(queries):
        attended = sum(w * k for w, k in zip(weights[q], contexts, strict=True))
        length = np.linalg.norm(query) * np.linalg.norm(attended)
        values.append(float(query @ attended) / max(length, EPS))
    return np.array(values)


def pooled(values: np.ndarray, how: str, lam: float) -> float:
    """One number from relevances (eqs. 6 and 7)."""
    if how == "lse":
        return math.log(sum(math.exp(lam * v) for v in values)) / lam
    return float({"mean": np.mean, "max": np.max, "sum": np.sum}[how](values))


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector over its length, plus the official epsilon."""
    return vector / (np.linalg.norm(vector) + EPS)


def pair_similarity(
    regions: np.ndarray,
    words: np.ndarray,
    *,
    direction: str = "t2i",
    pooling: str = "lse",
    normalization: str = "clipped_l2norm",
    lambda_softmax: float = 9.0,
    lambda_lse: float = 6.0,
    scorer: str = "attention",
) -> float:
    """Similarity of one image (R, D) with one caption (W, D), no padding anywhere."""
    regions, words = regions.astype(np.float64), words.astype(np.float64)
    if scorer == "pooled":
        return float(unit(regions.mean(0)) @ unit(words.mean(0)))
    queries, contexts = (words, regions) if direction == "t2i" else (regions, words)
    if scorer == "sum_max":  # eqs. 9 and 10
        return float(sum(max(float(q @ k) for k in contexts) for q in queries))
    if scorer == "hard":  # Pan et al. 2023: a word is coded by its most similar region alone
        best = np.array([max(float(q @ k) for k in contexts) for q in queries])
        return pooled(best, "sum" if pooling == "weighted" else pooling, lambda_lse)
    if pooling == "weighted":
        lengths = np.linalg.norm(queries, axis=1)
        directions = np.array([q / n if n else q for q, n in zip(queries, lengths, strict=True)])
        return float(lengths @ relevances(directions, contexts, normalization, lambda_softmax))
    cosines = relevances(queries, contexts, normalization, lambda_softmax)
    return pooled(cosines, pooling, lambda_lse)


def similarity(regions: list[np.ndarray], words: list[np.ndarray], **scoring: object) -> np.ndarray:
    """Similarity of every image with every caption, pair by pair."""
    return np.array([[pair_similarity(r, w, **scoring) for w in words] for r in regions])


def triplet(scores: np.ndarray, excluded: np.ndarray, margin: float, negatives: str) -> float:
    """Summed triplet loss of a batch, entry by entry (eqs. 7 and 8)."""
    total = 0.0
    n = len(scores)
    for i in range(n):
        by_caption = [
            max(0.0, margin + scores[i, j] - scores[i, i]) for j in range(n) if not excluded[i, j]
        ]
        by_image = [
            max(0.0, margin + scores[j, i] - scores[i, i]) for j in range(n) if not excluded[j, i]
        ]
        for costs in (by_caption, by_image):
            total += max(costs, default=0.0) if negatives == "hardest" else sum(costs)
    return total
