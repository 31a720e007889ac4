"""regard serve: the page and the HTTP API."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes

if TYPE_CHECKING:
    from socket import socket

    from fastapi import FastAPI

    from regard.search import Index
    from regard.web.config import ServeConfig

TOKEN_VARIABLE = "REGARD_TOKEN"


def serve(
    index_folder: options.Index = options.DEFAULT_INDEX,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8471,
    captions: Annotated[
        Path | None,
        typer.Option(help="Sentences to rank for a photo, one per line; default: a built-in list."),
    ] = None,
    keep_uploads: Annotated[
        Path | None,
        typer.Option(
            help="Folder for photos that visitors send and ask to keep; default: none is kept."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name of a proxy in front of this server; repeatable."),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
) -> None:
    """Search photos on a page, and see which word looked where.

    Only this machine can reach it. With another --host other machines can as well, if they show
    the token that is printed; set REGARD_TOKEN to choose one. The same holds behind a proxy named
    with --allow-host. Photos indexed while it runs are announced on the page.

        regard serve

        regard serve --index pictures.index --open

        regard serve --host 0.0.0.0

        regard serve --allow-host photos.example.org

        regard serve --keep-uploads ~/Pictures/sent
    """
    import socket
    from dataclasses import replace

    from regard.search import Index
    from regard.search.captions import BUILT_IN
    from regard.web.app import create_app
    from regard.web.keeping import prepare_folder
    from regard.web.sentences import read_sentences

    config = make_config(host, port, allow_host or ())
    with Index.open(index_folder) as index, socket.socket(_family(host)) as listener:
        _bind(listener, host, port)
        if keep_uploads is not None:
            config = replace(config, keep_uploads=prepare_folder(keep_uploads, index))
        app = create_app(index, config, read_sentences(captions or BUILT_IN))
        address = page_address(host, listener.getsockname()[1], config.token)
        _tell(index, address, config)
        if open_page:
            typer.launch(address)
        _run(app, listener, behind_proxy=bool(config.allow_hosts))


def _tell(index: "Index", address: str, config: "ServeConfig") -> None:
    """Say what is served, and where."""
    notes.print(f"{len(index)} photos. Open [bold]{address}[/bold]  (stop with Ctrl+C)")
    for name in config.allow_hosts:
        notes.print(f"Through the proxy: [bold]https://{name}/?token={config.token}[/bold]")
    notes.print(f"Model that answers: {index.model.source}", markup=False, soft_wrap=True)


def _run(app: "FastAPI", listener: "socket", *, behind_proxy: bool) -> None:
    """Answer requests until stopped; a proxy on this machine is believed who asks through it."""
    import uvicorn

    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=behind_proxy,
    )
    uvicorn.Server(settings).run(sockets=[listener])


def make_config(host: str, port: int, allow_hosts: Sequence[str] = ()) -> "ServeConfig":
    """Settings for an address: where others can reach it with a token, the chosen or a new one."""
    import os
    import secrets

    from regard.web.config import ServeConfig, is_loopback

    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is None and (allow_hosts or not is_loopback(host)):
        token = secrets.token_urlsafe(24)
    return ServeConfig(host=host, port=port, token=token, allow_hosts=tuple(allow_hosts))


def page_address(host: str, port: int, token: str | None) -> str:
    """What to type into a browser on this machine."""
    from urllib.parse import quote

    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/" + (f"?token={quote(token)}" if token else "")


def _family(host: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bind(listener: "socket", host: str, port: int) -> None:
    """Take an address.

    Raises:
        ConfigError: it is taken or not this machine's.
    """
    import errno
    import socket

    from regard.errors import ConfigError

    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # whoever asks from now on waits for the answer
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"port {port} is in use; try --port {(port + 1) % 65536}."
        else:
            why = (
                f"{host}:{port} cannot be listened on ({error.strerror}); it must be an address "
                "of this machine. Choose another --host or --port."
            )
        raise ConfigError(why) from None
