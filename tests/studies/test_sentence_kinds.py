"""Kinds of sentences by their words."""

import pytest

from regard.studies.sentence_kinds import KINDS, kinds_of, masks


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("A dog runs .", set()),
        ("A brown dog runs on the grass .", {"attributes"}),
        ("A dog runs behind a man .", {"relations"}),
        ("A man , a dog and two cats sit .", {"several objects"}),
        ("Two boys in red shirts jump over a fence near the sea .", set(KINDS)),
        ("Striped holding", {"attributes", "relations"}),
    ],
)
def test_by_hand(sentence, kinds):
    assert kinds_of(sentence) == kinds


def test_masks_cover_every_sentence():
    by_kind = masks(["A dog runs .", "A brown dog ."])
    assert {name: mask.tolist() for name, mask in by_kind.items()} == {
        "several objects": [False, False],
        "attributes": [False, True],
        "relations": [False, False],
        "none of these": [True, False],
    }
