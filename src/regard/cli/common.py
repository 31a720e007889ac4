"""What every verb shares: progress, notes, JSON, and errors told without a traceback."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from regard.errors import ConfigError
from regard.extras import bring
from regard.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from regard.datasets.captions import Captions
    from regard.datasets.dataset import BoxedDataset

_PIPED_WIDTH = 120  # columns of tables that go to a file or another program
# What steers a terminal, what turns letters round, and bytes of names that are no text
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """A text for people: what would steer their terminal is shown instead, as `ls` does."""
    return _UNSHOWN.sub(lambda match: _shown(ord(match[0])), text)


def _shown(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class SafeConsole(Console):
    """A console whose texts, which may hold the names of anybody's files, never steer it."""

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:
        """A text as it is printed."""
        return super().render_str(printable(text), *arguments, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Its pieces; those that are text, as they are printed."""
        for segment in super().render(renderable, options):
            is_text = segment.control is None
            yield segment._replace(text=printable(segment.text)) if is_text else segment


notes = SafeConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)
output = SafeConsole(
    highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH
)


def print_json(value: Any) -> None:
    """One JSON document on standard output, in letters that it can show; the rest escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text = _UNSHOWN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # more may follow much later


def print_made(path: Path, tree: dict[str, Any], as_json: bool, note: str = "") -> None:
    """What a verb has made: as JSON, or as a note and the path."""
    if as_json:
        print_json(tree)
        return
    if note:
        notes.print(note, markup=False)
    print(path)


def print_figures(title: str, head: Iterable[str], *groups: Iterable[Iterable[str]]) -> None:
    """A table on standard output, names to the left, figures to the right, lines between groups."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in head:
        table.add_column(name, justify="right" if name else "left")
    for rows in groups:
        for row in rows:
            table.add_row(*row)
        table.add_section()
    output.print(table)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A bar on standard error; yields a function told how many are done of how many.

    Where standard error is not a terminal, a line is written every tenth of the way.
    """
    with progress_bars(label) as (only,):
        yield only


@contextlib.contextmanager
def progress_bars(*labels: str) -> Iterator[list[Progress]]:
    """As `progress_bar` for several steps; all bars but the first appear when their step begins."""
    if not notes.is_terminal:
        yield [_line_progress(label) for label in labels]
        return
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=notes, transient=True) as bars:
        yield [_bar(bars, label, visible=n == 0) for n, label in enumerate(labels)]


def _bar(bars: "Bars", label: str, *, visible: bool) -> Progress:
    """Progress for people: a bar, shown at the latest when it is told of something."""
    task = bars.add_task(label, total=None, visible=visible)

    def update(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total, visible=True)

    return update


def _line_progress(label: str) -> Progress:
    """Progress for logs: a line every tenth."""
    shown = -1

    def update(done: int, total: int) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth != shown:
            shown = tenth
            notes.print(f"{label}: {done}/{total}")

    return update


def report_skipped(skipped: dict[str, str], shown: int = 10) -> None:
    """Name what was skipped and why, on standard error."""
    if not skipped:
        return
    notes.print(f"[yellow]Skipped {len(skipped)}:[/yellow]")
    for reason in list(skipped.values())[:shown]:
        notes.print(f"  {reason}", markup=False)
    if len(skipped) > shown:
        notes.print(f"  ... and {len(skipped) - shown} more")


def open_split(data: Path, split: str, regions: Path | None = None) -> "BoxedDataset":
    """Open a split; name what is left out of it and what may be other than it was meant."""
    from regard.datasets.dataset import open_dataset

    dataset = open_dataset(data, split, regions)
    _report_captions(dataset.captions, dataset.skipped)
    return dataset


def read_captions(data: Path, split: str) -> "Captions":
    """The captions of a split without features, likewise."""
    from regard.datasets.captions import load_captions

    captions = load_captions(data, split)
    _report_captions(captions, captions.left_out)
    return captions


def _report_captions(captions: "Captions", skipped: dict[str, str]) -> None:
    report_skipped(skipped)
    for doubt in captions.doubts:
        notes.print(f"Note: {doubt}.", markup=False)


def require_train(*, alone: bool = True) -> None:
    """Refuse a command that trains where torch is missing, or among processes it does not know.

    Args:
        alone: whether the command is for a single process.

    Raises:
        ConfigError: it is.
    """
    if alone and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "several processes run this command; `regard train` alone knows how to share its work "
            "among them. Run it without torchrun."
        )
    bring("torch", "train", "this command")


def report_passed_over(kinds: Mapping[str, int], shown: int = 12) -> None:
    """Count by kind what lay beside the photos and was not read, on standard error."""
    from regard.photos.formats import advice, looks_like_photos

    if not kinds:
        return
    order = sorted(kinds, key=lambda kind: (not looks_like_photos(kind), -kinds[kind], kind))
    named = ", ".join(f"{kind} ({kinds[kind]})" for kind in order[:shown])
    more = f" and {len(order) - shown} kinds more" if len(order) > shown else ""
    notes.print(f"Passed over: {named}{more}.", markup=False)
    if text := advice(kinds):
        notes.print(f"  {text}", markup=False)


def place_of(path: Path) -> str:
    """A path as text; one in object storage with both slashes of its scheme."""
    return re.sub(r"^([a-z][a-z0-9+.-]+):/(?=[^/])", r"\1://", str(path))
