"""The page itself: the built bundle, read once at start and sent from memory."""

import hashlib
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Header, Response

from regard.errors import StoreError
from regard.web.context import unless_unchanged
from regard.web.problems import ProblemError

STATIC = Path(__file__).with_name("static")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
IfNoneMatch = Annotated[str | None, Header(include_in_schema=False)]


class _File(NamedTuple):
    data: bytes
    tag: str
    media_type: str


def page_router(folder: Path = STATIC) -> APIRouter:
    """Routes of the page's files; nothing else can be asked for.

    Raises:
        StoreError: the bundle is not there.
    """
    files = {
        path.name: _File(data, f'"{hashlib.sha256(data).hexdigest()[:20]}"', _TYPES[path.suffix])
        for path in sorted(folder.glob("*.*"))
        for data in [path.read_bytes()]
    }
    if "index.html" not in files:
        raise StoreError(
            f"the page's files are not in {folder}; they must be built. "
            "Run `make ui-check`, or install Regard anew."
        )
    router = APIRouter(include_in_schema=False)

    def send(name: str, given: str | None) -> Response:
        file = files.get(name)
        if file is None:
            raise ProblemError(
                404, f"{name!r} is not part of the page", "the page may be old", "Reload it."
            )
        headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
        if unless_unchanged(given, file.tag):
            return Response(status_code=304, headers=headers)
        return Response(file.data, headers=headers, media_type=file.media_type)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(if_none_match: IfNoneMatch = None) -> Response:
        return send("index.html", if_none_match)

    @router.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def static(name: str, if_none_match: IfNoneMatch = None) -> Response:
        return send(name, if_none_match)

    return router
