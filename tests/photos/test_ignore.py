"""Patterns mean what git says they mean."""

import itertools
import ntpath
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from regard.errors import ConfigError
from regard.photos import ignore as ignore_module
from regard.photos.ignore import Ignore, inside, known_as

PATHS = (
    "a.png",
    "b.jpg",
    "A.png",
    "thumbs/a.png",
    "thumbs/b.jpg",
    "deep/thumbs/a.png",
    "deep/er/a.png",
    "deep/er/still/b.jpg",
    "[x].png",
    "x.png",
    "a*b.png",
    "with space/a.png",
    "#a.png",
    "!a.png",
    ".hidden/a.png",
    ".a.png",
)
PATTERNS = (
    ["*.png"],
    ["/a.png"],
    ["a.png"],
    ["thumbs/"],
    ["/thumbs/"],
    ["deep/thumbs"],
    ["thumbs/a.png"],
    ["**/thumbs"],
    ["deep/**"],
    ["deep/**/a.png"],
    ["**/er/*.png"],
    ["deep/*"],
    ["dee?"],
    ["*/a.png"],
    ["[ab].*"],
    ["[!a].png"],
    ["[^a-z].png"],
    ["[]x].png"],
    [r"\[x\].png"],
    [r"a\*b.png"],
    [r"\#a.png"],
    [r"\!a.png"],
    ["#a.png"],
    ["*.png", "!a.png"],
    ["*", "!*.png"],
    ["deep/*", "!deep/er", "deep/er/still"],
    ["with space"],
    ["  a.png  "],
    ["!.*"],
    ["!.hidden"],
    ["[a.png"],
    [""],
)


def ours(patterns, path):
    """Whether a path is left out, going down from the top as a scan does."""
    ignore = Ignore(patterns)
    parts = path.split("/")
    above = ["/".join(parts[:n]) for n in range(1, len(parts))]
    return any(ignore(folder, is_folder=True) for folder in above) or ignore(path, is_folder=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    if shutil.which("git") is None:
        pytest.skip("git is not installed; it is what patterns are compared with")
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


@pytest.mark.parametrize("patterns", PATTERNS, ids=" ".join)
def test_as_git_does(repository, patterns):
    (repository / ".gitignore").write_text("\n".join([".*", *(p.strip() for p in patterns)]) + "\n")
    asked = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input="\0".join(PATHS).encode(),
        capture_output=True,
        check=False,
    )
    assert asked.returncode in (0, 1), asked.stderr
    theirs = set(asked.stdout.decode().split("\0")) - {""}
    assert {path for path in PATHS if ours(patterns, path)} == theirs


def test_hidden_files_are_left_out_by_themselves():
    ignore = Ignore()
    assert [p for p in PATHS if ours([], p)] == [".hidden/a.png", ".a.png"]
    assert not ignore("a.b", is_folder=False)


@pytest.mark.parametrize("pattern", ["/", "!", "!/", "//"])
def test_patterns_that_name_nothing_are_refused(pattern):
    with pytest.raises(ConfigError, match="must name something"):
        Ignore([pattern])


def test_the_last_pattern_that_fits_decides():
    for first, second in itertools.permutations(["a.png", "!a.png"]):
        assert Ignore([first, second])("a.png", is_folder=False) == (second == "a.png")


@pytest.mark.parametrize("pattern", ["[z-a].jpg", "a\\", "[9-0]/"])
def test_patterns_that_cannot_be_read_are_refused(pattern):
    with pytest.raises(ConfigError, match=r"must be one as in \.gitignore"):
        Ignore([pattern])


def test_sets_that_look_odd_are_no_warning():
    assert Ignore(["[[a].png"])("[.png", is_folder=False)


@pytest.mark.parametrize("written", ["caf\u00e9/", "cafe\u0301/"])
@pytest.mark.parametrize("named", ["caf\u00e9", "cafe\u0301"])
def test_accents_fit_however_they_are_written(written, named):
    assert Ignore([written])(f"trips/{named}", is_folder=True)
    assert not Ignore([written])("trips/cafe", is_folder=True)


# ---- where folders are


def test_inside(tmp_path):
    folder = str(tmp_path)
    assert inside(f"{folder}/a/b.jpg", folder) == "a/b.jpg"
    assert inside(folder, folder) == ""
    assert inside(f"{folder}2/b.jpg", folder) is None
    assert inside("/a.jpg", "/") == "a.jpg"


def test_inside_on_windows(monkeypatch):
    monkeypatch.setattr(ignore_module, "os", SimpleNamespace(sep="\\", path=ntpath))
    monkeypatch.setattr(ntpath, "realpath", str)
    assert inside(r"C:\Photos\2019\a.jpg", r"C:\Photos") == "2019/a.jpg"
    assert inside(r"c:\photos\2019\A.jpg", r"C:\Photos") == "2019/A.jpg"
    assert inside(r"C:\Photos", "C:\\Photos\\") == ""
    assert inside(r"D:\Photos\a.jpg", r"C:\Photos") is None
    covered = ignore_module.Covered(r"C:\Photos", ["raw/"])
    assert covered(r"C:\Photos\2019\a.jpg")
    assert not covered(r"C:\Photos\raw\a.jpg")


def test_a_folder_keeps_the_name_it_is_known_by(monkeypatch):
    """As on systems where these are one folder."""
    known = ["/photos/Caf\u00e9", "/photos/other"]
    assert known_as("/photos/cafe\u0301", known) == "/photos/cafe\u0301"  # here they are two
    monkeypatch.setattr(ignore_module.Path, "samefile", lambda *_: True)
    assert known_as("/photos/cafe\u0301", known) == "/photos/Caf\u00e9"
    assert known_as("/photos/third", known) == "/photos/third"
    assert known_as("/photos/other", known) == "/photos/other"
