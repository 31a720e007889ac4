"""What tests do to have torch out of reach leaves nothing behind."""

import importlib
import sys

import pytest

import regard
from tests.torch_reach import without_torch


def test_a_room_that_was_loaded_anew_is_the_old_one_again():
    old = importlib.import_module("regard.explain.explanation")
    with pytest.MonkeyPatch.context() as patch:
        without_torch(patch, "regard.explain")
        assert importlib.import_module("regard.explain.explanation") is not old
    assert regard.explain.explanation is old
    assert sys.modules["regard.explain.explanation"] is old
