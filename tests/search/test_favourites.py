"""Photos that were marked: kept beside the index, whatever becomes of it."""

import threading

import pytest

from regard.errors import StoreError
from regard.search.favourites import FILE, Favourites

ONE, OTHER = "0" * 16, "f" * 16


def test_marks_are_kept_and_taken_back(tmp_path):
    marks = Favourites(tmp_path)
    assert marks.ids() == frozenset()
    assert not (tmp_path / FILE).exists()  # nothing is written for a look
    marks.mark(ONE, on=True)
    marks.mark(OTHER, on=True)
    marks.mark(ONE, on=True)
    assert marks.ids() == {ONE, OTHER}
    assert Favourites(tmp_path).ids() == {ONE, OTHER}
    marks.mark(ONE, on=False)
    marks.mark(ONE, on=False)
    assert marks.ids() == {OTHER}


def test_many_threads_may_mark(tmp_path):
    marks = Favourites(tmp_path)
    ids = [f"{number:016x}" for number in range(20)]
    threads = [threading.Thread(target=marks.mark, args=(i,), kwargs={"on": True}) for i in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert marks.ids() == set(ids)


def test_a_file_that_is_no_table_is_told(tmp_path):
    (tmp_path / FILE).write_bytes(b"no table at all" * 100)
    with pytest.raises(StoreError, match="Move the file away"):
        Favourites(tmp_path).ids()
