"""Whole runs of the official code, repeated: imported models and their figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import GOLDEN

from regard.datasets.dataset import open_dataset
from regard.evaluation.ranking import rank
from regard.evaluation.report import Judge
from regard.evaluation.similarity import dataset_similarity
from regard.model.checkpoint import Checkpoint
from regard.model.model import Model
from regard.official.checkpoint import import_checkpoint
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

RUNS = sorted(path.name for path in GOLDEN.glob("run_*")) or ["run_t2i_mean", "run_i2t_lse"]
MODELS = ("checkpoint_init", "model_best")


def imported(run: Path, name: str) -> Checkpoint:
    vocabulary = Vocabulary.load(run / "vocab/f30k_precomp_vocab.json")
    return import_checkpoint(run / f"{name}.pth.tar", vocabulary)


def recorded(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def data(run: Path) -> Path:
    return run / "data/f30k_precomp"


@pytest.mark.parametrize("run", RUNS)
def test_captions_are_split_into_the_official_words(golden: Path, run: str) -> None:
    tokens = recorded(golden / run)["tokens"]
    assert tokens
    for caption, words in tokens.items():
        assert tokenize(caption) == words


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", MODELS)
def test_imported_model_reproduces_embeddings_similarities_and_ranks(
    golden: Path, run: str, name: str
) -> None:
    model = Model(imported(golden / run, name))
    dataset = open_dataset(data(golden / run), "test")
    expected = np.load(golden / run / f"{name}_test.npz")
    features, counts = dataset.gather([0])
    regions = model.encode_features(features, counts)[0]
    words = model.encode_captions(dataset.captions.sentences[:1]).vectors[0]
    np.testing.assert_allclose(regions, expected["image_embeddings0"], atol=1e-5)
    recorded_words = expected["caption_embeddings0"][: len(words)]
    np.testing.assert_allclose(words, recorded_words, atol=1e-5)

    scores = dataset_similarity(model, dataset)
    np.testing.assert_allclose(scores, expected["similarities"], atol=1e-5)
    ranks = rank(scores, dataset.captions.photo_of_caption, "official")
    np.testing.assert_array_equal(ranks.of_images, expected["i2t_ranks"] + 1)
    np.testing.assert_array_equal(ranks.of_captions, expected["t2i_ranks"] + 1)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("ties", ["pessimistic", "official"])
def test_all_ten_figures_and_rsum_are_the_official_ones(
    golden: Path, run: str, name: str, ties: str
) -> None:
    model = Model(imported(golden / run, name))
    dataset = open_dataset(data(golden / run), "test")
    report = Judge(ties=ties).evaluate([model], dataset, data(golden / run), "test")
    tree, expected = report.tree(), recorded(golden / run)["results"][name]
    keys = ("R@1", "R@5", "R@10", "median_rank", "mean_rank")
    assert [tree["image_to_text"][key] for key in keys] == pytest.approx(expected["i2t"])
    assert [tree["text_to_image"][key] for key in keys] == pytest.approx(expected["t2i"])
    assert tree["rsum"] == pytest.approx(expected["rsum"])
    shape = np.load(golden / run / f"{name}_test.npz")["similarities"].shape
    assert (tree["images"], tree["captions"]) == shape
