"""Arrays as people have them: any memory layout, byte order and floating type, never altered."""

import numpy as np
import pytest
import torch

from regard.errors import ShapeError
from regard.kernels import similarity_matrix

LENGTHS = [2, 4, 1]


def sides() -> tuple[np.ndarray, np.ndarray]:
    """(2, 5, 13) and (3, 4, 13) unit vectors."""
    random = np.random.default_rng(0)
    vectors = [random.standard_normal(shape) for shape in ((2, 5, 13), (3, 4, 13))]
    return tuple(
        (v / np.linalg.norm(v, axis=-1, keepdims=True)).astype(np.float32) for v in vectors
    )


def locked(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS = {
    "fortran": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
    "backwards": lambda a: np.ascontiguousarray(a[::-1, :, ::-1])[::-1, :, ::-1],
    "read-only": locked,
    "big-endian": lambda a: a.astype(">f4"),
    "float64": lambda a: a.astype(np.float64),
    "tensor": torch.from_numpy,
    "tensor, transposed": lambda a: torch.from_numpy(a).transpose(0, 2).clone().transpose(0, 2),
}


@pytest.mark.parametrize("backend", ["reference", "plain", "fused"])
@pytest.mark.parametrize("form", FORMS)
def test_the_layout_of_an_array_changes_nothing(backend: str, form: str) -> None:
    regions, words = sides()
    expected = similarity_matrix(regions, words, LENGTHS, backend=backend)
    arrays = FORMS[form](regions), FORMS[form](words)
    similarities = similarity_matrix(*arrays, LENGTHS, backend=backend)
    np.testing.assert_allclose(similarities, expected, atol=3e-7)
    assert isinstance(similarities, np.ndarray) == isinstance(arrays[0], np.ndarray)


@pytest.mark.parametrize(
    "lengths",
    [np.array(LENGTHS, np.int32), np.array(LENGTHS[::-1])[::-1], torch.tensor(LENGTHS), LENGTHS],
)
def test_lengths_may_be_of_any_kind_of_whole_number(lengths: object) -> None:
    regions, words = sides()
    expected = similarity_matrix(regions, words, np.array(LENGTHS))
    np.testing.assert_array_equal(similarity_matrix(regions, words, lengths), expected)


@pytest.mark.parametrize("lengths", [[2.0, 4.0, 1.0], [2, 4], [0, 4, 1], [2, 5, 1]])
def test_lengths_that_do_not_fit_are_refused(lengths: list) -> None:
    with pytest.raises(ShapeError, match="of words"):
        similarity_matrix(*sides(), lengths)


def test_whole_numbers_are_no_vectors() -> None:
    regions, words = sides()
    with pytest.raises(ShapeError, match="must be floating point"):
        similarity_matrix(regions.astype(np.int64), words, LENGTHS)
