"""Tiny checkpoints of every family, made once a session; nothing is ever fetched."""

import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory):
    """A tiny checkpoint of random weights by family."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.backbones.tiny import FAMILIES, save_tiny

    root = tmp_path_factory.mktemp("tiny")
    return {family: save_tiny(root / family, family) for family in FAMILIES}
