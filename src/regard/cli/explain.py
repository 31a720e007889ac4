"""regard explain: which word looked where in a photo, as a figure and as numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, print_json
from regard.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regard.explain.explanation import Explanation
    from regard.model.model import Model

_SHOWN_UNKNOWN = 10


def explain(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    sentence: Annotated[str, typer.Argument(help="The sentence.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Figure to write: .png, .svg or .pdf. Without --json the default is the photo's "
            "name with -explained.png, in the current folder.",
        ),
    ] = None,
    model: options.Model = "flickr8k",
    as_json: options.Json = False,
) -> None:
    """Draw which word looked where, with each word's cosine and its share of the similarity.

    Prints the figure's path; with --json the numbers instead, and the figure only if --out names
    one.

        regard explain beach.jpg "a dog runs along the water" --out why.png

        regard explain beach.jpg "a dog" --json
    """
    if out is None and not as_json:
        out = Path(f"{photo.stem}-explained.png")
    from regard.explain.figure import check_suffix, save_figure
    from regard.model.model import load
    from regard.photos.decode import read_photo
    from regard.words.tokens import tokenize

    if not tokenize(sentence):
        raise DataError("the sentence has no word. Describe what the photo may show.")
    if out is not None:
        check_suffix(out)
    loaded = load(model)
    decoded = read_photo(photo, loaded.extractor.short_side)
    explanation = loaded.explain_photo(decoded, sentence)
    note_unknown_words(loaded, sentence)
    note_unscored([explanation])
    note_labels(explanation)
    if out is not None:
        save_figure(explanation, decoded.image, sentence, out)
    if as_json:
        print_json({"photo": str(photo), "sentence": sentence, **explanation.to_tree()})
        if out is not None:
            notes.print(f"Figure: {out}", markup=False)
    else:
        print(out)


def note_unknown_words(loaded: "Model", *sentences: str) -> None:
    """Name the words of sentences the model never learned, with the nearest it knows."""
    from regard.words.tokens import tokenize

    words = (word for sentence in sentences for word in tokenize(sentence))
    tell_unknown_words(loaded.unknown_words(words))


def tell_unknown_words(unknown: dict[str, list[str]]) -> None:
    """Say on standard error which words are unknown; of many the first ones and their number."""
    for word, near in list(unknown.items())[:_SHOWN_UNKNOWN]:
        hint = f"; near it: {', '.join(near)}" if near else ""
        notes.print(f"The model never learned {word!r}{hint}.", markup=False)
    if len(unknown) > _SHOWN_UNKNOWN:
        notes.print(f"... nor {len(unknown) - _SHOWN_UNKNOWN} other words.")


def note_unscored(explanations: "Iterable[Explanation]") -> None:
    """Say on standard error where words only show where they look."""
    from regard.explain.explanation import UNSCORED

    if any(not explanation.words_are_scored for explanation in explanations):
        notes.print(UNSCORED)


def note_labels(explanation: "Explanation") -> None:
    """Say on standard error which words were found by what a region looks like."""
    for label, words in explanation.words_by_label.items():
        found = "was found" if len(words) == 1 else "were found"
        named = " and ".join(map(repr, words))
        notes.print(f"{named} {found} by a region that looks like {label}.", markup=False)
