"""The text in photos follows them: read once, forgotten with them, kept by an index made anew."""

import pytest
from small import draw

from regard.indexing import read_texts, rebuilding, update_index
from regard.indexing import texts as module
from regard.search import Index
from regard.search.texts import Texts


@pytest.fixture
def index(tmp_path, photos, model):
    """An index made before text was read."""
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"


def found(index, model, word):
    with Index.open(index, model) as opened:
        return sorted(hit.photo.path.name for hit in opened.search(word, k=20).hits if hit.is_read)


def test_an_index_that_is_there_is_completed_and_nothing_read_twice(index, photos, model, reader):
    fake, told = reader("exit", "", "bakery"), []
    report = read_texts(index, model, progress=lambda *far: told.append(far), workers=1)
    assert (report.read, report.with_text, report.skipped) == (6, 4, {})
    assert told == [(done, 6) for done in range(1, 7)]
    assert len(found(index, model, "exit")) == len(found(index, model, "bakery")) == 2
    assert read_texts(index, model, workers=1).read == 0
    draw(photos / "new.png", 20)
    update_index(index, photos, model, workers=1)
    assert read_texts(index, model, workers=1).read == 1
    assert fake.read == 7


def test_what_was_read_goes_with_its_photo(index, photos, model, reader):
    reader("exit")
    read_texts(index, model, workers=1)
    (photos / "0.png").unlink()
    draw(photos / "1.png", 30)  # changed: its text is that of another photo
    update_index(index, photos, model, workers=1)
    assert len(Texts(index)) == 4
    assert found(index, model, "exit") == ["2.png", "3.png", "4.png", "5.png"]


def test_a_moved_photo_keeps_its_text(index, photos, model, reader):
    fake = reader("exit")
    read_texts(index, model, workers=1)
    (photos / "0.png").rename(photos / "moved.png")
    update_index(index, photos, model, workers=1)
    assert read_texts(index, model, workers=1).read == 0
    assert "moved.png" in found(index, model, "exit")
    assert fake.read == 6


def test_an_index_made_anew_keeps_it(index, photos, model, reader):
    reader("exit")
    read_texts(index, model, workers=1)
    with rebuilding(index, model) as place:
        update_index(place, photos, model, workers=1)
    assert len(found(index, model, "exit")) == 6


def test_an_interrupted_reading_goes_on(index, model, reader, monkeypatch):
    monkeypatch.setattr(module, "_COMMIT_PHOTOS", 2)
    fake = reader("exit", "exit", "exit", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        read_texts(index, model, workers=1)
    assert len(Texts(index)) == 2
    fake.lines = ["exit"]
    assert read_texts(index, model, workers=1).read == 4
    assert len(Texts(index)) == 6


def test_what_cannot_be_read_is_named_and_tried_again(index, photos, model, reader):
    fake = reader("exit", ValueError("no"))
    report = read_texts(index, model, workers=1)
    assert (report.read, len(report.skipped)) == (3, 3)
    fake.lines = ["exit"]
    assert read_texts(index, model, workers=1).read == 3


def test_a_file_that_changed_since_is_left_for_the_next_time(index, photos, model, reader):
    reader("exit")
    draw(photos / "0.png", 31)
    (photos / "1.png").unlink()
    assert read_texts(index, model, workers=1).read == 4


def test_what_another_reader_read_is_read_again(index, model, reader, monkeypatch):
    reader("exit")
    read_texts(index, model, workers=1)
    monkeypatch.setattr(module, "READER", "a later one")
    reader("bakery")
    assert read_texts(index, model, workers=1).read == 6
    assert (found(index, model, "exit"), len(found(index, model, "bakery"))) == ([], 6)


def test_an_open_index_notices(index, model, reader):
    reader("exit")
    with Index.open(index, model) as opened:
        assert opened.is_latest()
        read_texts(index, model, workers=1)
        assert not opened.is_latest()
        opened.refresh()
        assert opened.search("exit", k=1).hits[0].is_read
