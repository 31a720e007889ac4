"""The files behind photos: opened, downloaded, found on disk; one, or several at once."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from regard.photos.details import read_details
from regard.web import models
from regard.web.context import Client, Here, Local, OnlyHere, SubjectId, answer, chosen_ids
from regard.web.originals import read_file, show, zip_of
from regard.web.pictures import inside

router = APIRouter(tags=["files"])
MOST_FILES = 500


@router.get("/photos/{photo_id}/details", response_model=models.Details)
async def details(here: Here, client: Client, photo_id: SubjectId, *, local: Local) -> Response:
    """With what and how a photo was taken, and on this machine where its file is."""

    def job() -> models.Details:
        record = here.library.record(photo_id)
        path = inside(record.path, here.library.roots())
        told = read_details(path)
        where = str(record.path) if local else None
        return models.Details(path=where, bytes=record.size, **told._asdict())

    return answer(await here.picture_gate.run(client, job))


@router.get(
    "/photos/{photo_id}/file",
    response_class=Response,
    responses={200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def file(
    *,
    here: Here,
    client: Client,
    photo_id: SubjectId,
    local: Local,
    download: Annotated[bool, Query(description="To be saved, not shown.")] = False,
) -> Response:
    """The photo as it is on this machine; elsewhere as a JPEG in full size, without metadata."""

    def job() -> Response:
        sent = read_file(here.library.record(photo_id), here.library.roots(), local=local)
        how = "attachment" if download else "inline"
        headers = {"Content-Disposition": f"{how}; filename*=UTF-8''{quote(sent.name)}"}
        return Response(sent.data, headers=headers, media_type=sent.media_type)

    return await here.picture_gate.run(client, job)


@router.post("/photos/{photo_id}/show", status_code=204, dependencies=[OnlyHere])
async def show_file(here: Here, client: Client, photo_id: SubjectId) -> Response:
    """Show a photo's file in the file manager; from this machine only."""

    def job() -> None:
        show(inside(here.library.record(photo_id).path, here.library.roots()))

    await here.picture_gate.run(client, job)
    return Response(status_code=204)


@router.post("/files/paths", response_model=models.Paths, dependencies=[OnlyHere])
async def paths(here: Here, client: Client, body: models.Chosen) -> Response:
    """Where the files of some photos are; from this machine only."""

    def job() -> models.Paths:
        records = [here.library.record(photo_id) for photo_id in body.ids]
        return models.Paths(paths=[str(record.path) for record in records])

    return answer(await here.picture_gate.run(client, job))


@router.get(
    "/files.zip",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def archive(
    *,
    here: Here,
    client: Client,
    local: Local,
    ids: Annotated[str, chosen_ids(MOST_FILES)],
) -> Response:
    """Several photos as one zip, each as `file` gives it; those whose file is gone are left out."""

    def job() -> Iterator[bytes]:
        records = [here.library.record(photo_id) for photo_id in dict.fromkeys(ids.split(","))]
        return zip_of(records, here.library.roots(), local=local)

    pieces = await here.picture_gate.run(client, job)
    headers = {"Content-Disposition": 'attachment; filename="photos.zip"'}
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")
