"""Attention equals the slow reference, by numpy and by torch; padding and order change nothing."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from regard.core.attention import attend, paired_similarity, pool, relevance, similarity
from regard.core.scoring import Scoring
from regard.errors import ConfigError

DIRECTIONS = ("t2i", "i2t")
POOLINGS = ("lse", "mean", "max", "sum", "weighted")
NORMALIZATIONS = (
    "clipped_l2norm", "l2norm", "clipped_l1norm", "l1norm", "clipped", "no_norm", "softmax",
)  # fmt: skip

KINDS = {"numpy": np.asarray, "torch": torch.from_numpy}


class Ragged:
    """Random images and captions of many sizes, ragged and padded with rubbish."""

    def __init__(self, images, captions, dim, seed, unit=True, kind="torch"):
        self.kind = KINDS[kind]
        rng = np.random.default_rng(seed)
        self.regions = [rng.normal(size=(r, dim)) for r in images]
        self.words = [rng.normal(size=(w, dim)) for w in captions]
        if unit:
            for side in (self.regions, self.words):
                for vectors in side:
                    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.padded_regions, self.region_mask = self._pad(self.regions, dim, rng)
        self.padded_words, self.word_mask = self._pad(self.words, dim, rng)

    def _pad(self, side, dim, rng):
        longest = max(map(len, side)) + 1
        padded = rng.normal(size=(len(side), longest, dim)) * 3  # rubbish where nothing is
        mask = np.zeros((len(side), longest), bool)
        for row, vectors in enumerate(side):
            padded[row, : len(vectors)] = vectors
            mask[row, : len(vectors)] = True
        return self.kind(padded), self.kind(mask)

    def all(self, scoring):
        return similarity(
            self.padded_regions, self.padded_words, self.region_mask, self.word_mask, scoring
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_equals_the_reference(kind, direction, pooling, normalization):
    data = Ragged([3, 1, 5], [4, 1, 7, 2], dim=6, seed=3, kind=kind)
    chosen = {
        "direction": direction, "pooling": pooling, "normalization": normalization,
        "lambda_softmax": 7.0, "lambda_lse": 5.0,
    }  # fmt: skip
    expected = reference.similarity(data.regions, data.words, **chosen)
    np.testing.assert_allclose(data.all(Scoring(**chosen)), expected, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("scorer", "pooling"),
    [("sum_max", "lse"), ("pooled", "lse"), *(("hard", pooling) for pooling in POOLINGS)],
)
def test_other_scorers_equal_the_reference(kind, direction, scorer, pooling):
    data = Ragged([3, 1, 5], [4, 1, 7], dim=6, seed=4, kind=kind)
    chosen = {"direction": direction, "scorer": scorer, "pooling": pooling, "lambda_lse": 5.0}
    expected = reference.similarity(data.regions, data.words, **chosen)
    np.testing.assert_allclose(data.all(Scoring(**chosen)), expected, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    images=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    captions=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    dim=st.integers(1, 8),
    seed=st.integers(0, 1000),
    direction=st.sampled_from(DIRECTIONS),
    pooling=st.sampled_from(POOLINGS),
    unit=st.booleans(),
    kind=st.sampled_from(list(KINDS)),
)
def test_any_shape_equals_the_reference(
    images, captions, dim, seed, direction, pooling, unit, kind
):
    data = Ragged(images, captions, dim, seed, unit, kind)
    chosen = {"direction": direction, "pooling": pooling}
    expected = reference.similarity(data.regions, data.words, **chosen)
    np.testing.assert_allclose(data.all(Scoring(**chosen)), expected, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_pairs_equal_the_whole_matrix(kind, direction):
    data = Ragged([3, 1, 5], [4, 1, 7, 2], dim=6, seed=5, kind=kind)
    scoring = Scoring(direction=direction)
    rows, columns = np.array(list(itertools.product(range(3), range(4)))).T
    similarities = paired_similarity(
        data.padded_regions[rows],
        data.padded_words[columns],
        data.region_mask[rows],
        data.word_mask[columns],
        scoring,
    )
    np.testing.assert_allclose(similarities.reshape(3, 4), data.all(scoring), rtol=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_order_of_regions_changes_nothing(direction):
    data = Ragged([5], [4], dim=6, seed=6)
    scoring = Scoring(direction=direction)
    before = data.all(scoring)
    turned = torch.tensor([4, 2, 0, 1, 3, 5])
    data.padded_regions = data.padded_regions[:, turned]
    data.region_mask = data.region_mask[:, turned]
    torch.testing.assert_close(data.all(scoring), before)


def test_rows_of_attention_sum_to_one_over_real_context():
    data = Ragged([3, 5], [4, 2], dim=6, seed=7)
    cosine = torch.einsum("ird,iwd->iwr", data.padded_regions, data.padded_words)
    weights = attend(cosine, data.word_mask, data.region_mask)
    assert (weights[0, :, 3:] == 0).all()
    torch.testing.assert_close(weights.sum(-1)[data.word_mask], torch.ones(6).double())


def test_zero_vectors_score_zero_and_have_finite_gradients():
    regions = torch.zeros(1, 2, 4, requires_grad=True)
    words = torch.ones(1, 3, 4)
    everything = torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool)
    for direction in DIRECTIONS:
        scoring = Scoring(direction=direction, pooling="mean")
        similarities = similarity(regions, words, *everything, scoring)
        assert similarities.item() == 0
        (gradient,) = torch.autograd.grad(similarities.sum(), regions)
        assert torch.isfinite(gradient).all()


def test_gradient_equals_that_of_the_attended_vectors():
    torch.manual_seed(0)
    regions = torch.nn.functional.normalize(torch.randn(1, 5, 7, dtype=torch.float64), dim=-1)
    words = torch.nn.functional.normalize(torch.randn(1, 4, 7, dtype=torch.float64), dim=-1)
    regions.requires_grad_()
    masks = torch.ones(1, 5, dtype=torch.bool), torch.ones(1, 4, dtype=torch.bool)
    gram_form = torch.autograd.grad(similarity(regions, words, *masks).sum(), regions)[0]
    cosine = words @ regions.transpose(1, 2)
    weights = attend(cosine, masks[1], masks[0])
    attended = weights @ regions
    relevances = torch.nn.functional.cosine_similarity(words, attended, dim=-1, eps=1e-8)
    plain = torch.autograd.grad(pool(relevances, masks[1]).sum(), regions)[0]
    torch.testing.assert_close(gram_form, plain)


def test_relevance_is_the_cosine_with_the_attended_vector():
    torch.manual_seed(1)
    words, regions = torch.randn(4, 7).double(), torch.randn(5, 7).double()
    weights = torch.softmax(torch.randn(4, 5).double(), -1)
    relevances = relevance(words @ regions.T, weights, regions @ regions.T, words.norm(dim=-1))
    expected = torch.nn.functional.cosine_similarity(words, weights @ regions, dim=-1)
    torch.testing.assert_close(relevances, expected)


def test_numbers_of_numpy_stay_float32_and_equal_those_of_torch():
    rng = np.random.default_rng(8)
    regions = rng.normal(size=(3, 5, 8)).astype(np.float32)
    words = rng.normal(size=(2, 4, 8)).astype(np.float32)
    masks = np.ones((3, 5), bool), np.arange(4) < np.array([[4], [2]])
    for direction, pooling, normalization in itertools.product(
        DIRECTIONS, POOLINGS, NORMALIZATIONS
    ):
        scoring = Scoring(direction=direction, pooling=pooling, normalization=normalization)
        by_numpy = similarity(regions, words, *masks, scoring)
        by_torch = similarity(*map(torch.from_numpy, (regions, words, *masks)), scoring)
        assert by_numpy.dtype == np.float32
        np.testing.assert_allclose(by_numpy, by_torch, atol=2e-6)


def test_the_definition_does_not_bring_torch():
    script = (
        "import sys, numpy as np\n"
        "from regard.core.attention import similarity\n"
        "one = [np.ones((1, 1, 2))] * 2 + [np.ones((1, 1), bool)] * 2\n"
        "print(similarity(*one), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[[1.]] False\n", done.stderr


UNKNOWN = {"direction": "both", "pooling": "avg", "lambda_softmax": 0.0, "lambda_lse": -1.0}


@pytest.mark.parametrize(("name", "value"), UNKNOWN.items())
def test_unknown_scoring_is_refused(name, value):
    # in tests the annotations are checked too, and they see an unknown name first
    with pytest.raises((ConfigError, TypeCheckError), match=name):
        Scoring(**{name: value})


def test_unknown_scoring_is_refused_by_name_where_annotations_are_not_checked():
    script = (
        "from regard import Scoring, RegardError\n"
        f"for name, value in {UNKNOWN!r}.items():\n"
        "    try: Scoring(**{name: value})\n"
        "    except RegardError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    text = done.stdout.splitlines()
    for line, (name, value) in zip(text, UNKNOWN.items(), strict=True):
        assert line.startswith(f"{name} is {value!r}; it must be")
