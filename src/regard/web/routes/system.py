"""What is served, whether it runs, and how it does."""

import shlex
from pathlib import Path

from fastapi import APIRouter, Response

from regard.web import models
from regard.web.context import Client, Here, Local, answer
from regard.web.measures import MEDIA_TYPE
from regard.web.ranking import MOST_WEIGHT

router = APIRouter(tags=["system"])


@router.get("/stats", response_model=models.Stats)
async def stats(here: Here, client: Client, *, local: Local) -> Response:
    """How many photos there are, in which folders, of which time; the model and the limits."""

    def job() -> models.Stats:
        overview = here.library.overview()
        first, last = overview.first_taken, overview.last_taken
        scoring = here.model.scoring
        return models.Stats(
            photos=len(here.library.index),
            folders=overview.folders,
            first_taken=first.isoformat() if first else None,
            last_taken=last.isoformat() if last else None,
            model=here.model.identity,
            direction=scoring.direction,
            temperature=scoring.lambda_softmax,
            most_weight=MOST_WEIGHT,
            sentences=len(here.sentences),
            upload_bytes=here.config.upload_bytes,
            upload_pixels=here.config.upload_pixels,
            keeps_uploads=here.keeper is not None,
            is_local=local,
            index_command=_index_command(here.library.index.folder, local=local),
        )

    return answer(await here.search_gate.run(client, job))


def _index_command(folder: Path, *, local: bool) -> str:
    """What adds photos to this index; its place is nobody's business on other machines."""
    index = shlex.quote(str(folder.absolute())) if local else "INDEX"
    return f"regard index PHOTOS --index {index}"


@router.get("/health", response_model=models.Health)
async def health() -> Response:
    """That the server runs; needs no token."""
    return answer(models.Health())


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(here: Here) -> Response:
    """Counters for Prometheus."""
    return Response(here.measures.text(), headers={"Content-Type": MEDIA_TYPE})
