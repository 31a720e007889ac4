"""Metrics on matrices typed by hand; ties count against the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.core.metrics import (
    caption_ranks,
    image_ranks,
    recalls,
    retrieval,
    retrieval_tree,
)
from regard.errors import ShapeError

# 3 images with 1, 3 and 2 captions
OWNER = np.array([0, 1, 1, 1, 2, 2])
TYPED = np.array(
    [
        [0.9, 0.1, 0.2, 0.3, 0.4, 0.5],  # own caption 0 is first
        [0.8, 0.1, 0.7, 0.2, 0.9, 0.3],  # best own (0.7) is behind 0.9 and 0.8
        [0.6, 0.5, 0.4, 0.3, 0.1, 0.2],  # best own (0.2) is behind all four others
    ]
)


def test_caption_ranks_by_hand():
    assert caption_ranks(TYPED, OWNER).tolist() == [1, 3, 5]


def test_image_ranks_by_hand():
    # columns: own 0.9 first; 0.1 ties 0.1 and is behind 0.5 -> 3; 0.7 first; 0.2 last; ...
    assert image_ranks(TYPED, OWNER).tolist() == [1, 3, 1, 3, 3, 3]


def test_retrieval_by_hand():
    figures = retrieval(TYPED, OWNER)
    assert figures.caption_retrieval.recall == pytest.approx({1: 100 / 3, 5: 100, 10: 100})
    assert figures.caption_retrieval.median_rank == 3
    assert figures.caption_retrieval.mean_rank == pytest.approx(3)
    assert figures.image_retrieval.recall == pytest.approx({1: 100 / 3, 5: 100, 10: 100})
    assert figures.image_retrieval.mean_rank == pytest.approx(14 / 6)
    assert figures.rsum == pytest.approx(2 * (100 / 3 + 200))


@pytest.mark.parametrize("captions", [1, 3, 7])
def test_equal_similarities_recall_nothing(captions):
    owner = np.arange(40).repeat(captions)
    figures = retrieval(np.zeros((40, 40 * captions)), owner)
    assert figures.rsum == 0


@pytest.mark.parametrize("captions", [1, 3, 7])
def test_perfect_similarities_recall_everything(captions):
    owner = np.arange(12).repeat(captions)
    perfect = (owner[None] == np.arange(12)[:, None]).astype(float)
    assert retrieval(perfect, owner).rsum == pytest.approx(600)


def test_official_ties_follow_numpy_order():
    ties = np.zeros((3, 3))
    order = np.argsort(np.zeros(3))[::-1].tolist()
    expected = [order.index(i) + 1 for i in range(3)]
    owner = np.arange(3)
    assert caption_ranks(ties, owner, "official").tolist() == expected
    assert image_ranks(ties, owner, "official").tolist() == expected


@given(st.integers(0, 10_000))
def test_without_ties_both_orders_agree(seed):
    unequal = np.random.default_rng(seed).random((3, 6))
    for ranks in (caption_ranks, image_ranks):
        assert ranks(unequal, OWNER).tolist() == ranks(unequal, OWNER, "official").tolist()


def test_median_is_floored():
    assert recalls(np.array([1, 2])).median_rank == 1


def test_json_form():
    tree = retrieval_tree(retrieval(TYPED, OWNER))
    assert list(tree) == ["image_to_text", "text_to_image", "rsum"]
    assert list(tree["image_to_text"]) == ["R@1", "R@5", "R@10", "median_rank", "mean_rank"]


def test_not_a_number_is_refused():
    broken = TYPED.copy()
    broken[1, 2] = float("nan")
    with pytest.raises(ShapeError, match="1 values that are not finite"):
        retrieval(broken, OWNER)


def test_image_without_caption_is_refused():
    with pytest.raises(ShapeError, match="at least one caption"):
        retrieval(TYPED, np.array([0, 0, 0, 1, 1, 1]))


def test_tensors_are_taken_as_arrays_are():
    torch = pytest.importorskip("torch")
    scores, owner = np.random.default_rng(0).random((3, 6)), np.array([0, 1, 1, 1, 2, 2])
    assert retrieval(torch.tensor(scores), torch.tensor(owner)) == retrieval(scores, owner)


@pytest.mark.parametrize("ties", ["pessimistic", "official"])
def test_large_matrices_are_ranked_in_parts(monkeypatch, ties):
    generator = np.random.default_rng(0)
    owner = np.concatenate([np.arange(20), generator.integers(20, size=30)])
    scores = generator.integers(9, size=(20, 50)).astype(np.float32)
    expected = retrieval(scores, owner, ties)
    monkeypatch.setattr("regard.core.metrics._BLOCK", 120)
    assert retrieval(scores, owner, ties) == expected
