"""Tiny checkpoints of every family, made once a session; nothing is ever fetched."""

import os
import socket

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


@pytest.fixture(autouse=True)
def _offline_and_alone(tmp_path, monkeypatch):
    """No test asks the network, and what is fitted in one is nobody else's."""

    connect = socket.socket.connect

    def near(self, address):
        assert address[0] in ("127.0.0.1", "::1"), f"the network was asked: {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", near)
    monkeypatch.setenv("REGARD_PRECISION", "float32")  # where it is not what is asked for
    monkeypatch.setattr("platformdirs.user_data_path", lambda _name: tmp_path / "data")
