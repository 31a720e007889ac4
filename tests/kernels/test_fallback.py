"""Without numba, without bfloat16 hardware, without a folder to cache in: the same numbers."""

import sys

import pytest
import torch

from regard.core.scoring import Scoring
from regard.errors import ConfigError
from regard.kernels import hardware, prepare, prepared, score, similarity_matrix, tiles


def unit(*shape, seed=0):
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return vectors / vectors.norm(dim=-1, keepdim=True)


REGIONS, WORDS = unit(37, 11, 64), unit(21, 9, 64, seed=1)
LENGTHS = torch.arange(21) % 9 + 1


@pytest.fixture
def _no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "regard.kernels.fused", None)
    tiles._kernels.cache_clear()
    yield
    tiles._kernels.cache_clear()


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_torch_takes_over_without_numba(direction, request):
    fused = similarity_matrix(REGIONS, WORDS, LENGTHS, backend="fused", direction=direction)
    request.getfixturevalue("_no_numba")
    assert not tiles.fused_available()
    found = similarity_matrix(REGIONS, WORDS, LENGTHS, backend="fused", direction=direction)
    assert (found - fused).abs().max() < 2e-6


@pytest.mark.usefixtures("_no_numba")
def test_prepared_sides_say_what_is_missing():
    with pytest.raises(ConfigError, match="numba is missing"):
        score(prepare(REGIONS), prepare(WORDS, LENGTHS))


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_every_way_of_multiplying_agrees(monkeypatch, direction):
    scoring = Scoring(direction=direction)
    images, captions = prepare(REGIONS), prepare(WORDS, LENGTHS)
    here = score(images, captions, scoring)
    by_matrix_unit = hardware.fast_bfloat16() and not hardware.vector_bfloat16()
    monkeypatch.setattr(tiles, "vector_bfloat16", lambda: False)
    by_torch = score(images, captions, scoring)  # products rounded to bfloat16 if they are fast
    monkeypatch.setattr(tiles, "fast_bfloat16", lambda: False)
    widened = score(images, captions, scoring)  # bfloat16 vectors, float32 products
    if by_matrix_unit:  # the kernel's own products are not used: these are torch's
        assert torch.equal(here, by_torch)
    else:
        assert (here - widened).abs().max() < (2e-5 if hardware.fast_bfloat16() else 1e-6)
    assert (by_torch - widened).abs().max() < 5e-3


@pytest.mark.parametrize("dim", [1, 2, 31, 32, 34, 63, 100])
def test_any_dimension_in_bfloat16(dim):
    regions, words = REGIONS[..., :dim], WORDS[..., :dim]
    found = similarity_matrix(regions, words, LENGTHS, backend="fused", precision="bfloat16")
    rounded = [side.bfloat16().float() for side in (regions, words)]
    wanted = similarity_matrix(*rounded, LENGTHS, backend="torch")
    several = LENGTHS > 1  # a lone word's clipped cosine is ±1 after normalising: a sign decides
    assert (found - wanted)[:, several].abs().max() < (5e-2 if dim < 16 else 1e-2)


@pytest.mark.parametrize("shape", [(1, 36, 40, 9), (40, 36, 1, 9), (3, 40, 5, 30), (20, 5, 33, 1)])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("ragged", [False, True])
def test_few_items_on_one_side(shape, direction, ragged):
    images, most_regions, captions, most_words = shape
    regions, words = unit(images, most_regions, 64), unit(captions, most_words, 64, seed=1)
    region_lengths = torch.arange(images) % most_regions + 1 if ragged else None
    lengths = torch.arange(captions) % most_words + 1 if ragged else None
    scoring = Scoring(direction=direction)
    rounded = [side.bfloat16().float() for side in (regions, words)]
    wanted = similarity_matrix(
        *rounded, lengths, region_lengths=region_lengths, direction=direction, backend="torch"
    )
    sides = prepare(regions, region_lengths), prepare(words, lengths)
    if hardware.vector_bfloat16() or not hardware.fast_bfloat16():
        assert (score(*sides, scoring) - wanted).abs().max() < 1e-4


def test_a_stored_gram_is_used():
    images = prepare(REGIONS)
    stored = prepared.Prepared(
        vectors=images.vectors,
        starts=images.starts,
        places=images.places,
        norms=images.norms,
        gram=images.lane_gram,
    )
    captions = prepare(WORDS, LENGTHS)
    assert stored.lane_gram is images.lane_gram
    assert torch.equal(score(stored, captions), score(images, captions))


def test_packed_vectors_are_not_copied():
    vectors = REGIONS.bfloat16()
    assert prepare(vectors).vectors.data_ptr() == vectors.data_ptr()
    assert prepare(REGIONS, precision="float32").vectors.data_ptr() == REGIONS.data_ptr()


def test_out_is_written_and_checked():
    images, captions = prepare(REGIONS), prepare(WORDS, LENGTHS)
    out = torch.zeros(37, 21)
    assert score(images, captions, out=out) is out
    assert out.abs().min() > 0
    for bad in (torch.zeros(21, 37), torch.zeros(37, 21).double(), torch.zeros(21, 37).T):
        with pytest.raises(ValueError, match="out is"):
            score(images, captions, out=bad)


def test_sides_must_match():
    with pytest.raises(ValueError, match="precision of words"):
        score(prepare(REGIONS), prepare(WORDS, precision="float32"))
    with pytest.raises(ValueError, match="dimension of words"):
        score(prepare(REGIONS), prepare(WORDS[..., :8]))
    with pytest.raises(ConfigError, match="softmax"):
        score(prepare(REGIONS), prepare(WORDS), Scoring(normalization="softmax"))
    with pytest.raises(ValueError, match="number of parts is 0"):
        prepared.join([])


def test_nowhere_to_cache(monkeypatch):
    fused = pytest.importorskip("regard.kernels.fused")
    seen = []

    def njit(*, cache=False, **_):
        seen.append(cache)

        def compile_(function):
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return function

        return compile_

    monkeypatch.setattr(fused.numba, "njit", njit)
    assert fused._compile(len) is len
    assert seen == [True, False]
