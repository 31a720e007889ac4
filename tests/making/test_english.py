"""What is known of English sentences is what the command makes."""

import pytest

from regard.words.sentences import PARAMETERS

pytest.importorskip("punkt")
making = pytest.importorskip("making.english")


def test_the_shipped_file_is_what_the_command_makes():
    assert PARAMETERS.read_text(encoding="utf-8") == making.parameters()
