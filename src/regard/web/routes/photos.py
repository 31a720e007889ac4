"""One photo: its picture, which word looked where, sentences for it, photos like it."""

import io
import warnings
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from PIL import Image

from regard.core.scoring import Scoring
from regard.explain.explanation import Explanation
from regard.search.encoded_query import EncodedQuery
from regard.web import models, wording
from regard.web.context import Client, Context, Here, SubjectId, answer, unless_unchanged
from regard.web.pictures import inside, reduce
from regard.web.routes.search import Sentence, hits_of
from regard.web.subjects import Subject, is_upload

router = APIRouter(prefix="/photos", tags=["photos"])


class Size(IntEnum):
    """Heights a picture comes in; the width is at most one and a half times that."""

    TINY = 240
    SMALL = 320
    MEDIUM = 640
    LARGE = 1600
    WHOLE = 6000


@dataclass
class Choice:
    """A sentence, and how the photo and it are compared."""

    q: Sentence
    direction: Annotated[
        models.Direction | None,
        Query(description="Who attends: words (t2i) or regions (i2t); else as the model does."),
    ] = None
    temperature: Annotated[
        float | None, Query(ge=0.1, le=100, description="λ1; else the model's own.")
    ] = None


IfNoneMatch = Annotated[str | None, Header(include_in_schema=False)]
_A_YEAR = "private, max-age=31536000, immutable"


@router.get("/{photo_id}", response_model=models.Photo)
async def photo(here: Here, client: Client, photo_id: SubjectId) -> Response:
    """Name, folder, size and date of a photo."""
    return answer(await here.search_gate.run(client, lambda: here.subject(photo_id).photo))


@router.get(
    "/{photo_id}/thumbnail",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def thumbnail(
    here: Here,
    client: Client,
    photo_id: SubjectId,
    size: Size = Size.SMALL,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A reduced picture without metadata; the same id is always the same picture."""
    tag = f'"{photo_id}-{size:d}"'

    def job() -> bytes | None:
        if is_upload(photo_id):
            return reduce(here.uploads.get(photo_id).picture, size)
        record = here.library.record(photo_id)
        if unless_unchanged(if_none_match, tag):
            inside(record.path, here.library.roots())
            return None
        return here.thumbnails.get(record, size, here.library.roots())

    picture = await here.picture_gate.run(client, job)
    if is_upload(photo_id):
        return Response(picture, media_type="image/jpeg")  # no browser keeps it
    headers = {"ETag": tag, "Cache-Control": _A_YEAR}
    if picture is None:
        return Response(status_code=304, headers=headers)
    return Response(picture, headers=headers, media_type="image/jpeg")


# ---- explanations


def explain_subject(context: Context, subject: Subject, choice: Choice) -> models.Explained:
    """A photo's similarity with a query, taken apart, as the API tells of it."""
    query, scoring, explanation = _explain(context, subject, choice)
    return models.Explained(
        photo=subject.photo,
        sentence=choice.q,
        similarity=explanation.similarity,
        probability=wording.probability(query, subject.regions, explanation.similarity, scoring),
        direction=scoring.direction,
        temperature=scoring.lambda_softmax,
        is_default=scoring == context.model.scoring,
        words=wording.words_of(query),
        maps=wording.maps_of(explanation),
    )


def _explain(
    context: Context, subject: Subject, choice: Choice
) -> tuple[EncodedQuery, Scoring, Explanation]:
    query = EncodedQuery.of(context.model, wording.parse(context.library.meant(choice.q)))
    scoring = wording.rescored(context.model.scoring, choice.direction, choice.temperature)
    return query, scoring, query.explain_whole(subject.regions, scoring)


@router.get("/{photo_id}/explain", response_model=models.Explained)
async def explain(
    here: Here,
    client: Client,
    photo_id: SubjectId,
    choice: Annotated[Choice, Depends()],
) -> Response:
    """The similarity of a photo and a sentence as the sum of its words' shares, with maps."""

    def job() -> models.Explained:
        return explain_subject(here, here.subject(photo_id), choice)

    return answer(await here.search_gate.run(client, job))


@router.get(
    "/{photo_id}/figure.{kind}",
    response_class=Response,
    responses={
        200: {
            "content": {
                "image/png": {"schema": {"type": "string", "format": "binary"}},
                "image/svg+xml": {"schema": {"type": "string"}},
            }
        }
    },
)
async def figure(
    here: Here,
    client: Client,
    photo_id: SubjectId,
    kind: Literal["png", "svg"],
    choice: Annotated[Choice, Depends()],
) -> Response:
    """The paper's figure: the photo, and one panel a word."""

    def job() -> bytes:
        explanation = _explain(here, here.subject(photo_id), choice)[2]
        return _draw(explanation, _picture(here, photo_id), choice.q, kind)

    drawn = await here.picture_gate.run(client, job)
    media_type = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    headers = {"Content-Disposition": f'attachment; filename="regard-{photo_id}.{kind}"'}
    return Response(drawn, headers=headers, media_type=media_type)


def _picture(context: Context, photo_id: str) -> Image.Image:
    """The pixels of a photo or an upload."""
    if is_upload(photo_id):
        data = context.uploads.get(photo_id).picture
    else:
        record = context.library.record(photo_id)
        data = context.thumbnails.get(record, 640, context.library.roots())
    return Image.open(io.BytesIO(data))


def _draw(explanation: Explanation, picture: Image.Image, q: str, kind: str) -> bytes:
    from regard.explain.figure import draw_figure  # matplotlib takes half a second to import

    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        stamp = {"Date": None} if kind == "svg" else None
        draw_figure(explanation, picture, q).savefig(out, format=kind, metadata=stamp)
    return out.getvalue()


# ---- sentences and photos like it


@router.get("/{photo_id}/captions", response_model=models.Captions)
async def captions(
    here: Here,
    client: Client,
    photo_id: SubjectId,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Response:
    """The best of the server's sentences for a photo, each explained."""

    def job() -> models.Captions:
        return here.sentences.best(here.subject(photo_id), limit)

    return answer(await here.search_gate.run(client, job))


@router.post("/{photo_id}/captions", response_model=models.Captions)
async def captions_among(
    here: Here, client: Client, photo_id: SubjectId, body: models.CaptionsRequest
) -> Response:
    """The best of one's own sentences for a photo, each explained."""

    def job() -> models.Captions:
        return here.sentences.best(here.subject(photo_id), body.limit, body.sentences)

    return answer(await here.search_gate.run(client, job))


@router.get("/{photo_id}/similar", response_model=models.Similar)
async def similar(
    here: Here,
    client: Client,
    photo_id: SubjectId,
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> Response:
    """The photos of the index that look most like one."""

    def job() -> models.Similar:
        with here.library.looking_up(photo_id):
            like = here.uploads.get(photo_id).subject.regions if is_upload(photo_id) else photo_id
            result = here.library.index.similar(like, limit)
        return models.Similar(hits=hits_of(here, result.hits, {}))

    return answer(await here.search_gate.run(client, job))
