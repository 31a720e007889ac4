"""Photos for a sentence page by page, with words switched off or weighted."""

import threading
from datetime import datetime

import numpy as np
import pytest
from search.conftest import draw

from regard.indexing import update_index
from regard.search import Filters, Index
from regard.search.catalog import NO_FILTERS
from regard.search.encoded_query import EncodedQuery
from regard.web import ranking, wording
from regard.web.problems import ProblemError
from regard.web.ranking import Ask, Ranker, weight_scales

TEXT = "a red dog on the grass"
WORDS = 8  # with <start> and <end>


@pytest.fixture
def ranker(index):
    return Ranker(index)


def ask(text=TEXT, weights=None, sort="relevance", filters=NO_FILTERS):
    return Ask(text, filters, sort, weights)


def ids(ranked):
    return [hit.photo.id for hit in ranked.result.hits]


def test_without_weights_it_is_the_index_that_ranks(ranker, index):
    ranked = ranker.rank(ask(), 40)
    expected = index.search(TEXT, 40)
    assert ranked.result.hits == expected.hits
    assert [word.text for word in ranked.words][1:-1] == TEXT.split()
    assert [word.marker for word in ranked.words] == [True, *[False] * 6, True]


def test_equal_weights_change_nothing(ranker):
    plain = ranker.rank(ask(), 40)
    for weight in (1.0, 2.5):
        weighted = ranker.rank(ask(weights=(weight,) * WORDS), 40)
        assert ids(weighted) == ids(plain)
        for ours, theirs in zip(weighted.result.hits, plain.result.hits, strict=True):
            assert ours.similarity == pytest.approx(theirs.similarity, abs=1e-4)


def test_weighted_similarity_is_the_weighted_mean_of_the_relevances(ranker):
    weights = (0.0, 1.0, 2.0, 0.5, 0.0, 1.0, 3.0, 0.0)
    ranked = ranker.rank(ask(weights=weights), 40)
    assert len(ranked.result.hits) == ranked.result.total == 11
    for hit in ranked.result.hits:
        relevances = [word.relevance for word in hit.explain().words]
        assert hit.similarity == pytest.approx(np.average(relevances, weights=weights), abs=1e-4)
    similarities = [hit.similarity for hit in ranked.result.hits]
    assert similarities == sorted(similarities, reverse=True)


def test_switching_words_off_changes_the_order(ranker):
    only_red = tuple(float(place == 2) for place in range(WORDS))
    only_grass = tuple(float(place == 6) for place in range(WORDS))
    assert ids(ranker.rank(ask(weights=only_red), 40)) != ids(
        ranker.rank(ask(weights=only_grass), 40)
    )


def test_several_sentences_keep_their_own_weights(ranker, index):
    text = "a dog; -0.5: the grass"
    plain = index.search(text, 40)
    ones = ranker.rank(ask(text, weights=(1.0,) * 8), 40)
    assert ids(ones) == [hit.photo.id for hit in plain.hits]
    for ours, theirs in zip(ones.result.hits, plain.hits, strict=True):
        assert ours.similarity == pytest.approx(theirs.similarity, abs=1e-4)
    off = ranker.rank(ask(text, weights=(1.0,) * 4 + (0.0,) * 4), 40)
    assert ids(off) == [hit.photo.id for hit in index.search("a dog", 40).hits]


def test_filters_and_dates_hold_for_weights_too(ranker):
    weights = (1.0, 0.0, *(1.0,) * 6)
    early = Filters(taken_before=datetime(2020, 1, 4))
    ranked = ranker.rank(ask(weights=weights, sort="date", filters=early), 40)
    dates = [hit.photo.taken for hit in ranked.result.hits]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == ranked.result.total == 3


@pytest.mark.parametrize(
    ("weights", "reason"),
    [((1.0,) * 7, "7 weights"), ((1.0,) * 9, "9 weights"), ((0.0,) * 8, "every weight is 0")],
)
def test_weights_that_do_not_fit_are_refused(ranker, weights, reason):
    with pytest.raises(ProblemError, match=reason):
        ranker.rank(ask(weights=weights), 40)


def test_scales_give_every_sentence_its_part(index):
    query = EncodedQuery.of(index.model, wording.parse("dog; 3: cat"))
    np.testing.assert_allclose(weight_scales(query, (1, 1, 1, 1, 1, 1)), [0.25] * 3 + [0.75] * 3)
    np.testing.assert_allclose(weight_scales(query, (0, 2, 0, 0, 0, 0)), [0, 0.75, 0, 0, 0, 0])


def test_answers_are_kept_for_further_pages(ranker, index, monkeypatch):
    asked = []
    search = index.search
    monkeypatch.setattr(index, "search", lambda *a, **k: asked.append(a) or search(*a, **k))
    monkeypatch.setattr(ranking, "_FIRST_DEPTH", 2)
    first = ranker.rank(ask(), 1)
    assert ranker.rank(ask(), 2) is first
    assert len(ranker.rank(ask(), 3).result.hits) == 8  # four times the depth
    assert ranker.rank(ask(), 1) is first
    assert len(asked) == 2


def test_a_sentence_is_read_once_for_its_weights_and_explanations(ranker, monkeypatch):
    found = ids(ranker.rank(ask(), 40))
    monkeypatch.setattr(ranking.EncodedQuery, "of", None)
    weighted = ranker.rank(ask(weights=(0.0, 1.0, *(1.0,) * 6)), 40)
    assert set(ids(weighted)) == set(found)
    explained = ranker.explain(ask(), found[2:4])
    assert list(explained) == found[2:4]
    assert [word.word for word in explained[found[2]].words][1:-1] == TEXT.split()


def test_pages_by_date_are_parts_of_one_order(ranker, monkeypatch):
    monkeypatch.setattr(ranking, "_FIRST_DEPTH", 2)
    first = ids(ranker.rank(ask(sort="date"), 2))
    assert len(first) == 11
    assert ids(ranker.rank(ask(sort="date"), 11)) == first


def test_a_changed_index_is_ranked_anew(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        ranker = Ranker(index)
        weights = (0.5, *(1.0,) * 7)
        before = ranker.rank(ask(weights=weights), 40)
        draw(fresh_world.photos / "new.png", 77)
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        assert ranker.rank(ask(weights=weights), 40) is before
        index.refresh()
        assert ranker.rank(ask(weights=weights), 40).result.total == before.result.total + 1


@pytest.mark.parametrize("weights", [None, (0.5, *(1.0,) * 7)])
def test_photos_removed_while_they_are_ranked_lose_no_request(fresh_world, weights, monkeypatch):
    ranking_now, go_on = threading.Event(), threading.Event()
    results = []
    with Index.open(fresh_world.index, fresh_world.model) as index:
        ranker = Ranker(index)
        embed = index.model.encode_captions

        def wait(sentences):
            ranking_now.set()
            assert go_on.wait(60)
            return embed(sentences)

        monkeypatch.setattr(index.model, "encode_captions", wait)
        thread = threading.Thread(
            target=lambda: results.append(ranker.rank(ask(weights=weights), 40))
        )
        thread.start()
        assert ranking_now.wait(60)
        (fresh_world.photos / "0.png").unlink()
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        index.refresh()
        go_on.set()
        thread.join()
        assert len(results[0].result.hits) == results[0].result.total
        assert ranker.rank(ask(weights=weights), 40).result.total == 10


def test_a_weighted_search_names_the_copy_that_passes(fresh_world):
    (fresh_world.photos / "0-copy.png").write_bytes(
        (fresh_world.photos / "trip [1]/6.png").read_bytes()
    )
    update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
    with Index.open(fresh_world.index, fresh_world.model) as index:
        below = Filters(path="*/trip [[]1]/*")
        for weights in (None, (0.5, *(1.0,) * 7)):
            ranked = Ranker(index).rank(ask(weights=weights, filters=below), 40)
            names = {hit.photo.path.name for hit in ranked.result.hits}
            assert names == {"6.png", "7.png", "8.png", "9.png"}


def test_discounts_are_kept_of_the_photos_there_are(fresh_world):
    weights = (0.5, *(1.0,) * 7)
    with Index.open(fresh_world.index, fresh_world.model) as index:
        ranker = Ranker(index)
        ranker.rank(ask(weights=weights), 40)
        (fresh_world.photos / "0.png").unlink()
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        index.refresh()
        ranking_after = ranker.rank(ask(weights=weights), 40)
        with index.snapshot() as snapshot:
            kept = ranker._discounts.of(snapshot.generation, "", dict)
        assert len(kept) == ranking_after.result.total == 10
