"""regard calibrate: let a trained model say what its similarities are worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, output, print_figures, print_json, progress_bar
from regard.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from regard.datasets.dataset import Dataset
    from regard.evaluation.calibration.curve import Reliability
    from regard.evaluation.calibration.judging import Judged, Measured, Names
    from regard.model.model import Model


def calibrate(
    model: Annotated[
        Path, typer.Argument(help="Folder of the model, whose files are added to; or a backbone.")
    ],
    data: options.Data,
    regions: options.Regions = None,
    split: Annotated[str, typer.Option(help="What to fit to: not trained on.")] = "val",
    background: Annotated[str, typer.Option(help="Split the background is drawn from.")] = "train",
    names: Annotated[
        Path | None,
        typer.Option(
            help="JSONL file of what photos show, to be judged by names of things as well: "
            '{"set": ..., "photo": ..., "names": [...]}, photos as in --regions.'
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Reliability plot to draw: .png, .svg or .pdf.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Fit a model's probabilities, verdicts and word support, and say how far they hold.

    Curves go into the model's config.json, what queries are compared with into
    background.safetensors. Weights stay as they are. Figures are measured on every second photo,
    with curves fitted to the others. For a backbone (`regard models`) it is kept in your own data
    folder, with how much the words' similarity is to count beside the whole sentence's.

        regard calibrate runs/mine/best --data dataset_flickr8k.json --regions flickr8k.regions

        regard calibrate runs/mine/best --data data/f30k_precomp --plot reliability.png

        regard calibrate runs/mine/best --data wide.jsonl --regions wide.regions --names names.jsonl
    """
    from regard.evaluation.calibration.judging import judge_model
    from regard.evaluation.calibration.reliability_plot import save_reliability
    from regard.explain.figure import check_suffix

    if plot is not None:
        check_suffix(plot)
    things = None if names is None else _open_names(names, regions)
    loaded, recorded = _to_judge(model)
    held_out, trained_on = (open_split(data, name, regions) for name in (split, background))
    if loaded.ranks_wholes:
        _prepare(loaded, held_out, trained_on)
    with progress_bar("Scoring captions") as progress:
        outcome = judge_model(loaded, held_out, trained_on, split, progress, things)
    folder = recorded(loaded, outcome)
    measured, slope = outcome.measured, outcome.background.length.slope
    if plot is not None:
        save_reliability(plot, _panels(measured))
    if as_json:
        print_json({"model": str(folder), **measured.tree(), "length_slope": slope})
    else:
        _show(measured)
        if not loaded.ranks_wholes:
            output.print(
                f"Sentences: similarity changes by {slope:+.3f} with the "
                "logarithm of their number of words, which is taken off."
            )
        notes.print(f"Recorded in {folder}.", markup=False)


def _open_names(names: Path, regions: Path | None) -> "Names":
    from regard.evaluation.calibration.judging import Names
    from regard.evaluation.calibration.names import load_named
    from regard.store.region_store import RegionStore

    if regions is None:
        raise ConfigError(
            "--names is given without --regions; the photos it names must be in a region "
            "store. Name it."
        )
    return Names(load_named(names), RegionStore(regions))


def _panels(measured: "Measured") -> "dict[str, Reliability]":
    return {
        "a photo and a sentence": measured.pairs,
        "a sentence finds a photo": measured.photos.reliability,
        "a photo finds a sentence": measured.sentences.reliability,
    }


def _to_judge(model: Path) -> "tuple[Model, Callable[[Model, Judged], Path]]":
    """The model without what was fitted before, and what records what is fitted now."""
    from regard.backbones.settings import is_backbone
    from regard.model.checkpoint import record, resolve_model
    from regard.model.model import load

    if is_backbone(str(model)):
        return load(str(model), background=False), _record_backbone
    folder = resolve_model(model)

    def record_model(_loaded: "Model", outcome: "Judged") -> Path:
        record(folder, outcome.info, outcome.background)
        return folder

    return load(folder, background=False), record_model  # the background it has may be damaged


def _prepare(loaded: "Model", held_out: "Dataset", trained_on: "Dataset") -> None:
    """Fit what a backbone's words are held against, and let them join the whole's ranking.

    As far as that finds more; says how far.
    """
    from regard.backbones.model import BackboneModel
    from regard.backbones.scores import WholeScores
    from regard.evaluation.calibration.support import fit_support
    from regard.evaluation.calibration.words_weight import fit_weight
    from regard.evaluation.similarity import dataset_similarity

    assert isinstance(loaded, BackboneModel)
    loaded.support = fit_support(loaded, trained_on)
    wholes = dataset_similarity(loaded, held_out)
    loaded.scores = WholeScores(1.0)
    words = dataset_similarity(loaded, held_out) - wholes
    loaded.scores = WholeScores(fit_weight(wholes, words, held_out.captions))
    notes.print(f"Words count {loaded.scores.weight:g} beside the whole sentence.")


def _record_backbone(loaded: "Model", outcome: "Judged") -> Path:
    from regard.backbones.fitted import Fitted, save_fitted
    from regard.backbones.model import BackboneModel

    assert isinstance(loaded, BackboneModel)
    learned = loaded.scores.weight, outcome.background, loaded.support
    save_fitted(loaded.fits, Fitted(outcome.info, *learned))
    return loaded.fits


def _show(measured: "Measured") -> None:
    groups = [
        [
            (name, f"{size:,}", f"{accuracy:.1f}", f"{flat:.1f}")
            for size, accuracy, flat in zip(
                verdicts.sizes, verdicts.accuracy, verdicts.flat, strict=True
            )
        ]
        for name, verdicts in (("photos", measured.photos), ("sentences", measured.sentences))
    ]
    head = ("", "looked at", "verdict", "flat cut-off")
    print_figures("Is there a match? Right in per cent", head, *groups)
    rows = [
        (told.kind, str(told.queries), f"{told.match:.1f}", f"{told.no_match:.1f}")
        for told in measured.photos.kinds
    ]
    head = ("asked for", "queries", "match, where one is there", "no sure match, where none is")
    print_figures("Verdicts on photos by kind of query, right in per cent", head, rows)
    if (chosen := measured.agreement) is not None:
        output.print(
            f"Agreement with people's captions: tau-c {chosen['tau_c']:.1f}, with "
            f"{chosen['lowered']:g} of what ranking takes off; {chosen['tau_c_ranking']:.1f} with "
            "all of it."
        )
    error = 100 * measured.pairs.expected_calibration_error
    output.print(f"Expected calibration error: {error:.1f} % of pairs' probabilities.")
    if (words := measured.words) is None:
        notes.print("Words: too few captions name anything; word support is left out.")
    else:
        output.print(
            f"Words: support ranks a true word above an exchanged one in {words.ranked:.1f} %; "
            f"said to be unsupported are {words.true_flagged:.1f} % of true words and "
            f"{words.exchanged_flagged:.1f} % of exchanged ones."
        )
    notes.print("One query in two has its own answer among those looked at.")
