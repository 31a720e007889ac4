"""What was read in photos, kept beside an index, and how it ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import draw

from regard.errors import StoreError
from regard.indexing import update_index
from regard.search import Filters, Index, Query
from regard.search.texts import FILE, Texts
from regard.store.shards import Text
from regard.words.readings import forms_of

EXIT = Text("EXIT 12", (1.0, 2.0, 30.0, 12.0), 0.98)
MISREAD = Text("bakerv", (0.0, 0.0, 9.0, 9.0), 0.7)
BAKERY = Text("Bakery", (0.0, 0.0, 9.0, 9.0), 0.9)


def showing(texts, sentence):
    return texts.showing(forms_of(sentence.split()))


def test_nothing_is_written_for_a_look(tmp_path):
    texts = Texts(tmp_path)
    assert (texts.of(["a"]), showing(texts, "exit"), len(texts)) == ({}, {}, 0)
    texts.keep([])
    assert not (tmp_path / FILE).exists()


def test_what_was_read_is_kept_and_found(tmp_path):
    texts = Texts(tmp_path)
    texts.put({"a": (EXIT, BAKERY), "b": (EXIT,), "c": (), "d": (MISREAD,)}, "one")
    assert texts.of(["a", "c", "x"]) == {"a": (EXIT, BAKERY)}
    assert showing(texts, "exit") == {"a": True, "b": True}
    assert showing(texts, "bakery") == {"a": True, "d": False}  # the latter by spelling
    assert showing(texts, "exit bakery") == {"a": True}
    assert showing(texts, "exit station") == {}
    assert texts.showing([]) == {}
    assert texts.read_by("one") == {"a", "b", "c", "d"}


def test_another_reading_takes_the_place_of_one(tmp_path):
    texts = Texts(tmp_path)
    texts.put({"a": (EXIT,), "b": (EXIT,)}, "one")
    texts.put({"a": (BAKERY,)}, "other")
    assert showing(texts, "exit") == {"b": True}
    assert (texts.read_by("one"), texts.read_by("other")) == ({"b"}, {"a"})


def test_photos_that_are_gone_are_forgotten(tmp_path):
    texts = Texts(tmp_path)
    texts.put({"a": (EXIT,), "b": (EXIT,)}, "one")
    texts.keep({"b", "c"})
    assert (len(texts), showing(texts, "exit")) == (1, {"b": True})


def test_a_file_that_is_no_table_is_told(tmp_path):
    (tmp_path / FILE).write_bytes(b"no table at all" * 100)
    with pytest.raises(StoreError, match="Move the file away"):
        Texts(tmp_path).of(["a"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a dog at the exit", [{"dog"}, {"exit"}]),
        ('"no exit"', [{"no", "noexit"}, {"exit", "noexit"}]),
        ('a dog by a sign "exit"', [{"exit"}]),
        ("2: a dog; exit; -1: bakery", [{"dog"}, {"exit"}]),
        ("a photo of an exit", [{"exit"}]),
    ],
)
def test_words_that_a_photo_must_have_on_it_to_come_first(query, words):
    asked = [set(forms.exact) for forms in Query.parse(query).to_read]
    assert all(one <= found for one, found in zip(words, asked, strict=True))


def test_photos_that_are_looked_for_by_a_photo_are_not_read():
    assert Query.parse("exit", like=["a.jpg"]).to_read == []


# ---- ranking


@pytest.fixture(scope="module")
def index(tmp_path_factory, model):
    place = tmp_path_factory.mktemp("read")
    for seed in range(12):
        draw(place / f"photos/{seed:02}.png", seed)
    update_index(place / "index", place / "photos", model, workers=1)
    with Index.open(place / "index", model) as opened:
        yield opened


def keys_of(index):
    with index.snapshot() as snapshot:
        return list(snapshot.store)


def test_a_glance_tells_what_explanations_do(index):
    keys, texts = keys_of(index), Texts(index.folder)
    texts.keep([])
    lines = (Text("Red BAKERY", (0, 0, 1, 1), 1), Text("a red door", (0, 0, 1, 1), 1))
    texts.put({keys[0]: lines, keys[3]: (EXIT,)}, "x")
    hits = index.search("a red bakery; -1: exit", k=12).hits
    glances = hits[0].query.glance([hit.regions for hit in hits])
    told = [hit.query.explain_whole(hit.regions) for hit in hits]
    assert [one.read for one in glances] == [one.words_read for one in told]
    assert sorted(one.read for one in glances)[-2:] == [["exit"], ["red", "bakery"]]
    assert [one.unsupported for one in glances] == [one.unsupported for one in told]


@settings(max_examples=8, deadline=None)
@given(read=st.sets(st.integers(0, 11)), misread=st.sets(st.integers(0, 11)), k=st.integers(1, 12))
def test_what_is_read_comes_first_and_changes_no_similarity(index, read, misread, k):
    keys, texts = keys_of(index), Texts(index.folder)
    texts.keep([])
    plain = index.search("a red bakery", k=12).hits
    lines = {keys[row]: (MISREAD._replace(text="a red bakerv"),) for row in misread}
    texts.put({**lines, **{keys[row]: (Text("Red BAKERY", (0, 0, 1, 1), 1),) for row in read}}, "x")
    place = {keys[row][:16]: 1 for row in misread} | {keys[row][:16]: 0 for row in read}
    expected = sorted(plain, key=lambda hit: place.get(hit.photo.id, 2))[:k]
    found = index.search("a red bakery", k=k).hits
    assert [h.photo.id for h in found] == [h.photo.id for h in expected]
    assert [h.similarity for h in found] == pytest.approx([h.similarity for h in expected])
    assert [h.is_read for h in found] == [h.photo.id in place for h in found]
    for hit in found:
        assert sum(w.share for w in hit.explain().words) == pytest.approx(hit.similarity, abs=1e-5)
        assert hit.words_read == (["red", "bakery"] if hit.is_read else [])


@pytest.fixture
def exits(index):
    """EXIT stands on the photo that is least like a red dog."""
    texts = Texts(index.folder)
    texts.keep([])
    last = index.search("a red dog", k=12).hits[-1].photo
    key = next(key for key in keys_of(index) if key.startswith(last.id))
    texts.put({key: (EXIT,)}, "x")
    yield last
    texts.keep([])


def test_one_word_of_several_is_told_and_ranks_nothing(index, exits):
    found = index.search("a red exit", k=12)
    assert not any(hit.is_read for hit in found.hits)
    assert {hit.photo.id: hit.words_read for hit in found.hits if hit.words_read} == {
        exits.id: ["exit"]
    }


def test_a_quoted_word_is_enough(index, exits):
    first = index.search('a red sign that says "exit"', k=2).hits[0]
    assert (first.photo.id, first.is_read) == (exits.id, True)


def test_filters_hold_for_what_is_read(index, exits):
    filters = Filters(path=f"*/{'00' if exits.path.stem != '00' else '01'}.png")
    assert [hit.is_read for hit in index.search("exit", filters=filters).hits] == [False]


def test_a_word_that_is_read_is_not_said_to_be_missing(index, exits):
    hit = next(h for h in index.search("exit", k=1).hits)
    word = next(w for w in hit.words() if w["word"] == "exit")
    assert word["read"] == [["EXIT 12", 1.0, 2.0, 30.0, 12.0]]
    assert "exit" not in hit.unsupported
    assert np.isfinite(hit.similarity)
