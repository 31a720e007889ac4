"""Values kept for as long as the index stays the same; what is asked while it changes."""

import threading

import pytest

from regard.web.recent import Recent


@pytest.fixture
def worked():
    """Keys in the order they were worked out."""
    return []


@pytest.fixture
def recent(worked):
    return Recent(2)


def of(recent, worked, generation, key):
    return recent.of(generation, key, lambda: worked.append(key) or (generation, key))


def test_what_was_not_asked_for_longest_is_forgotten(recent, worked):
    for key in "abacabb":
        assert of(recent, worked, 0, key) == (0, key)
    assert "".join(worked) == "abcb"


def test_a_later_generation_begins_with_nothing(recent, worked):
    assert of(recent, worked, 0, "a") == (0, "a")
    assert of(recent, worked, 1, "a") == (1, "a")
    assert of(recent, worked, 1, "a") == (1, "a")
    assert of(recent, worked, 0, "a") == (0, "a")  # for one who still reads the earlier one
    assert of(recent, worked, 1, "a") == (1, "a")
    assert "".join(worked) == "aaa"


def test_what_was_begun_before_a_change_is_not_kept_after_it(recent, worked):
    working, go_on = threading.Event(), threading.Event()
    answers = []

    def work():
        working.set()
        assert go_on.wait(60)
        return "old"

    slow = threading.Thread(target=lambda: answers.append(recent.of(0, "a", work)))
    slow.start()
    assert working.wait(60)
    of(recent, worked, 1, "b")
    go_on.set()
    slow.join()
    assert answers == ["old"]
    assert of(recent, worked, 1, "a") == (1, "a")


def test_what_failed_is_tried_again(recent, worked):
    with pytest.raises(ZeroDivisionError):
        recent.of(0, "a", lambda: 1 // 0)
    assert of(recent, worked, 0, "a") == (0, "a")
