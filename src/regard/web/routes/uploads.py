"""A reader's own photo: looked at, explained, and forgotten, unless it is to be kept."""

import anyio
from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from regard.web import models
from regard.web.config import ServeConfig
from regard.web.context import Client, Context, Here, answer
from regard.web.problems import ProblemError
from regard.web.routes.photos import Choice, explain_subject

router = APIRouter(tags=["uploads"])
_CAPTIONS = 5


@router.post(
    "/uploads",
    response_model=models.Upload,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The photo's bytes.",
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    request: Request,
    here: Here,
    client: Client,
    q: str = Query("", max_length=500, description="A sentence to explain the photo with."),
    *,
    keep: bool = Query(False, description="Write it into the server's folder for uploads."),
) -> Response:
    """Look at a photo; its id then works like one of the index, until it expires."""
    if keep and here.keeper is None:
        raise ProblemError(
            403,
            "this server keeps no uploads",
            "`keep` must be left out",
            "Start the server with `regard serve --keep-uploads FOLDER` to keep them.",
        )
    data = await _receive(request, here.config)

    def job() -> models.Upload:
        subject = here.uploads.add(data).subject
        explained = explain_subject(here, subject, Choice(q)) if q.strip() else None
        best = here.sentences.best(subject, _CAPTIONS)
        return models.Upload(
            photo=subject.photo,
            expires_in=here.config.upload_lifetime,
            kept=_keep(here, data) if keep else None,
            explanation=explained,
            captions=best.captions,
            verdict=best.verdict,
        )

    return answer(await here.search_gate.run(client, job))


def _keep(context: Context, data: bytes) -> models.Kept:
    """Keep a photo that has been decoded, and find it from now on."""
    assert context.keeper is not None
    kept = context.keeper.keep(data)
    context.library.follow()
    return kept


async def _receive(request: Request, limits: ServeConfig) -> bytes:
    """The body, as far as it is neither too large nor too slow.

    Raises:
        ProblemError: 408, 413, or 422 when there is none.
    """
    too_large = ProblemError(
        413,
        "the photo is too large",
        f"at most {limits.upload_bytes / 1e6:g} MB can be sent",
        "Make it smaller first.",
    )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.upload_bytes:
        raise too_large
    received = bytearray()
    try:
        with anyio.fail_after(limits.upload_seconds):
            async for part in request.stream():
                received += part
                if len(received) > limits.upload_bytes:
                    raise too_large
    except TimeoutError:
        raise ProblemError(
            408,
            f"the upload took more than {limits.upload_seconds:g} s",
            "the server waits no longer",
            "Make the photo smaller, or use a faster connection.",
        ) from None
    except ClientDisconnect:
        raise ProblemError(
            422, "the upload broke off", "only part of it arrived", "Send it again."
        ) from None
    if not received:
        raise ProblemError(422, "the upload is empty", "a photo is needed", "Send its bytes.")
    return bytes(received)
