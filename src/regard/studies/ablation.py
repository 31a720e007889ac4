"""The paper's ablation: the same training with and without attention, on the same regions.

Every row has the same recipe, seeds and regions; only its similarity differs. Two rows have no
attention: VSE++ on the whole photo (one region, the widest), which the paper's gains are over, and
VSE++ on the mean of the same regions, the stricter one. An ensemble is the mean of its members'
similarities; two seeds of pooled VSE++ show what any ensemble gains.

Each row is a run in a folder of its own that goes on where it was stopped; word states and
projected features are made once for all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.core.metrics import retrieval_tree
from regard.core.scoring import Scoring
from regard.datasets.dataset import BoxedDataset, Dataset
from regard.datasets.whole_photo import WholePhotos
from regard.evaluation.comparison import FirstAnswers, captions_found, gain, images_found
from regard.evaluation.ensemble import SimilarityCache, combine
from regard.evaluation.ranking import Ranks, figures, rank
from regard.evaluation.report import Judge
from regard.model.checkpoint import load_checkpoint
from regard.model.model import Model
from regard.shapes import Float
from regard.studies.sentence_kinds import masks
from regard.training.config import Recipe
from regard.training.loop import Progress, train
from regard.training.machine import DEFAULT_MACHINE, Machine
from regard.training.run import Run
from regard.training.state_tables import StateTable
from regard.training.text import read_by
from regard.words.tokens import tokenize

PHOTO, REGIONS = "vsepp-photo", "vsepp-regions"
"""The two rows that gains are over."""


class Row(NamedTuple):
    """One way to turn regions and words into a similarity."""

    name: str
    title: str
    scoring: Scoring
    seeds_on: int = 0
    """Added to every seed; tells apart two rows of the same similarity."""
    gpo: bool = False
    """Whether regions and words are pooled by learned weights."""


_POOLED = Scoring(scorer="pooled")
ROWS = (
    Row(PHOTO, "VSE++, whole photo", _POOLED),
    Row(REGIONS, "VSE++, mean of regions", _POOLED),
    Row("vsepp-other", "VSE++, mean of regions, other seed", _POOLED, 1000),
    Row("vseinf-regions", "VSE-infinity, learned pooling of regions", _POOLED, gpo=True),
    Row("sum-max-t2i", "Sum-Max t-i", Scoring(scorer="sum_max", direction="t2i")),
    Row("sum-max-i2t", "Sum-Max i-t", Scoring(scorer="sum_max", direction="i2t")),
    Row("scan-t2i-lse", "SCAN t-i LSE", Scoring(direction="t2i", pooling="lse")),
    Row("scan-t2i-mean", "SCAN t-i AVG", Scoring(direction="t2i", pooling="mean")),
    Row(
        "scan-i2t-lse",
        "SCAN i-t LSE",
        Scoring(direction="i2t", pooling="lse", lambda_softmax=4.0, lambda_lse=5.0),
    ),
    Row(
        "scan-i2t-mean",
        "SCAN i-t AVG",
        Scoring(direction="i2t", pooling="mean", lambda_softmax=4.0),
    ),
)
"""Temperatures are the paper's for Flickr30K."""
ENSEMBLES = {
    "vsepp-both": ("VSE++, mean of regions, two seeds", (REGIONS, "vsepp-other")),
    "scan-both": ("SCAN t-i AVG + i-t LSE", ("scan-t2i-mean", "scan-i2t-lse")),
}
"""Title and members; the paper's best pair on Flickr30K, and a control."""


class Result(NamedTuple):
    """Ranks of a row's runs, one a seed."""

    name: str
    title: str
    runs: list[Ranks]


class Splits(NamedTuple):
    """What to train on and what to judge on."""

    train: BoxedDataset
    val: BoxedDataset


def ablate(
    recipe: Recipe,
    splits: Splits,
    folder: Path,
    seeds: int,
    progress: Callable[[Row, Progress], None] = lambda *_: None,
    machine: Machine = DEFAULT_MACHINE,
) -> Iterator[Result]:
    """Train and judge every row, then the ensembles.

    Args:
        recipe: its scoring is replaced by each row's.
        folder: of the runs; rows found there are gone on with or taken as they are.
        seeds: runs a row, with the recipe's seed and those after it.
        progress: told after every step and epoch.
        machine: what the rows learn and are judged on; its cache is the folder's.

    Raises:
        DataError: the regions have no boxes, so that the widest is unknown.
        CheckpointError: the folder holds runs of another recipe.
    """
    recipe, _ = read_by(recipe)
    scores: dict[str, list[np.ndarray]] = {}
    machine = replace(machine, cache=folder / "cache")
    owner = splits.val.captions.photo_of_caption
    for row in ROWS:
        scores[row.name] = [
            _scores(row, _recipe_of(row, recipe, seed), splits, folder, progress, machine)
            for seed in range(seeds)
        ]
        yield Result(
            row.name, row.title, [rank(similarities, owner) for similarities in scores[row.name]]
        )
    for name, (title, members) in ENSEMBLES.items():
        pairs = zip(*(scores[member] for member in members), strict=True)
        yield Result(name, title, [rank(combine(pair), owner) for pair in pairs])


def _recipe_of(row: Row, recipe: Recipe, seed: int) -> Recipe:
    """A row's recipe; a whole photo is one region, which needs no projection to be quick."""
    training = replace(recipe.training, seed=recipe.training.seed + seed + row.seeds_on)
    if row.name == PHOTO:
        training = replace(training, feature_rank=0)
    model = replace(recipe.model, scoring=row.scoring, gpo=row.gpo)
    return replace(recipe, model=model, training=training)


def _scores(
    row: Row,
    recipe: Recipe,
    splits: Splits,
    folder: Path,
    progress: Callable[[Row, Progress], None],
    machine: Machine,
) -> Float[np.ndarray, "image cap"]:
    """Similarities of val by a trained row, which is trained first if it is not."""
    train_set: Dataset = splits.train
    val_set: Dataset = splits.val
    if row.name == PHOTO:
        train_set, val_set = WholePhotos(splits.train), WholePhotos(splits.val)
    run = Run(folder / f"{row.name}-{recipe.training.seed}", recipe, machine.cache)
    if run.position.epoch < recipe.training.epochs:
        train(recipe, train_set, val_set, run.folder, lambda p: progress(row, p), machine=machine)
    states = None
    if recipe.model.word_encoding == "states":
        captions = [tokenize(sentence) for sentence in val_set.captions.sentences]
        states = StateTable(captions, run.cache, "states-val")
    model = Model(load_checkpoint(run.best), states=states, device=machine.device)
    return Judge(cache=SimilarityCache(run.folder)).similarities([model], val_set)


def ablation_tree(results: Sequence[Result], sentences: Sequence[str]) -> list[dict[str, Any]]:
    """The stable JSON form: one entry a row.

    Each has name, title, seeds (rSum of each run), recalls both ways as `regard evaluate` prints
    them (means over seeds), and per baseline the relative gains in R@1 with intervals, for all
    queries and text to image for each kind of sentence.
    """
    by_name = {result.name: result.runs for result in results}
    kinds = masks(sentences)
    return [_row_tree(result, by_name, kinds) for result in results]


def _row_tree(
    result: Result, by_name: dict[str, list[Ranks]], kinds: dict[str, np.ndarray]
) -> dict[str, Any]:
    def over(find: Callable[[list[Ranks]], FirstAnswers]) -> dict[str, Any]:
        ours = find(result.runs)
        against = {
            name: gain(ours, find(by_name[name]))._asdict()
            for name in (PHOTO, REGIONS)
            if name in by_name
        }
        return {"R@1": ours.recall, "gain": against}

    return {
        "name": result.name,
        "title": result.title,
        "seeds": [figures([run]).rsum for run in result.runs],
        **retrieval_tree(figures(result.runs)),
        "gains": {"image_to_text": over(captions_found), "text_to_image": over(images_found)},
        "kinds": {
            kind: {
                "captions": int(mask.sum()),
                **over(lambda runs, mask=mask: images_found(runs, mask)),  # type: ignore[misc]
            }
            for kind, mask in kinds.items()
        },
    }
