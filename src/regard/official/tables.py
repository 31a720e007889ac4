"""The papers' tables in Markdown and LaTeX: published rows, and under each what was got here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from regard.errors import ConfigError
from regard.official.published import PUBLISHED

Form = Literal["markdown", "latex"]
_KEYS = ("R@1", "R@5", "R@10")
_SIDES = ("image_to_text", "text_to_image")
_ABSENT = "–"
_RECALLS = tuple(f"{side} {key}" for side in ("i→t", "t→i") for key in _KEYS)
_HEAD = ("", "source", *_RECALLS, "rSum", "accepted")


def check_form(form: str) -> None:
    """Refuse a form that is not offered.

    Raises:
        ConfigError: it is one.
    """
    if form not in get_args(Form):
        raise ConfigError(f"table is {form!r}; it must be markdown or latex. Choose one.")


def table(recipe: str, summaries: Mapping[str, dict[str, Any]], form: str) -> str:
    """All published rows of a recipe's data set, and rows of what was got by recipes.

    Args:
        recipe: one of the data set.
        summaries: what `regard reproduce` found, by recipe.
        form: markdown or latex.
    """
    is_coco = recipe.endswith("-coco")
    wanted = [name for name in PUBLISHED if name.endswith("-coco") == is_coco]
    rows = [row for name in wanted for row in _rows(name, summaries.get(name))]
    return _markdown(rows) if form == "markdown" else _latex(rows)


def _rows(name: str, got: dict[str, Any] | None) -> Iterator[list[str]]:
    paper = PUBLISHED[name]
    sides = paper.caption_retrieval, paper.image_retrieval
    recalls = [told(x) for side in sides for x in side or (None,) * len(_KEYS)]
    band = "{:.0f}–{:.0f}".format(*paper.band)
    yield [name, paper.source, *recalls, told(paper.rsum), band]
    if got is not None:
        recalls = [f"{got['got'][side][key]:.1f}" for side in _SIDES for key in _KEYS]
        count = len(got["runs"])
        seeds = "1 seed" if count == 1 else f"mean of {count} seeds"
        yield [name, f"Regard, {seeds}", *recalls, _rsum(got), ""]


def told(figure: float | None) -> str:
    """A published figure; a dash where there is none."""
    return _ABSENT if figure is None else f"{figure:.1f}"


def _rsum(got: dict[str, Any]) -> str:
    mean, interval = got["got"]["rsum"], got["interval"]
    return f"{mean:.1f}" if interval is None else f"{mean:.1f} ± {interval[1] - mean:.1f}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [_HEAD, ("---", "---", *["---:"] * 8), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _latex(rows: Sequence[Sequence[str]]) -> str:
    """A `tabular` that needs the package booktabs."""
    body = [" & ".join(map(_escaped, row)) + r" \\" for row in (_HEAD, *rows)]
    lines = [r"\begin{tabular}{llrrrrrrrr}", r"\toprule", body[0], r"\midrule", *body[1:]]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _escaped(text: str) -> str:
    return text.replace("→", r"$\to$").replace("±", r"$\pm$").replace(_ABSENT, "--")
