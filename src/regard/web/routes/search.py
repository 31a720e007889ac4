"""Photos for a sentence, the newest photos, and long lists as a stream."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from regard.search import Filters, PhotoRecord
from regard.search.catalog import Orientation
from regard.search.index import Sort
from regard.search.part import Box, part_of
from regard.search.result import Hit
from regard.search.understanding import Understood
from regard.web import models, wording
from regard.web.context import Client, Context, Here, answer, chosen_ids
from regard.web.library import Library
from regard.web.problems import ProblemError
from regard.web.ranking import MOST_WEIGHT, Ask, Like, Ranking
from regard.web.subjects import ID_PATTERN

router = APIRouter(tags=["search"])

NOTHING = Understood("")  # of no query

Sentence = Annotated[
    str,
    Query(
        min_length=1,
        max_length=500,
        description="A sentence, or several with weights: `a dog; 2: grass; -1: a leash`.",
    ),
]
ChosenIds = Annotated[str, chosen_ids(100)]
Weights = Annotated[
    str | None,
    Query(
        max_length=1000,
        description=f"A number from 0 to {MOST_WEIGHT:g} for every word of the answer, parted by "
        "commas: only chosen words count, as much as given; attention stays that of the whole "
        "sentence.",
    ),
]


@dataclass
class Page:
    """Which part of a list is wanted."""

    offset: Annotated[int, Query(ge=0, le=100_000)] = 0
    limit: Annotated[int, Query(ge=1, le=100)] = 40


@dataclass
class Where:
    """Which photos are looked among."""

    folder: Annotated[
        str, Query(max_length=1000, description="As `stats` lists them; with all below it.")
    ] = ""
    since: Annotated[
        date | None, Query(description="First day, YYYY-MM-DD; leaves out undated photos.")
    ] = None
    until: Annotated[
        date | None, Query(description="Last day, YYYY-MM-DD; leaves out undated photos.")
    ] = None
    shape: Annotated[Orientation | None, Query()] = None
    favourites: Annotated[bool, Query(description="Only photos that somebody marked.")] = False

    def filters(self, library: Library, meant: Understood = NOTHING) -> Filters:
        """The index's filters, with the time and the colour that a query names.

        Raises:
            ProblemError: 422, there is no such folder.
        """
        span = meant.span
        since = max(filter(None, (self.since, span.since)), default=None)
        until = min(filter(None, (self.until, span.until)), default=None)
        given = self.folder, since, until, self.shape
        return library.filters(*given, favourites=self.favourites, tone=meant.tone)


@dataclass
class Wanted:
    """A sentence that photos are to fit, a photo or part of one they are to look like, or both."""

    q: Annotated[
        str, Query(max_length=500, description="As for `stream`; may be empty with `like`.")
    ] = ""
    like: Annotated[
        str, Query(pattern=f"^$|{ID_PATTERN}", description="Id of a photo or an upload.")
    ] = ""
    box: Annotated[
        str,
        Query(
            max_length=80,
            description="The part of it that counts: x,y,width,height, parts of the photo's width "
            "and height from 0 to 1.",
        ),
    ] = ""

    def part(self, here: Context) -> Like | None:
        """Its regions; None where no photo is named.

        Raises:
            ProblemError: 404, there is no such photo.
            DataError: the box is none.
        """
        if not self.like:
            return None
        box = Box.parse(self.box) if self.box else None
        return Like(self.like, box, part_of(here.subject(self.like).regions, box))


def _parse_weights(text: str | None) -> tuple[float, ...] | None:
    if not text:
        return None
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = (-1.0,)
    if not all(0 <= weight <= MOST_WEIGHT for weight in weights):
        raise ProblemError(
            422,
            f"weights are {text[:80]!r}",
            f"they must be numbers from 0 to {MOST_WEIGHT:g} with commas between",
            "Correct them.",
        )
    return weights


def hits_of(
    context: Context, hits: Sequence[Hit], alike: Mapping[str, str], *, maps: bool = False
) -> list[models.Hit]:
    """Hits of one query as the API tells of them, explained or not."""
    glances = hits[0].query.glance([hit.regions for hit in hits]) if hits else []
    return [
        models.Hit(
            photo=context.library.describe(hit.photo),
            similarity=round(hit.similarity, 6),
            probability=hit.judgement.probability,
            match_probability=hit.judgement.match_probability,
            maps=wording.maps_of(hit.query.explain_whole(hit.regions)) if maps else None,
            unsupported=glance.unsupported,
            read=glance.read,
            alike=alike.get(hit.photo.id),
            is_read=hit.is_read,
        )
        for hit, glance in zip(hits, glances, strict=True)
    ]


def _time(meant: Understood) -> models.Time | None:
    """The time that a query names; None where it names none."""
    if not meant.said:
        return None
    since, until = (day.isoformat() if day else None for day in meant.span)
    return models.Time(said=meant.said, rest=meant.rest, since=since, until=until)


def _tone(meant: Understood) -> models.Tone | None:
    """The colour of whole photos that a query names; None where it names none."""
    if meant.tone is None:
        return None
    return models.Tone(name=meant.tone, said=meant.tone_said, rest=meant.untoned)


def _answer(
    here: Context,
    typed: str,
    meant: Understood,
    ranking: Ranking | None,
    total: int,
    *,
    offset: int = 0,
    seconds: float = 0,
    hits: Sequence[models.Hit] = (),
) -> models.Search:
    """A part of a list; it has no ranking where nobody asked for the photos by a sentence."""
    words, verdict = [], None
    if ranking:
        words, result = ranking.words, ranking.result
        verdict = wording.verdict_of("photos", result.verdict, result.match_probability)
    return models.Search(
        query=typed,
        read_as=meant.read_as,
        language=meant.language,
        time=_time(meant),
        tone=_tone(meant),
        indexed=len(here.library.index),
        words=words,
        verdict=verdict,
        total=total,
        offset=offset,
        seconds=seconds,
        hits=list(hits),
    )


@router.get("/search", response_model=models.Search)
async def search(
    *,
    here: Here,
    client: Client,
    wanted: Annotated[Wanted, Depends()],
    page: Annotated[Page, Depends()],
    where: Annotated[Where, Depends()],
    maps: Annotated[bool, Query(description="Explain every hit.")] = False,
    sort: Sort = "relevance",
    weights: Weights = None,
) -> Response:
    """The photos that fit a sentence best, look most like a photo or a part of one, or both."""
    chosen = _parse_weights(weights)

    def job() -> models.Search:
        began, end = time.perf_counter(), page.offset + page.limit
        meant = here.library.read(wanted.q)
        filters = where.filters(here.library, meant)
        if not wanted.like and wanted.q.strip() and not meant.text:
            return _newest(here, filters, page, wanted.q, meant)  # a filter and nothing else
        ask = Ask(meant.text, filters, sort, chosen, wanted.part(here))
        ranking = here.library.ranker.rank(ask, end)
        seconds = time.perf_counter() - began
        mapped = maps and bool(ranking.query.sentences)
        found = ranking.result.hits[page.offset : end]
        hits = hits_of(here, found, ranking.alike, maps=mapped)
        known = here, wanted.q, meant, ranking, ranking.result.total
        return _answer(*known, offset=page.offset, seconds=seconds, hits=hits)

    return answer(await here.search_gate.run(client, job))


@router.get("/search/maps", response_model=models.Explanations)
async def search_maps(
    here: Here, client: Client, wanted: Annotated[Wanted, Depends()], ids: ChosenIds
) -> Response:
    """Which word of a search looked where in some photos, as `search` explains its hits."""

    def job() -> models.Explanations:
        text = here.library.read(wanted.q).text
        ask = Ask(text, Filters(), "relevance", None, wanted.part(here))
        explained = here.library.ranker.explain(ask, ids.split(","))
        maps = [
            models.MapsOf(id=photo_id, maps=wording.maps_of(explanation))
            for photo_id, explanation in explained.items()
        ]
        return models.Explanations(photos=maps)

    return answer(await here.search_gate.run(client, job))


@router.get(
    "/search/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def stream(
    here: Here,
    client: Client,
    q: Sentence,
    where: Annotated[Where, Depends()],
    limit: Annotated[int, Query(ge=1, le=100_000)] = 1000,
) -> Response:
    """Many hits as newline-delimited JSON: the search without hits, then a hit a line."""

    def job() -> tuple[Understood, Ranking]:
        meant = here.library.read(q)
        ask = Ask(meant.text, where.filters(here.library, meant), "relevance", None)
        return meant, here.library.ranker.rank(ask, limit)

    meant, ranking = await here.search_gate.run(client, job)

    def lines() -> Iterator[str]:
        head = _answer(here, q, meant, ranking, ranking.result.total)
        yield head.model_dump_json() + "\n"
        for start in range(0, min(limit, len(ranking.result.hits)), 100):
            part = ranking.result.hits[start : min(start + 100, limit)]
            yield "".join(hit.model_dump_json() + "\n" for hit in hits_of(here, part, {}))

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.get("/suggestions", response_model=models.Suggestions)
async def suggestions(here: Here, client: Client) -> Response:
    """A few sentences that fit photos of this index, to begin with."""
    return answer(await here.search_gate.run(client, here.suggestions))


@router.get("/things", response_model=models.Things)
async def things(here: Here, client: Client) -> Response:
    """What photos of this index show, by what their regions look like; to suggest while typing."""
    return answer(await here.search_gate.run(client, here.library.things))


@router.get("/months", response_model=models.Months)
async def months(here: Here, client: Client, where: Annotated[Where, Depends()]) -> Response:
    """How many photos were taken in each month, and where they begin in `photos`."""

    def job() -> models.Months:
        return models.Months(months=here.library.months(where.filters(here.library)))

    return answer(await here.search_gate.run(client, job))


@router.get("/duplicates", response_model=models.Search)
async def duplicates(here: Here, client: Client, page: Annotated[Page, Depends()]) -> Response:
    """Photos that are nearly the same picture: each stack after its first, which is the newest."""

    def job() -> models.Search:
        began = time.perf_counter()
        records, alike = here.library.duplicates()
        answer = _listed(here, records, page, alike, seconds=time.perf_counter() - began)
        here.library.tell_apart(answer.hits)
        return answer

    return answer(await here.search_gate.run(client, job))


@router.get("/photos", response_model=models.Search)
async def newest(
    here: Here,
    client: Client,
    page: Annotated[Page, Depends()],
    where: Annotated[Where, Depends()],
) -> Response:
    """All photos, newest first and undated ones last."""

    def job() -> models.Search:
        return _newest(here, where.filters(here.library), page)

    return answer(await here.search_gate.run(client, job))


def _newest(
    here: Context, filters: Filters, page: Page, text: str = "", meant: Understood = NOTHING
) -> models.Search:
    """A page of the newest photos that pass.

    Args:
        text: the query that asks for a time or a colour and nothing else.
    """
    began = time.perf_counter()
    records, alike = here.library.newest(filters), here.library.kin()
    return _listed(
        here, records, page, alike, seconds=time.perf_counter() - began, text=text, meant=meant
    )


def _listed(
    here: Context,
    records: Sequence[PhotoRecord],
    page: Page,
    alike: Mapping[str, str],
    *,
    seconds: float,
    text: str = "",
    meant: Understood = NOTHING,
) -> models.Search:
    """A page of photos nobody asked for by a sentence."""
    hits = [
        models.Hit(
            photo=here.library.describe(record),
            similarity=0,
            probability=None,
            match_probability=None,
            maps=None,
            alike=alike.get(record.id),
        )
        for record in records[page.offset : page.offset + page.limit]
    ]
    known = here, text, meant, None, len(records)
    return _answer(*known, offset=page.offset, seconds=seconds, hits=hits)
