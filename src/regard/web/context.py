"""Everything a request may need, made once per server."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel

from regard.search import Filters, Index, PhotoRecord
from regard.search.snapshot import Snapshot
from regard.web import models
from regard.web.config import ServeConfig, is_loopback
from regard.web.gate import Gate
from regard.web.indexer import Indexer
from regard.web.keeping import Keeper
from regard.web.library import Library
from regard.web.measures import Measures
from regard.web.pictures import Thumbnails
from regard.web.problems import ProblemError
from regard.web.recent import Recent
from regard.web.sentences import SentenceRanker
from regard.web.subjects import ID_PATTERN, Subject, Uploads, is_upload
from regard.web.suggest import spread_out

_SAMPLE = 64  # photos the suggestions are drawn from
_SUGGESTED = 6


class Context:
    """The parts of a server.

    Args:
        sentences: what `captions` ranks when it is given none.
    """

    def __init__(self, index: Index, config: ServeConfig, sentences: Sequence[str]) -> None:
        limits = (config.jobs, config.waiting, config.per_client, config.patience)
        self.config = config
        self.model = index.model
        self.library = Library(index)
        self.indexer = Indexer(self.library)
        self.thumbnails = Thumbnails(index.folder)
        self.uploads = Uploads(index.model, config)
        keep = config.keep_uploads
        self.keeper = Keeper(keep, index) if keep is not None else None
        self.sentences = SentenceRanker(index.model, sentences)
        self.search_gate = Gate(*limits)
        """Searches, explanations and uploads."""
        self.picture_gate = Gate(*limits)
        """Thumbnails and figures."""
        gates = {"search": self.search_gate, "picture": self.picture_gate}
        self.measures = Measures(self.library, gates)
        self._suggesting = threading.Lock()
        self._suggestions: Recent[models.Suggestions] = Recent(1)

    def prepare(self) -> None:
        """Have ready what first visits wait for: suggestions, the dictionary, the photos."""
        self.suggestions()
        self.library.read("mispelt")
        self.library.index.search("a photo", 1)

    def suggestions(self) -> models.Suggestions:
        """Sentences that fit photos of the index; worked out once after each change."""
        with self._suggesting, self.library.index.snapshot() as snapshot:
            work = partial(self._suggest, snapshot)
            return self._suggestions.of(snapshot.generation, "", work)

    def _suggest(self, snapshot: Snapshot) -> models.Suggestions:
        records = self.library.newest_of(snapshot, Filters())
        sample = [records[place] for place in spread_out(len(records), _SAMPLE)]
        subjects = [self._subject(snapshot, record) for record in sample]
        suggestions = self.sentences.suggest(subjects, _SUGGESTED)
        return models.Suggestions(suggestions=suggestions)

    def subject(self, subject_id: str) -> Subject:
        """What an id stands for, with its regions.

        Raises:
            ProblemError: 404, nothing.
        """
        if is_upload(subject_id):
            return self.uploads.get(subject_id).subject
        with self.library.looking_up(subject_id) as snapshot:
            return self._subject(snapshot, snapshot.photo(subject_id))

    def _subject(self, snapshot: Snapshot, record: PhotoRecord) -> Subject:
        return Subject(self.library.describe(record), snapshot.regions(record.id))


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_local(request: Request) -> bool:
    """Whether a reader sits at this machine; one who comes through a proxy may sit anywhere."""
    config: ServeConfig = request.app.state.context.config
    return not config.allow_hosts and is_loopback(_client(request))


def _require_local(request: Request) -> None:
    """Refuse what is for this machine's readers alone.

    Raises:
        ProblemError: 403, the reader is elsewhere.
    """
    if not _is_local(request):
        raise ProblemError(
            403,
            "this works only on the machine the server runs on",
            "you are at another one",
            "Download the photo instead.",
        )


Here = Annotated[Context, Depends(_context)]
Client = Annotated[str, Depends(_client)]
Local = Annotated[bool, Depends(_is_local)]
"""Whether the reader sits at this machine."""
OnlyHere = Depends(_require_local)
SubjectId = Annotated[str, Path(pattern=ID_PATTERN, description="Of a photo or an upload.")]


def chosen_ids(most: int) -> Any:
    """The parameter that names several photos."""
    return Query(
        pattern="^[0-9a-f]{16}(,[0-9a-f]{16})*$",
        max_length=17 * most,
        description=f"Of photos of the index, {most} at most, parted by commas.",
    )


def answer(body: BaseModel) -> Response:
    """A typed body as JSON; it is right by construction and not checked again."""
    return Response(body.model_dump_json(), media_type="application/json")


def unless_unchanged(given: str | None, tag: str) -> Response | None:
    """304 when the asker has this already, else None."""
    tags = {part.strip().removeprefix("W/") for part in (given or "").split(",")}
    return Response(status_code=304, headers={"ETag": tag}) if tags & {tag, "*"} else None
