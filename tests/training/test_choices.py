"""Every choice of encoders, pooling and scoring learns: the loss falls, colours are told apart.

Six colours of photos that no epoch has seen; by chance one in six is told right.
"""

import json

import numpy as np
import pytest
from tests.training.test_loop import Photos, recipe

from regard.errors import ConfigError
from regard.evaluation.similarity import dataset_similarity
from regard.model.encoded import EncodedImages
from regard.model.model import load
from regard.search.index import check_model
from regard.training.loop import train

CHOICES = [
    ("vseinf-f30k",),
    ("chan-f30k", "training.margin=0.05"),
    ("sgr-f30k", "model.aspects=32", "model.dropout=0", "training.negatives=sum"),
    ("saf-f30k", "model.aspects=32", "model.dropout=0", "training.negatives=sum"),
]


def told_right(model):
    """Share of photos whose colour's captions are the most similar, on average."""
    photos = Photos(3)
    scores = dataset_similarity(model, photos)
    colour_of_caption = photos._colour[photos.captions.photo_of_caption]
    means = np.stack([scores[:, colour_of_caption == c].mean(1) for c in range(6)], 1)
    return (means.argmax(1) == photos._colour).mean()


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_a_choice_learns_is_kept_and_judged_again(tmp_path, choice):
    wanted = recipe(*choice, "training.epochs=8", "training.sum_epochs=1")
    best = train(wanted, Photos(0), Photos(3), tmp_path).best
    fallen = losses(tmp_path)[1:]  # the first epoch has all negatives
    assert fallen[-1] < 0.9 * fallen[0]
    assert told_right(load(best)) > 0.6


def test_a_model_whose_similarities_are_reasoned_says_what_it_cannot(tmp_path):
    wanted = recipe("saf-f30k", "model.aspects=8", "training.epochs=1")
    model = load(train(wanted, Photos(0), Photos(3), tmp_path).best)
    features, counts = Photos(3).gather([0])
    vectors, boxes = model.encode_features(features, counts), (np.zeros((3, 4)),)
    photo = EncodedImages(vectors, counts, boxes, ((1, 1),))
    caption = model.encode_captions("a red dog")
    assert 0 < float(model.similarity(photo, caption)[0, 0]) < 1
    with pytest.raises(ConfigError, match="for an explanation they must be"):
        model.explain(photo.photo(0), caption.caption(0))
    with pytest.raises(ConfigError, match="for a search they must be"):
        check_model(None, model, "")
