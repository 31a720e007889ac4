"""Without numba, without bfloat16 hardware, without a folder to cache in: the same numbers."""

import sys

import numpy as np
import pytest
import torch

from regard.core.scoring import Scoring
from regard.errors import ConfigError
from regard.kernels import prepare, score, similarity_matrix, tiles
from regard.kernels.hardware import multiplies_bfloat16


def unit(*shape, seed=0):
    vectors = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def in_half(vectors, lengths=None):
    return prepare(vectors, lengths, precision="bfloat16")


def rounded(vectors):
    return torch.from_numpy(vectors).bfloat16().float().numpy()


REGIONS, WORDS = unit(37, 11, 64), unit(21, 9, 64, seed=1)
LENGTHS = np.arange(21) % 9 + 1


@pytest.fixture
def _no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "regard.kernels.fused", None)
    tiles._kernels.cache_clear()
    yield
    tiles._kernels.cache_clear()


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_numpy_takes_over_without_numba(direction, request):
    fused = similarity_matrix(REGIONS, WORDS, LENGTHS, backend="fused", direction=direction)
    request.getfixturevalue("_no_numba")
    assert not tiles.fused_available()
    similarities = similarity_matrix(REGIONS, WORDS, LENGTHS, backend="fused", direction=direction)
    assert np.abs(similarities - fused).max() < 2e-6


@pytest.mark.usefixtures("_no_numba")
def test_prepared_sides_say_what_is_missing():
    with pytest.raises(ConfigError, match="numba is missing"):
        score(prepare(REGIONS), prepare(WORDS, LENGTHS))


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_every_way_of_multiplying_agrees(direction):
    scoring = Scoring(direction=direction)
    images, captions = in_half(REGIONS), in_half(WORDS, LENGTHS)
    widened = score(images, captions, scoring, engine="numpy")
    exact = score(
        prepare(rounded(REGIONS)), prepare(rounded(WORDS), LENGTHS), scoring, engine="numpy"
    )
    assert np.abs(widened - exact).max() < 1e-6
    here = score(images, captions, scoring)  # the kernel's own products, where they are
    assert np.abs(here - widened).max() < (2e-5 if multiplies_bfloat16() else 1e-6)
    by_torch = score(images, captions, scoring, engine="torch")  # products rounded to bfloat16
    assert np.abs(by_torch - widened).max() < 5e-3


@pytest.mark.parametrize("dim", [1, 2, 31, 32, 34, 63, 100])
def test_any_dimension_in_bfloat16(dim):
    regions, words = REGIONS[..., :dim], WORDS[..., :dim]
    similarities = similarity_matrix(regions, words, LENGTHS, backend="fused", precision="bfloat16")
    wanted = similarity_matrix(rounded(regions), rounded(words), LENGTHS, backend="plain")
    several = LENGTHS > 1  # a lone word's clipped cosine is ±1 after normalising: a sign decides
    assert np.abs(similarities - wanted)[:, several].max() < (5e-2 if dim < 16 else 1e-2)


@pytest.mark.parametrize("shape", [(1, 36, 40, 9), (40, 36, 1, 9), (3, 40, 5, 30), (20, 5, 33, 1)])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("ragged", [False, True])
def test_few_items_on_one_side(shape, direction, ragged):
    images, most_regions, captions, most_words = shape
    regions, words = unit(images, most_regions, 64), unit(captions, most_words, 64, seed=1)
    region_lengths = np.arange(images) % most_regions + 1 if ragged else None
    lengths = np.arange(captions) % most_words + 1 if ragged else None
    scoring = Scoring(direction=direction)
    wanted = similarity_matrix(
        rounded(regions),
        rounded(words),
        lengths,
        region_lengths=region_lengths,
        direction=direction,
        backend="plain",
    )
    similarities = score(in_half(regions, region_lengths), in_half(words, lengths), scoring)
    assert np.abs(similarities - wanted).max() < 1e-4


def test_packed_vectors_are_not_copied():
    assert np.shares_memory(prepare(REGIONS).vectors, REGIONS)
    tensor = torch.from_numpy(REGIONS)
    assert np.shares_memory(prepare(tensor).vectors, REGIONS)


def test_sides_must_match():
    with pytest.raises(ValueError, match="precision of words"):
        score(prepare(REGIONS), in_half(WORDS))
    with pytest.raises(ValueError, match="dimension of words"):
        score(prepare(REGIONS), prepare(WORDS[..., :8]))
    with pytest.raises(ConfigError, match="softmax"):
        score(prepare(REGIONS), prepare(WORDS), Scoring(normalization="softmax"))


def test_nowhere_to_cache(monkeypatch):
    lanes = pytest.importorskip("regard.kernels.lanes")
    seen = []

    def njit(*, cache=False, **_):
        seen.append(cache)

        def compile_(function):
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return function

        return compile_

    monkeypatch.setattr(lanes.numba, "njit", njit)
    assert lanes.compiled(len) is len
    assert seen == [True, False]
