"""Folders added from the page, from the server's machine alone."""

from fastapi import APIRouter, Response

from regard.web import models
from regard.web.context import Client, Here, OnlyHere, answer

router = APIRouter(tags=["folders"], dependencies=[OnlyHere])


@router.get("/indexing", response_model=models.Indexing)
async def indexing(here: Here) -> Response:
    """How far the folder is that was added last; from this machine only."""
    return answer(here.indexer.state())


@router.post("/folders", response_model=models.Indexing, status_code=202)
async def add_folder(here: Here, client: Client, body: models.NewFolder) -> Response:
    """Begin to index a folder of this machine; `indexing` tells how far it is."""
    begun = await here.search_gate.run(client, lambda: here.indexer.start(body.folder))
    reply = answer(begun)
    reply.status_code = 202
    return reply
