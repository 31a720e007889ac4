"""A few thousand photos' region vectors, enlarged to any number by realistic perturbation.

The first photos are the real ones. Every other is a mixture of three real photos that look alike,
region by region (regions stand at the same places in every photo), plus a part of the difference
between two other photos that look alike, so that it varies in directions in which photos do vary:

    x_r = unit(w1 a_r + w2 b_r + w3 c_r + SPREAD (p_r - p'_r)),   w ~ Dirichlet(2, 1, 1)

b and c are drawn from the NEIGHBOURS photos nearest to a by mean region, p' from those nearest to
p. SPREAD is set so that the regions of a photo are as alike, and its mean region as long, as those
of real photos, and the nearest other photo about as near as extrapolated to a million of them from
how that changes with the number of real photos. In smaller collections it is nearer than that,
since every photo's parents are among the first, which makes the ten harder to tell apart.
`statistics` prints all three.

Photos come in blocks; a block depends on the seed and its number alone.
"""

import numba
import numpy as np

BLOCK = 2048
NEIGHBOURS = 20
SPREAD = 0.55


class Enlarged:
    """Photos by number.

    Args:
        vectors: (photo, R, D) unit vectors of real photos, float32.
    """

    def __init__(self, vectors: np.ndarray, seed: int = 0) -> None:
        self.vectors, self.seed = vectors, seed
        self.means = unit(vectors.mean(1))
        self._near = nearest(self.means, NEIGHBOURS)

    def block(self, number: int) -> np.ndarray:
        """(BLOCK, R, D) vectors of the photos number * BLOCK and following."""
        real = len(self.vectors)
        parents, weights = self._parents(number)
        out = np.empty((BLOCK, *self.vectors.shape[1:]), np.float32)
        _mix(self.vectors, parents, weights, out)
        first = number * BLOCK
        if first < real:
            out[: real - first] = self.vectors[first : first + BLOCK]
        return out

    def _parents(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(BLOCK, 5) real photos and how much each counts."""
        random = np.random.default_rng([self.seed, number])
        chosen = random.integers(0, len(self.vectors), (BLOCK, 2))
        near = random.integers(0, NEIGHBOURS, (BLOCK, 3))
        a, p = chosen.T
        others = (self._near[a, near[:, 0]], self._near[a, near[:, 1]], self._near[p, near[:, 2]])
        parents = np.stack([a, *others[:2], p, others[2]], 1)
        mixing = random.dirichlet((2, 1, 1), BLOCK)
        spread = np.full((BLOCK, 1), SPREAD)
        return parents, np.concatenate([mixing, spread, -spread], 1).astype(np.float32)


@numba.njit(nogil=True, fastmath=True)
def _mix(vectors, parents, weights, out):  # type: ignore[no-untyped-def]
    """Unit vectors of weighted sums of photos, region by region."""
    for photo in range(parents.shape[0]):
        for region in range(vectors.shape[1]):
            made = out[photo, region]
            made[:] = 0
            for n in range(parents.shape[1]):
                one, weight = vectors[parents[photo, n], region], weights[photo, n]
                for d in range(made.size):
                    made[d] += weight * one[d]
            square = np.float32(0)
            for d in range(made.size):
                square += made[d] * made[d]
            made *= 1 / np.sqrt(max(square, np.float32(1e-24)))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def nearest(vectors: np.ndarray, count: int) -> np.ndarray:
    """(n, count) the rows most similar to each row, itself left out."""
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -2)
    return np.argsort(-cosine, 1)[:, :count]


def shape_of(vectors: np.ndarray) -> dict[str, float]:
    """How alike the regions of a photo are, and how long its mean region is."""
    row, column = np.triu_indices(vectors.shape[1], 1)
    cosine = np.einsum("nrd,nsd->nrs", vectors, vectors)[:, row, column]
    return {
        "regions of one photo": float(cosine.mean()),
        "length of the mean": float(np.linalg.norm(vectors.mean(1), axis=1).mean()),
    }


def nearest_cosines(real: np.ndarray, sizes: list[int], seed: int = 0) -> dict[int, float]:
    """Mean cosine with the nearest other photo, by mean regions, of so many real photos."""
    random = np.random.default_rng(seed)
    found = {}
    for size in sizes:
        some = real[random.permutation(len(real))[:size]]
        cosine = some @ some.T
        np.fill_diagonal(cosine, -2)
        found[size] = float(cosine.max(1).mean())
    return found


def extrapolate(found: dict[int, float], size: int) -> float:
    """The same for more photos: distances fall as a power of the number of photos."""
    sizes = np.log(list(found))
    distances = np.log([np.sqrt(2 - 2 * cosine) for cosine in found.values()])
    slope, intercept = np.polyfit(sizes, distances, 1)
    return float(1 - np.exp(2 * (slope * np.log(size) + intercept)) / 2)


def statistics(enlarged: Enlarged, means: np.ndarray, sizes: list[int]) -> dict[str, dict]:
    """What real and enlarged photos have in common.

    Args:
        means: (n, D) mean regions of the enlarged photos, unit length, of the largest size.
    """
    real = enlarged.means
    count = len(real)
    found = nearest_cosines(real, [count // 16, count // 8, count // 4, count // 2, count])
    made = {}
    asked = means[count : count + 500]
    for size in sizes:
        cosine = asked @ means[:size].T
        own = np.arange(count, count + len(asked))
        inside = own < size
        cosine[np.flatnonzero(inside), own[inside]] = -2
        made[size] = float(cosine.max(1).mean())
    return {
        "real": {**shape_of(enlarged.vectors[:300]), "nearest": found},
        "extrapolated": {"nearest": {size: extrapolate(found, size) for size in sizes}},
        "enlarged": {**shape_of(enlarged.block(count // BLOCK + 1)[:300]), "nearest": made},
    }
