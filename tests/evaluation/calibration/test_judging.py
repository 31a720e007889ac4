"""Everything a model says of itself is fitted together, or left out where nothing can be fitted."""

import numpy as np
from tests.small import random_checkpoint

from regard.core.model_config import ModelConfig
from regard.datasets.captions import Captions
from regard.datasets.folders import PrecompDataset
from regard.evaluation.calibration.judging import Judged, judge_model
from regard.model.judgement import Curves
from regard.model.model import Model
from regard.words.vocabulary import Vocabulary


def judged(sentences: list[str]) -> Judged:
    """A random model judged on as many photos as sentences, one each."""
    count = len(sentences)
    array = np.random.default_rng(0).random((count, 3, 6), np.float32)
    names = tuple(map(str, range(count)))
    data = PrecompDataset(
        Captions(names, tuple(sentences), np.arange(count)), array, np.arange(count)
    )
    vocabulary = Vocabulary.build(sentences, 1)
    config = ModelConfig(feature_dim=6, embed_dim=8, word_dim=5)
    return judge_model(Model(random_checkpoint(config, vocabulary)), data, data, "val")


def test_all_curves_come_of_captions_that_name_things() -> None:
    outcome = judged(["a dog", "two cats", "the sea", "a red car", "an old man", "one tree"])
    says = Curves.of(outcome.info)
    assert None not in (says.pair, says.word, says.photos, says.sentences)
    assert outcome.measured.words is not None
    assert outcome.measured.tree()["word_support"]["words"] > 0


def test_word_support_is_left_out_where_captions_name_nothing() -> None:
    outcome = judged(["it is", "they were on the", "he is in it", "here it is", "she was", "at it"])
    says = Curves.of(outcome.info)
    assert says.word is None
    assert None not in (says.pair, says.photos, says.sentences)
    assert outcome.measured.words is None
    assert outcome.measured.tree()["word_support"] is None


def test_word_support_is_left_out_where_one_half_names_nothing() -> None:
    """Every second photo is fitted to, the others are measured on; words are needed in both."""
    outcome = judged(["a dog", "it is", "two cats", "here it is", "the sea", "she was"])
    assert outcome.info["word_support"] is None
