"""A real server in a thread, asked over loopback: what the tests see is what users get."""

import contextlib
import socket
import threading
import time

import httpx
import uvicorn


@contextlib.contextmanager
def running(app, port=0):
    """Serve an application; yields its address."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        settings = uvicorn.Config(app, log_level="critical", access_log=False, ws="none")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)


@contextlib.contextmanager
def asked(app):
    """Serve an application; yields a client of it."""
    with running(app) as address:
        settings = {"base_url": address, "timeout": 120, "verify": False}  # nothing to verify
        with httpx.Client(**settings) as client:
            yield client
