"""A pattern fits a path as a person reads both."""

import pytest

from regard.errors import ConfigError
from regard.search.catalog import Filters
from regard.search.paths import fits, matcher, plain_part

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*", "/a/b.jpg"),
        ("2019/*", "/home/me/2019/rome/a.jpg"),
        ("2019/*/a.*", "/home/me/2019/rome/a.jpg"),
        ("/home/*", "/home/me/a.jpg"),
        ("*/?.jpg", "/home/a.jpg"),
        ("*[ab].jpg", "/home/a.jpg"),
        ("*[^b].jpg", "/home/a.jpg"),
        ("*[!b].jpg", "/home/a.jpg"),
        ("*beach*", "/home/Beach 2019/a.JPG"),
        ("*.JPG", "/home/a.jpg"),
        ("*[2019] Rome/*", "/home/[2019] Rome/a.jpg"),
        ("*[2019] Rome/*", "/home/2 Rome/a.jpg"),
        ("*[z-a]*", "/home/[z-a].jpg"),
        ("*a[*", "/home/a[b.jpg"),
        ("*[]]*", "/home/].jpg"),
        ("*[abcdefgh].jpg", "/home/a.jpg"),
        ("*100%_\\*", "/home/100%_\\a.jpg"),
        ("s3://photos/*", "s3://photos/a.jpg"),
        (f"*{COMPOSED}*", f"/home/{DECOMPOSED}/a.jpg"),
        (f"*{DECOMPOSED}*", f"/home/{COMPOSED}/a.jpg"),
        (f"*{COMPOSED.upper()}*", f"/home/{DECOMPOSED}/a.jpg"),
        ("caf?/*", f"/home/{DECOMPOSED}/a.jpg"),
    ],
)
def test_fits(pattern, path):
    assert fits(path, pattern)
    assert plain_part(pattern).lower() in path.lower()


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("2019/*", "/home/x2019/a.jpg"),
        ("home/*", "/a.jpg"),
        ("*.jpg", "/home/a.jpg.png"),
        ("*[b].jpg", "/home/a.jpg"),
        ("*/?.jpg", "/home/ab.jpg"),
        ("*cafe*", f"/home/{DECOMPOSED}/a.jpg"),
    ],
)
def test_does_not_fit(pattern, path):
    assert not fits(path, pattern)


def test_paths_of_windows():
    of_windows = [
        ("*/2019/*", r"C:\Photos\2019\a.jpg"),
        ("2019\\*", r"C:\Photos\2019\a.jpg"),
        ("c:\\photos\\*", r"C:\Photos\2019\a.jpg"),
        ("C:/Photos/*", r"C:\Photos\2019\a.jpg"),
    ]
    for pattern, path in of_windows:
        assert matcher(pattern, "\\")(path), pattern
    assert not matcher("2018\\*", "\\")(r"C:\Photos\2019\a.jpg")


def test_a_pattern_that_is_no_text_is_refused():
    with pytest.raises(ConfigError, match="must be UTF-8"):
        Filters(path="*caf\udce9*")
