"""What the server counts, in Prometheus' format."""

import time
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.web.gate import Gate
from regard.web.library import Library

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measures:
    """Counters of one server; several may live in one process."""

    def __init__(self, library: Library, gates: dict[str, Gate]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "regard_http_requests",
            "Requests answered.",
            ["route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "regard_http_request_seconds",
            "Time from request to the answer's end.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        photos = Gauge("regard_index_photos", "Photos searched.", registry=self._registry)
        photos.set_function(lambda: len(library.index))
        for name, kind in (
            ("running", "Jobs worked on."),
            ("waiting", "Requests that stand in line."),
            ("refused", "Requests turned away since the start."),
        ):
            gauge = Gauge(f"regard_jobs_{name}", kind, ["gate"], registry=self._registry)
            for label, gate in gates.items():
                gauge.labels(label).set_function(partial(getattr, gate, name))

    def count(self, route: str, status: int, seconds: float) -> None:
        """Note one answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything counted, in Prometheus' text format."""
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware that counts answers by route (its handler's name) and status."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and count it; addresses that are no route count together."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            route = getattr(scope.get("endpoint"), "__name__", "other")
            self._measures.count(route, status, time.perf_counter() - began)
