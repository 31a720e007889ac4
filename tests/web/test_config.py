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


@pytest.mark.parametrize("name", ["photos.example.org", "photos.example.org:8443", "[::1]:80"])
def test_behind_a_proxy_there_is_a_token(name):
    with pytest.raises(ConfigError, match="no token"):
        ServeConfig(allow_hosts=(name,))
    assert ServeConfig(allow_hosts=(name,), token="x" * 20).is_public


@pytest.mark.parametrize("name", ["https://photos.example.org", "a/b", "", "a b", "*", "a:b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ConfigError, match="allow-host"):
        ServeConfig(allow_hosts=(name,), token="x" * 20)


def test_a_token_is_not_short():
    with pytest.raises(ConfigError, match="at least 16"):
        ServeConfig(token="secret")
