"""The web application: `create_app(index)` joins routes, limits and the page.

The import does nothing; everything a server holds is made by the factory.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

import regard
from regard.kernels.workers import one_product_a_thread
from regard.search import Index
from regard.web import problems
from regard.web.config import ServeConfig
from regard.web.context import Context
from regard.web.measures import Measured
from regard.web.pages import page_router
from regard.web.routes import favourites, files, folders, photos, search, system, uploads
from regard.web.security import Guard
from regard.web.sentences import read_sentences

API = "/api/v1"
_STATUSES = (401, 403, 404, 409, 413, 415, 422, 429, 503)
_log = logging.getLogger(__name__)


class _Compressed:
    """ASGI middleware that compresses text, but neither pictures nor streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._gzip = GZipMiddleware(app, minimum_size=1000, compresslevel=4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer through the one or the other."""
        path = scope.get("path", "")
        plain = path.endswith(("/thumbnail", "/figure.png", "/stream", "/file", ".zip"))
        await (self._plain if plain else self._gzip)(scope, receive, send)


def create_app(
    index: Index, config: ServeConfig | None = None, sentences: Sequence[str] | None = None
) -> FastAPI:
    """The application that serves an index.

    Args:
        index: open; the caller closes it.
        config: address, token and limits.
        sentences: what `captions` ranks when it is given none; None takes the built-in list.
    """
    config = config or ServeConfig()
    context = Context(index, config, sentences if sentences is not None else read_sentences())
    app = FastAPI(
        title="Regard",
        version=regard.__version__,
        description="Search photos by sentence and see which word looked where.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # the usual pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.context = context
    for routes in (search, photos, files, favourites, folders, uploads, system):
        app.include_router(routes.router, prefix=API, responses=_problem_responses())
    app.include_router(page_router())
    problems.install(app)
    _describe_problems(app)
    app.add_middleware(_Compressed)
    app.add_middleware(Guard, config=config)
    app.add_middleware(Measured, measures=context.measures)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow changes of the index for as long as the server runs.

    Several visitors are answered at once, so every answer multiplies on its own thread.
    """
    context: Context = app.state.context
    tasks = [asyncio.create_task(work(context)) for work in (_follow, _warm)]
    try:
        with one_product_a_thread():
            yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _warm(context: Context) -> None:
    try:
        await anyio.to_thread.run_sync(context.prepare)
    except Exception:  # noqa: BLE001 - whoever asks is told
        _log.exception("What first visits wait for could not be prepared.")


async def _follow(context: Context) -> None:
    ids = {record.id for record in await anyio.to_thread.run_sync(context.library.index.photos)}
    await anyio.to_thread.run_sync(context.thumbnails.prune, ids)
    while True:
        await asyncio.sleep(context.config.refresh)
        try:
            await anyio.to_thread.run_sync(context.library.follow)
        except Exception:  # noqa: BLE001 - a broken refresh must not end the server
            _log.exception("The index could not be refreshed; the state before is served.")


# ---- OpenAPI


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    """The errors every route may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    content = {problems.MEDIA_TYPE: schema}
    return {
        status: {"description": problems.TITLES[status], "content": content} for status in _STATUSES
    }


def _describe_problems(app: FastAPI) -> None:
    """Add the schema of problems, which no route returns by itself, and drop FastAPI's own."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = plain()
            schemas = description["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = problems.Problem.model_json_schema()
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
