"""What a server may do and how much of it. The one place where these limits stand."""

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from regard.errors import ConfigError

_HOST = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?", re.IGNORECASE | re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address one listens on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Address, token and limits of a server."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs a token."""
    port: int = 8471
    allow_hosts: tuple[str, ...] = ()
    """Names that a proxy in front has, as browsers write them: `photos.example.org`, with the
    port if it is not the usual one. Other machines come through it, so these need a token too."""
    token: str | None = None
    """Who knows it may look; None lets everyone in who can reach the address."""
    upload_bytes: int = 25_000_000
    upload_pixels: int = 60_000_000
    """Refused before decoding: a small file can hide a huge picture."""
    upload_seconds: float = 20.0
    """Time for the bytes of an upload to arrive."""
    decode_seconds: float = 10.0
    """Time for an upload to be decoded, in a process of its own that is then ended."""
    upload_lifetime: float = 900.0
    """Seconds an upload stays in memory."""
    keep_uploads: Path | None = None
    """Folder for uploads that a reader asks to keep, from `prepare_folder`; None keeps none."""
    jobs: int = os.cpu_count() or 1
    """Searches, explanations and pictures worked on at once, of each kind."""
    waiting: int = 128
    """Requests that may stand in line; one more is answered 503."""
    per_client: int = 64
    """Requests one address may have in hand; one more is answered 429."""
    patience: float = 30.0
    """Seconds a request stands in line before it is answered 503."""
    refresh: float = 2.0
    """Seconds between looks at whether the index has changed."""

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the server, by its address or through a proxy."""
        return not is_loopback(self.host) or bool(self.allow_hosts)

    def __post_init__(self) -> None:
        """Refuse to be reachable from elsewhere without a token."""
        for name in self.allow_hosts:
            if not _HOST.fullmatch(name):
                raise ConfigError(
                    f"allow-host is {name!r}; it must be a name as photos.example.org, with "
                    "the port if it is not the usual one. Correct it."
                )
        if self.is_public and not self.token:
            hosts = ", ".join((self.host, *self.allow_hosts))
            raise ConfigError(
                f"host is {hosts} and there is no token; other machines must show one. "
                "Set REGARD_TOKEN, or listen on 127.0.0.1."
            )
        if self.token is not None and len(self.token) < 16:
            raise ConfigError(
                f"token has {len(self.token)} characters; it must have at least 16, or it can be "
                "guessed. Set REGARD_TOKEN to a longer one."
            )
