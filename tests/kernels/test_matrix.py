"""Every fast path against the readable truth, on whatever shapes and values hypothesis finds."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regard.core.attention import attend, directed, similarity
from regard.core.scoring import Normalization, Pooling, Scorer, Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels import prepare, score, similarity_matrix

quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SUMS = [name for name in get_args(Scorer) if not Scoring(scorer=name).is_learned]


def truth(regions, words, region_lengths, lengths, scoring):
    """The reference in float64; padding replaced by zeros."""
    return similarity(*exact(regions, words, region_lengths, lengths), scoring)


def exact(regions, words, region_lengths, lengths):
    """Both sides in float64 with zeros for padding, and their masks."""
    region_mask = torch.arange(regions.shape[1]) < region_lengths[:, None]
    word_mask = torch.arange(words.shape[1]) < lengths[:, None]
    return (
        regions.double().masked_fill(~region_mask[..., None], 0),
        words.double().masked_fill(~word_mask[..., None], 0),
        region_mask,
        word_mask,
    )


def cancellation(problem):
    """How much of the attended vectors of each pair is lost where regions or words cancel.

    The smallest of |sum a_k k|^2 / (sum a_k |k|)^2 over a pair's queries, (I, C): 1 where all
    context vectors agree. Below it rounding grows, because a^T G a is a small difference.
    """
    regions, words, region_mask, word_mask = exact(*problem[:4])
    scoring = problem[4]
    query, context, cosine = words[None], regions[:, None], "icwr"
    masks = word_mask[None], region_mask[:, None]
    if scoring.direction == "i2t":
        query, context, cosine, masks = context, query, "icrw", masks[::-1]
    cosines = directed(torch.einsum(f"ird,cwd->{cosine}", regions, words), query, scoring)
    weights = attend(cosines, *masks, scoring)
    attended = (weights @ context).pow(2).sum(-1)
    most = (weights * context.norm(dim=-1).unsqueeze(-2)).sum(-1).pow(2)
    kept = torch.where(most > 0, attended / most.clamp_min(1e-300), 1.0)
    return kept.masked_fill(~masks[0] | (query.norm(dim=-1) == 0), 1.0).amin(-1)


@st.composite
def problems(draw):
    """Random sizes, lengths, magnitudes, zero vectors, strides and options."""
    images, captions = draw(st.integers(1, 35)), draw(st.integers(1, 35))
    most_regions, most_words = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    dim = draw(st.integers(1, 24))
    make = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    sides, lengths = [], []
    for number, most in ((images, most_regions), (captions, most_words)):
        layout = draw(st.sampled_from(["plain", "transposed", "strided"]))
        vectors = torch.randn(number, most, dim, generator=make)
        lengths_now = vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)  # a draw can be 0
        vectors *= draw(st.sampled_from([1.0, 0.3, 4.0])) / lengths_now
        vectors[torch.rand(number, most, generator=make) < draw(st.sampled_from([0, 0.3]))] = 0
        if layout == "transposed":
            vectors = vectors.permute(2, 0, 1).contiguous().permute(1, 2, 0)
        elif layout == "strided":
            vectors = torch.stack([vectors, vectors], -1).flatten(2)[:, :, ::2]
        ragged = draw(st.booleans())
        count = torch.randint(1, most + 1, (number,), generator=make)
        sides.append(vectors)
        lengths.append(count if ragged else torch.full((number,), most))
    scoring = Scoring(
        direction=draw(st.sampled_from(["t2i", "i2t"])),
        pooling=draw(st.sampled_from(get_args(Pooling))),
        normalization=draw(st.sampled_from(["clipped_l2norm", "clipped"])),
        lambda_softmax=draw(st.sampled_from([0.5, 4.0, 9.0, 20.0, 21.0, 60.0, 300.0])),
        lambda_lse=draw(st.sampled_from([0.5, 6.0, 20.0, 200.0])),
    )
    return *sides, *lengths, scoring


def options(scoring):
    return {
        name: getattr(scoring, name)
        for name in (
            "direction",
            "pooling",
            "normalization",
            "lambda_softmax",
            "lambda_lse",
            "scorer",
        )
    }


@pytest.mark.parametrize("backend", ["fused", "plain", "reference"])
@given(problem=problems())
@quick
def test_equals_the_truth(backend, problem):
    regions, words, region_lengths, lengths, scoring = problem
    similarities = similarity_matrix(
        regions,
        words,
        lengths,
        region_lengths=region_lengths,
        backend=backend,
        **options(scoring),
    )
    wanted = truth(regions, words, region_lengths, lengths, scoring)
    # float32's rounding of a cosine is sharpened by a steep softmax and by cancellation
    scale = wanted.abs().clamp_min(1) * max(1.0, scoring.lambda_softmax / 9)
    scale = scale * max(1.0, float(regions.norm(dim=-1).max() * words.norm(dim=-1).max()))
    kept = cancellation(problem)
    sound = kept > 1e-3  # the rest is noise in any float32 arithmetic
    assert (((similarities - wanted).abs() / scale * kept)[sound] < 1e-5).all()


@pytest.mark.parametrize(
    ("normalization", "scorer", "direction"),
    list(product(get_args(Normalization), SUMS, ["t2i", "i2t"])),
)
def test_every_normalization_and_scorer(normalization, scorer, direction):
    regions, words = unit(5, 7, 16), unit(6, 9, 16)
    region_lengths, lengths = torch.tensor([7, 1, 3, 7, 2]), torch.tensor([9, 1, 4, 9, 2, 6])
    scoring = Scoring(direction=direction, normalization=normalization, scorer=scorer)
    wanted = truth(regions, words, region_lengths, lengths, scoring)
    for backend in ("auto", "reference", "plain", "fused"):
        similarities = similarity_matrix(
            regions,
            words,
            lengths,
            region_lengths=region_lengths,
            backend=backend,
            **options(scoring),
        )
        assert (similarities - wanted).abs().max() < 2e-6 * wanted.abs().max().clamp_min(1)


def unit(*shape, seed=0):
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return vectors / vectors.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("backend", ["fused", "plain"])
def test_bfloat16_errs_little(backend, pooling, direction):
    regions, words = unit(40, 36, 1024), unit(9, 30, 1024, seed=1)
    lengths = torch.tensor([3, 30, 11, 12, 13, 8, 9, 10, 20])
    scoring = Scoring(direction=direction, pooling=pooling)
    wanted = truth(regions, words, torch.full((40,), 36), lengths, scoring)
    similarities = similarity_matrix(
        regions, words, lengths, backend=backend, precision="bfloat16", **options(scoring)
    )
    assert (similarities - wanted).abs().max() < 5e-4


@pytest.mark.parametrize("shape", [(1, 300, 40, 5), (33, 300, 1, 2), (2, 1, 50, 1), (50, 3, 2, 90)])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_extreme_sizes(shape, direction):
    images, most_regions, captions, most_words = shape
    regions, words = unit(images, most_regions, 8), unit(captions, most_words, 8, seed=1)
    all_regions, all_words = (
        torch.full((images,), most_regions),
        torch.full((captions,), most_words),
    )
    scoring = Scoring(direction=direction)
    wanted = truth(regions, words, all_regions, all_words, scoring)
    for backend in ("fused", "plain"):
        similarities = similarity_matrix(regions, words, None, backend=backend, direction=direction)
        assert (similarities - wanted).abs().max() < 5e-6


@pytest.mark.parametrize("backend", ["fused", "plain", "reference"])
def test_what_lies_in_padding_does_not_matter(backend):
    regions, words = unit(3, 5, 8), unit(4, 6, 8)
    lengths, region_lengths = torch.tensor([1, 6, 3, 2]), torch.tensor([5, 2, 1])
    plain = similarity_matrix(
        regions, words, lengths, region_lengths=region_lengths, backend=backend
    )
    regions[1, 2:], words[0, 1:] = torch.nan, torch.inf
    dirty = similarity_matrix(
        regions, words, lengths, region_lengths=region_lengths, backend=backend
    )
    assert torch.equal(plain, dirty)


@pytest.mark.parametrize("backend", ["fused", "plain"])
def test_a_slice_equals_the_whole(backend):
    regions, words = unit(40, 6, 16), unit(50, 7, 16)
    lengths = torch.arange(50) % 7 + 1
    whole = similarity_matrix(regions, words, lengths, backend=backend)
    part = similarity_matrix(regions[7:20], words[3:9], lengths[3:9], backend=backend)
    torch.testing.assert_close(part, whole[7:20, 3:9], atol=1e-6, rtol=0)


@pytest.mark.parametrize("backend", ["fused", "plain", "reference"])
def test_empty_sides(backend):
    assert similarity_matrix(unit(0, 3, 4), unit(2, 3, 4), None, backend=backend).shape == (0, 2)
    assert similarity_matrix(unit(2, 3, 4), unit(0, 3, 4), None, backend=backend).shape == (2, 0)


@pytest.mark.parametrize("backend", ["fused", "plain", "reference"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_change_nothing(backend, precision):
    regions, words = unit(100, 36, 16), unit(70, 12, 16)
    lengths = torch.arange(70) % 12 + 1
    similarities = [
        similarity_matrix(
            regions, words, lengths, backend=backend, precision=precision, threads=threads
        )
        for threads in (1, 2, 3, 1)
    ]
    assert all(torch.equal(similarities[0], other) for other in similarities)
    assert torch.get_num_threads() >= 1


def test_numpy_in_numpy_out_and_float64():
    regions, words = unit(3, 4, 8), unit(2, 5, 8)
    wanted = similarity_matrix(regions, words, None)
    assert isinstance(wanted, torch.Tensor)
    similarities = similarity_matrix(regions.double().numpy(), words.numpy(), np.array([5, 5]))
    assert isinstance(similarities, np.ndarray)
    np.testing.assert_allclose(similarities, wanted, atol=1e-6)


def test_inputs_with_gradients_are_taken_as_they_are():
    regions = unit(3, 4, 8).requires_grad_()
    assert not similarity_matrix(regions, unit(2, 5, 8), None).requires_grad


def test_progress_reaches_the_end():
    seen = []
    similarity_matrix(
        unit(100, 36, 8),
        unit(60, 9, 8),
        None,
        backend="fused",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert len(seen) > 1
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))


def test_an_error_in_a_callback_stops_the_work():
    def fail(done, total):
        raise KeyError(done)

    with pytest.raises(KeyError):
        similarity_matrix(unit(100, 6, 8), unit(9, 9, 8), None, backend="plain", progress=fail)


BAD = [
    (lambda r, w: (r[0], w, None), {}, "regions is of shape"),
    (lambda r, w: (r, w[:, :0], None), {}, "words is of shape"),
    (lambda r, w: (r.long(), w, None), {}, "regions is of type int64"),
    (lambda r, w: (r, w[..., :3], None), {}, "the dimension of words is 3; it must be 4"),
    (lambda r, w: (r, w, [3, 0]), {}, "length 1 of words is 0"),
    (lambda r, w: (r, w, [4, 3]), {}, "length 0 of words is 4"),
    (lambda r, w: (r, w, [3]), {}, "lengths of words is"),
    (lambda r, w: (r, w, np.array([1.0, 2.0])), {}, "type of the lengths of words"),
    (lambda r, w: (r, w, None), {"region_lengths": [1, 2, -1]}, "length 2 of regions is -1"),
    (lambda r, w: (r.index_fill(1, torch.tensor(1), torch.nan), w, None), {}, "regions is not fin"),
    (lambda r, w: (r, w.index_fill(2, torch.tensor(1), torch.inf), None), {}, "words is not fin"),
]


@pytest.mark.parametrize("backend", ["auto", "fused", "plain", "reference"])
@pytest.mark.parametrize(("change", "extra", "message"), BAD)
def test_bad_arrays_are_refused(change, extra, message, backend):
    with pytest.raises(ShapeError, match=message) as caught:
        similarity_matrix(*change(unit(3, 4, 4), unit(2, 3, 4)), backend=backend, **extra)
    assert "; it must " in str(caught.value)


@pytest.mark.parametrize(
    "extra",
    [
        {"backend": "cuda"},
        {"precision": "int8"},
        {"threads": 0},
        {"lambda_lse": 0.0},
    ],
)
def test_bad_options_are_refused(extra):
    with pytest.raises(ConfigError, match="it must be"):
        similarity_matrix(unit(3, 4, 4), unit(2, 3, 4), None, **extra)


def test_large_sets_twice_in_tiles():
    """A small copy of the whole-set case: many tiles, ragged, the same numbers twice."""
    regions, words = unit(210, 36, 32), unit(800, 25, 32)
    lengths = torch.randint(3, 26, (800,), generator=torch.Generator().manual_seed(3))
    images, captions = prepare(regions), prepare(words, lengths)
    for direction in ("t2i", "i2t"):
        scoring = Scoring(direction=direction)
        first = score(images, captions, scoring)
        assert np.array_equal(first, score(images, captions, scoring, threads=2))
        some = truth(regions[100:104], words[50:90], torch.full((4,), 36), lengths[50:90], scoring)
        assert np.abs(first[100:104, 50:90] - some.numpy()).max() < 5e-6
