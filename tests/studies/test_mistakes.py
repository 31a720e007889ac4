"""Which queries are shown, on a matrix typed by hand."""

import numpy as np

from regard.studies.mistakes import of_photos, of_sentences

OWNER = np.array([0, 0, 1, 1, 2, 2])
SCORES = np.array(
    [
        [0.9, 0.2, 0.1, 0.3, 0.0, 0.4],  # right
        [0.8, 0.1, 0.7, 0.6, 0.5, 0.2],  # true 0.7 behind 0.8
        [0.3, 0.6, 0.5, 0.4, 0.2, 0.1],  # true 0.2 behind 0.3, 0.6, 0.5 and 0.4
    ],
    np.float32,
)


def test_photos_as_queries():
    choice = of_photos(SCORES, OWNER, 2)
    assert [query.query for query in choice.worst] == [2, 1]
    assert [query.rank for query in choice.worst] == [5, 2]
    assert [query.query for query in choice.confident] == [1, 2]
    second = choice.confident[0]
    assert second.best == (0, 2, 3, 4, 5)
    assert second.right == (False, True, True, False, False)
    assert second.true == 2
    assert len(choice.drawn) == 2


def test_sentences_as_queries_of_different_photos():
    choice = of_sentences(SCORES, OWNER, 3)
    # ranks of the true photos: 1, 2, 1, 1, 2, 3; the fifth sentence is of the sixth's photo
    assert [(query.query, query.rank) for query in choice.worst] == [(5, 3), (1, 2)]
    assert [query.query for query in choice.confident] == [1, 4]
    assert choice.worst[0].best == (0, 1, 2)
    assert choice.worst[0].right == (False, False, True)
    assert sorted(OWNER[query.query] for query in choice.drawn) == [0, 1, 2]


def test_equals_stand_before_the_true_answer():
    same = np.full((2, 2), 0.5, np.float32)
    choice = of_photos(same, np.array([0, 1]), 2)
    assert [query.rank for query in choice.worst] == [2, 2]
    assert choice.worst[0].best == (1, 0)
    assert choice.worst[0].right == (False, True)


def test_no_mistakes():
    choice = of_photos(np.eye(3, dtype=np.float32), np.arange(3), 2)
    assert choice.worst == choice.confident == ()
    assert len(choice.drawn) == 2
