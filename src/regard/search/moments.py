"""Dates and spans of time in what people type: "july 2019", "last summer", "3 years ago".

Knows English and figures; what it finds is a span of days and the words that said so.
"""

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number].lower(), calendar.month_abbr[number].lower())
} | {"sept": 9}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # their first month
_MONTH, _SEASON = "|".join(sorted(_MONTHS, key=len, reverse=True)), "|".join(_SEASONS)
_YEAR = r"(?:19[5-9]\d|20\d\d)"
_UNIT = r"(day|week|month|year)s?"
_DAY = r"(?:\d{1,2})(?:st|nd|rd|th)?"
_JOINED = r"(?:\s+(?:of\s+)?|,\s*)"
# Without any of these no form fits, and compiling the forms takes longer than a small search
_HINT = re.compile(rf"\d|\b(?:last|this|past|ago|today|yesterday|{_MONTH})\b", re.IGNORECASE)


class Span(NamedTuple):
    """Days from one to another, both meant; None is open."""

    since: date | None
    until: date | None


class Moment(NamedTuple):
    """A span of time that a text names."""

    span: Span
    start: int
    """Where the words that name it begin in the text, and where they end."""
    end: int


def find_moment(text: str, today: date) -> Moment | None:
    """The first span of time that a text names, as people mean it on a day; None for none."""
    if not _HINT.search(text):
        return None
    found = [
        Moment(span, match.start(), match.end())
        for pattern, read in _FORMS
        for match in _compiled(pattern).finditer(text)
        if (span := _read(read, match, today)) is not None
    ]
    return min(found, key=lambda one: (one.start, -one.end), default=None)


def _read(
    read: Callable[[re.Match[str], date], Span | None], match: re.Match[str], today: date
) -> Span | None:
    """The span of a match; None where there is no such day."""
    try:
        return read(match, today)
    except (ValueError, OverflowError):
        return None


# ---- spans


def _month(year: int, month: int, months: int = 1) -> Span:
    """Some months from one on; months beyond December are those of the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    last = month + months - 1
    end_year, end_month = year + (last - 1) // 12, (last - 1) % 12 + 1
    days = calendar.monthrange(end_year, end_month)[1]
    return Span(date(year, month, 1), date(end_year, end_month, days))


def _year(year: int, years: int = 1) -> Span:
    return _month(year, 1, 12 * years)


def _point(text: str, today: date) -> Span:
    """A moment that stands at the end of a span: a day, a month or a year.

    Raises:
        ValueError: it is none.
    """
    for pattern, read in _POINTS:
        match = _compiled(pattern).fullmatch(text.strip())
        if match is not None:
            return read(match, today)
    raise ValueError(text)


def _iso(match: re.Match[str], _today: date) -> Span:
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if not day:
        return _month(year, month) if month <= 12 else _fail()
    return Span(date(year, month, day), date(year, month, day))


def _fail() -> Span:
    raise ValueError


def _dotted(match: re.Match[str], _today: date) -> Span:
    day, month, year = map(int, match.groups())
    return Span(date(year, month, day), date(year, month, day))


def _named_day(match: re.Match[str], _today: date) -> Span:
    parts = match.groupdict()
    day = int(re.sub(r"\D", "", parts["d1"] or parts["d2"]))
    on = date(int(parts["year"]), _MONTHS[(parts["m1"] or parts["m2"]).lower()], day)
    return Span(on, on)


def _named_month(match: re.Match[str], _today: date) -> Span:
    return _month(int(match["year"]), _MONTHS[match["month"].lower()])


def _season(match: re.Match[str], _today: date) -> Span:
    return _month(int(match["year"]), _SEASONS[match["season"].lower()], 3)


def _plain_year(match: re.Match[str], _today: date) -> Span:
    return _year(int(match["year"]))


def _decade(match: re.Match[str], today: date) -> Span:
    short = int(match["decade"])
    year = short if short > 100 else 1900 + short
    if short < 100 and year + 100 <= today.year:
        year += 100
    return _year(year, 10)


# ---- beside today


def _latest(first: Callable[[int], Span], today: date, *, over: bool) -> Span:
    """The latest of spans that come once a year: begun, or over before today."""
    span = first(today.year)
    ended = span.until if over else span.since
    return span if ended is not None and ended <= today else first(today.year - 1)


def _last_named(match: re.Match[str], today: date) -> Span:
    """A month or a season after last, this or past."""
    name, over = match["name"].lower(), match["which"].lower() != "this"
    if name in _SEASONS:
        return _latest(lambda year: _month(year, _SEASONS[name], 3), today, over=over)
    return _latest(lambda year: _month(year, _MONTHS[name]), today, over=over)


def _in_month(match: re.Match[str], today: date) -> Span:
    return _latest(lambda year: _month(year, _MONTHS[match["month"].lower()]), today, over=False)


def _last_unit(match: re.Match[str], today: date) -> Span | None:
    """As last week, this month, the last 3 years."""
    which, count = match["which"].lower(), match["count"]
    unit = match[3].lower()
    if count:
        return Span(_back(today, int(count), unit), today)
    back = 0 if which == "this" else 1
    if unit == "year":
        return _year(today.year - back)
    if unit == "month":
        return _month(today.year, today.month - back)
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return Span(monday, monday + timedelta(days=6))
    return None


def _ago(match: re.Match[str], today: date) -> Span:
    """3 years ago: that year; 2 weeks ago: that week; a day."""
    count = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}.get(match["count"].lower())
    unit, day = match[2].lower(), _back(today, count or int(match["count"]), match[2].lower())
    if unit == "year":
        return _year(day.year)
    if unit == "month":
        return _month(day.year, day.month)
    if unit == "week":
        return Span(day - timedelta(days=day.weekday()), day + timedelta(days=6 - day.weekday()))
    return Span(day, day)


def _back(today: date, count: int, unit: str) -> date:
    """The day some days, weeks, months or years before."""
    if unit in ("day", "week"):
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))


def _near_day(match: re.Match[str], today: date) -> Span:
    day = today - timedelta(days=int(match[1].lower() == "yesterday"))
    return Span(day, day)


# ---- from one to another


def _between(match: re.Match[str], today: date) -> Span:
    since, until = match["one"], match["other"]
    span = Span(_point(since, today).since, _point(until, today).until)
    return span if span.since is None or span.until is None or span.since <= span.until else _fail()


def _one_sided(match: re.Match[str], today: date) -> Span:
    point = _point(match["one"], today)
    word = match["word"].lower()
    if word == "before":
        return Span(None, point.since and point.since - timedelta(days=1))
    if word == "until":
        return Span(None, point.until)
    return Span(point.until + timedelta(days=1) if word == "after" and point.until else point.since,
                None)  # fmt: skip


@cache
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_POINTS = [
    (rf"({_YEAR})-(\d\d)(?:-(\d\d))?", _iso),
    (rf"(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?({_YEAR})", _dotted),
    (
        rf"(?:(?P<d1>{_DAY}){_JOINED}(?P<m1>{_MONTH})\.?|(?P<m2>{_MONTH})\.?\s+(?P<d2>{_DAY}))"
        rf"(?:,?\s+)(?P<year>{_YEAR})",
        _named_day,
    ),
    (rf"(?P<month>{_MONTH})\.?{_JOINED}(?P<year>{_YEAR})", _named_month),
    (rf"(?P<season>{_SEASON}){_JOINED}(?P<year>{_YEAR})", _season),
    (rf"(?P<year>{_YEAR})", _plain_year),
]
_POINT = rf"(?:[\w.]+{_JOINED}){{0,2}}{_YEAR}(?:-\d\d){{0,2}}"
_LEAD = r"(?<![\w.,-])(?:(?:taken|shot|made)\s+)?(?:(?:in|on|from|of|during|at)\s+)?(?:the\s+)?"
_TAIL = r"(?![\w-])"
_FORMS: list[tuple[str, Callable[[re.Match[str], date], Span | None]]] = [
    (
        rf"(?<!\w)(?:taken\s+)?(?:between|from)\s+(?P<one>{_POINT})\s*(?:and|to|until|-|–)\s*"
        rf"(?P<other>{_POINT}){_TAIL}",
        _between,
    ),
    (rf"(?<![\w-])(?P<one>{_YEAR})\s*(?:to|–|-)\s*(?P<other>{_YEAR}){_TAIL}", _between),
    (
        rf"(?<!\w)(?:taken\s+)?(?P<word>since|after|before|until)\s+(?P<one>{_POINT}){_TAIL}",
        _one_sided,
    ),
    *((_LEAD + pattern + _TAIL, read) for pattern, read in _POINTS),
    (_LEAD + rf"(?P<decade>19[5-9]0|20\d0|[5-9]0|[0-2]0)'?s{_TAIL}", _decade),
    (_LEAD + rf"(?P<which>last|this|past)\s+(?P<name>{_MONTH}|{_SEASON}){_TAIL}", _last_named),
    (rf"(?<!\w)(?:in|during)\s+(?P<month>{_MONTH}){_TAIL}", _in_month),
    (
        _LEAD + rf"(?P<which>last|this|past)\s+(?:(?P<count>\d{{1,3}})\s+)?{_UNIT}{_TAIL}",
        _last_unit,
    ),
    (_LEAD + rf"(?P<count>\d{{1,3}}|an?|one|two|three)\s+{_UNIT}\s+ago{_TAIL}", _ago),
    (_LEAD + rf"(today|yesterday){_TAIL}", _near_day),
]
