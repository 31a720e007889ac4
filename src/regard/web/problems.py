"""Errors as problem+json (RFC 9457), in the form of all of Regard's messages.

Besides the standard members a problem has `what` (what is wrong), `must` (what it has to be)
and `next` (what to do), which `detail` joins.
"""

import json
import re
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from regard.errors import PhotoError, RegardError, StoreError

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "No token",
    403: "Refused",
    404: "Not found",
    405: "Wrong method",
    408: "Too slow",
    409: "Out of date",
    413: "Too large",
    415: "Not a photo",
    422: "Cannot be understood",
    429: "Too many at once",
    500: "Internal error",
    503: "Busy",
}
_NAMES = {"q": "the sentence"}  # what people call parameters
_NO_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not found – Regard</title><link rel="stylesheet" href="/static/app.css"></head>
<body><main class="missing"><h1>There is no such page.</h1>
<p>The address may be cut off or mistyped.</p>
<p><a href="/">All photos</a></p></main></body>
</html>
"""


class Problem(BaseModel):
    """Why a request was not answered."""

    type: str = Field(description="Always about:blank: the status says the kind.")
    title: str = Field(description="The kind of problem, the same for every one of its status.")
    status: int
    detail: str = Field(description="`<what>; <must>. <next>`")
    what: str = Field(description="What is wrong.")
    must: str = Field(description="What it must be.")
    next: str = Field(description="What to do next.")


class ProblemError(RegardError):
    """An answer other than the one asked for.

    Args:
        status: HTTP status.
        what, must, next_step: the three parts of the message, without the stops between them.
        headers: to send besides.
    """

    def __init__(
        self,
        status: int,
        what: str,
        must: str,
        next_step: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{what}; {must}. {next_step}")
        self.status = status
        self.parts = (what, must, next_step)
        self.headers = headers


def split_message(message: str) -> tuple[str, str, str]:
    """The parts of "<what> is <value>; <what it must be>. <what to do next>."."""
    what, _, rest = message.partition("; ")
    must, _, next_step = rest.partition(". ")
    return what, must.rstrip("."), next_step


def problem(
    status: int, parts: tuple[str, str, str], headers: Mapping[str, str] | None = None
) -> Response:
    """The response that tells of a problem."""
    what, must, next_step = parts
    detail = f"{what}; {must}. {next_step}" if must else what
    body = Problem(
        type="about:blank",
        title=TITLES.get(status, "Problem"),
        status=status,
        detail=detail,
        what=what,
        must=must,
        next=next_step,
    )
    return Response(json.dumps(body.model_dump()), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of an app a problem."""

    @app.exception_handler(ProblemError)
    async def refused(_request: Request, error: ProblemError) -> Response:
        return problem(error.status, error.parts, error.headers)

    @app.exception_handler(RegardError)
    async def failed(_request: Request, error: RegardError) -> Response:
        status = 503 if isinstance(error, StoreError) else 422
        status = 415 if isinstance(error, PhotoError) else status
        return problem(status, split_message(str(error)))

    @app.exception_handler(RequestValidationError)
    async def misunderstood(_request: Request, error: RequestValidationError) -> Response:
        return problem(422, _of_validation(error))

    @app.exception_handler(HTTPException)
    async def raised(request: Request, error: HTTPException) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if error.status_code == 404 and wants_page:
            return Response(_NO_PAGE, 404, media_type="text/html; charset=utf-8")
        parts = (
            f"{request.method} {request.url.path} is not part of the API",
            "docs/api.md lists its addresses",
            "Look at /api/v1/openapi.json.",
        )
        return problem(error.status_code, parts, error.headers)

    @app.exception_handler(Exception)
    async def broken(_request: Request, _error: Exception) -> Response:
        parts = (
            "the server failed to answer",
            "this is its own fault",
            "Its log says why; please report it.",
        )
        return problem(500, parts)


def _of_validation(error: RequestValidationError) -> tuple[str, str, str]:
    """The first thing wrong with a request's parameters or body."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "body"
    name, limits = _NAMES.get(place, place), first.get("ctx", {})
    if first["type"] == "missing":
        return f"{name} is missing", "it is required", "Add it."
    if first["type"] == "string_too_long":
        length, most = len(first["input"]), limits["max_length"]
        return f"{name} has {length} characters", f"at most {most} can be read", "Shorten it."
    if first["type"] == "string_too_short":
        return f"{name} is empty", "it must have a word", "Write what the photo shows."
    reason = re.sub(r"^\w+ should", "it must", str(first["msg"]))
    given = repr(first.get("input"))
    shown = given if len(given) <= 80 else given[:77] + "..."
    return f"{name} is {shown}", reason, "Correct it."
