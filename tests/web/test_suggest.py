"""Which sentences are offered to begin with."""

import threading

import numpy as np

from regard.indexing import update_index
from regard.search import Index
from regard.web import models
from regard.web.config import ServeConfig
from regard.web.context import Context
from regard.web.suggest import Suggested, spread_out, suggest

SENTENCES = ["a brown dog", "a white dog", "a photo", "two boats"]
SIMILARITY = np.array(
    [
        [0.60, 0.55, 0.50, 0.00],
        [0.10, 0.10, 0.50, 0.40],
        [0.10, 0.20, 0.50, 0.10],
    ]
)


def test_a_sentence_is_offered_for_the_photo_it_fits_more_than_others():
    assert suggest(SIMILARITY, SENTENCES, 5) == [Suggested(0, 0), Suggested(1, 3)]
    assert suggest(SIMILARITY, SENTENCES, 1) == [Suggested(0, 0)]


def test_what_fits_every_photo_alike_is_not_offered():
    assert suggest(np.full((3, 4), 0.5), SENTENCES, 5) == []
    assert suggest(SIMILARITY[:1], SENTENCES, 5) == []


def test_no_photo_and_no_word_comes_twice():
    similarity = np.array([[0.9, 0.0, 0.0, 0.8], [0.0, 0.9, 0.0, 0.0], [0.0, 0.0, 0.0, 0.7]])
    chosen = suggest(similarity, ["a dog runs", "a cat runs", "x", "two boats"], 5)
    assert chosen == [Suggested(0, 0), Suggested(2, 3)]


def test_a_sample_is_spread_over_the_whole_list():
    assert spread_out(5, 8) == [0, 1, 2, 3, 4]
    assert spread_out(100, 3) == [0, 50, 99]
    assert spread_out(0, 8) == []


def test_suggestions_of_photos_removed_meanwhile_are_not_kept(fresh_world, monkeypatch):
    comparing, go_on = threading.Event(), threading.Event()
    answers = []
    with Index.open(fresh_world.index, fresh_world.model) as index:
        context = Context(index, ServeConfig(), SENTENCES)

        def suggest(subjects, _k):
            comparing.set()
            assert go_on.wait(60)
            return [
                models.Suggestion(sentence="a dog", photo=subject.photo) for subject in subjects
            ]

        monkeypatch.setattr(context.sentences, "suggest", suggest)
        slow = threading.Thread(target=lambda: answers.append(context.suggestions()))
        slow.start()
        assert comparing.wait(60)
        (fresh_world.photos / "0.png").unlink()
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        assert context.library.follow()
        go_on.set()
        slow.join()
        assert len(answers[0].suggestions) == 11
        assert len(context.suggestions().suggestions) == 10
        assert context.suggestions() is context.suggestions()
