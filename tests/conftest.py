"""What many tests share.

REGARD_GOLDEN names another folder of recordings from the official code than ../shared/golden; the
tests then run on every recording found there. REGARD_WITHOUT_TORCH puts torch out of reach, for all
that must run without it; modules that need it are skipped then, as where it is not installed.
"""

import gc
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import what they share

from torch_reach import left_out

LEFT_OUT = left_out()

SHARED = Path(__file__).parents[2] / "shared"
GOLDEN = Path(os.environ.get("REGARD_GOLDEN", SHARED / "golden"))


BROWSER = Path(__file__).parent / "browser"

gc.disable()  # until all modules are imported: little of what they make is ever garbage


def pytest_ignore_collect(collection_path, config):
    unasked = collection_path == BROWSER and "not browser" in config.option.markexpr
    return True if unasked or collection_path in LEFT_OUT else None


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter):
    if LEFT_OUT:
        names = ", ".join(str(path.relative_to(Path(__file__).parent)) for path in LEFT_OUT)
        terminalreporter.write_line(
            f"{len(LEFT_OUT)} modules left out, for they need torch "
            f"(pip install 'regard[train]'): {names}"
        )


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Tests measure nothing; one thread each keeps parallel runs quick, and sums the same."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def golden() -> Path:
    """Recordings from the official code."""
    if not GOLDEN.is_dir():
        pytest.skip(f"recordings from the official code are not here ({GOLDEN})")
    return GOLDEN


@pytest.fixture(scope="session")
def flickr30k_text() -> Path:
    """All Flickr30K captions in SCAN's layout."""
    if not (SHARED / "data/flickr30k_text").is_dir():
        pytest.skip("Flickr30K's captions are not here (../shared/data/flickr30k_text)")
    return SHARED / "data/flickr30k_text"


@pytest.fixture
def reader(monkeypatch):
    """Has text in photos read by a `FakeReader` of some lines."""
    from fake_reader import FakeReader

    from regard.regions import text

    def install(*lines):
        made = FakeReader(lines)
        monkeypatch.setattr(text, "TextExtractor", lambda: made)
        monkeypatch.setattr(text, "require_reader", lambda: None)
        return made

    return install
