"""Photos that somebody marked: set, taken back, and had as a list."""

from fastapi import APIRouter, Response

from regard.search import Filters
from regard.web.context import Client, Here, Local, SubjectId

router = APIRouter(tags=["favourites"])


@router.put("/favourites/{photo_id}", status_code=204)
async def mark(here: Here, client: Client, photo_id: SubjectId) -> Response:
    """Mark a photo of the index as a favourite."""
    return await _set(here, client, photo_id, on=True)


@router.delete("/favourites/{photo_id}", status_code=204)
async def unmark(here: Here, client: Client, photo_id: SubjectId) -> Response:
    """Mark it no longer."""
    return await _set(here, client, photo_id, on=False)


async def _set(here: Here, client: Client, photo_id: str, *, on: bool) -> Response:
    def job() -> None:
        here.library.favourites.mark(here.library.record(photo_id).id, on=on)

    await here.picture_gate.run(client, job)
    return Response(status_code=204)


@router.get(
    "/favourites.txt",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def export(here: Here, client: Client, *, local: Local) -> Response:
    """All favourites, a file a line, newest first: whole paths, or names on other machines."""

    def job() -> str:
        marked = here.library.favourites.ids()
        records = here.library.newest(Filters(among=marked))
        return "".join(f"{record.path if local else record.path.name}\n" for record in records)

    text = await here.picture_gate.run(client, job)
    headers = {"Content-Disposition": 'attachment; filename="favourites.txt"'}
    return Response(text, headers=headers, media_type="text/plain; charset=utf-8")
