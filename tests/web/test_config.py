"""Limits of a server, and who may be let in without a token."""

import pytest

from regard.errors import ConfigError
from regard.web.config import ServeConfig, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host):
    assert is_loopback(host)
    assert ServeConfig(host=host).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "photos.example", ""])
def test_elsewhere_needs_one(host):
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match="no token"):
        ServeConfig(host=host)
    assert ServeConfig(host=host, token="x" * 20).token


def test_a_token_is_not_short():
    with pytest.raises(ConfigError, match="at least 16"):
        ServeConfig(token="secret")
