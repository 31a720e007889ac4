"""Official checkpoints of every form against the slow reference, from files to similarities.

The recordings hold one form of each thing; these are the others: one GRU direction, weight
normalisation, prefixes, every pooling and normalisation, odd sizes, one photo, one word.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import reference
import torch
from jaxtyping import Float
from torch import nn

from regard.datasets.dataset import open_dataset
from regard.evaluation.similarity import dataset_similarity
from regard.model.model import Model
from regard.official.checkpoint import import_checkpoint
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

WORDS = ("a", "dog", "runs", "two", "men", "sleep", "on", "grass")
VOCABULARY = Vocabulary((*SPECIAL, *WORDS))
NAMES = {"LogSumExp": "lse", "Mean": "mean", "Max": "max", "Sum": "sum"}


class Form(NamedTuple):
    """What a checkpoint and its data are like."""

    cross_attn: str = "t2i"
    agg_func: str = "LogSumExp"
    raw_feature_norm: str = "clipped_l2norm"
    lambda_softmax: float = 9.0
    lambda_lse: float = 6.0
    both_ways: bool = True
    weight_norm: bool = False
    prefix: str = ""
    sizes: tuple[int, int, int] = (11, 13, 5)
    """F, D and word embedding."""
    photos: int = 4
    regions: int = 7
    longest: int = 9


FORMS = [
    Form(both_ways=False, prefix="module.", agg_func="Mean", lambda_softmax=20.0),
    Form(weight_norm=True, cross_attn="i2t", agg_func="Max", lambda_softmax=4.0),
    Form(both_ways=False, weight_norm=True, cross_attn="i2t", lambda_softmax=4, lambda_lse=20),
    Form(prefix="module.module.module.", raw_feature_norm="softmax", agg_func="Sum"),
    Form(cross_attn="i2t", raw_feature_norm="clipped_l1norm", lambda_lse=5.0, sizes=(3, 1, 2)),
    Form(raw_feature_norm="no_norm", agg_func="Mean", sizes=(33, 37, 17)),
    Form(photos=1, regions=1, longest=1),
    Form(photos=1, cross_attn="i2t", raw_feature_norm="clipped", longest=1, agg_func="Mean"),
    Form(photos=3, regions=1, cross_attn="i2t", raw_feature_norm="l1norm", lambda_lse=20.0),
    Form(raw_feature_norm="l2norm", regions=40, longest=70, lambda_lse=20.0, lambda_softmax=4.0),
]


class Networks(NamedTuple):
    """The two official encoders' layers."""

    linear: nn.Linear
    embed: nn.Embedding
    gru: nn.GRU


def networks(form: Form) -> Networks:
    torch.manual_seed(5)
    features, dim, word_dim = form.sizes
    gru = nn.GRU(word_dim, dim, 1, batch_first=True, bidirectional=form.both_ways)
    return Networks(nn.Linear(features, dim), nn.Embedding(len(VOCABULARY), word_dim), gru)


def save(path: Path, form: Form, layers: Networks) -> None:
    image = {f"fc.{name}": value.detach() for name, value in layers.linear.named_parameters()}
    if form.weight_norm:  # one length for the whole matrix, and a direction of any length
        weight = image.pop("fc.weight")
        image |= {"fc.weight_g": weight.norm(), "fc.weight_v": 0.37 * weight}
    text = {"embed.weight": layers.embed.weight.detach()}
    text |= {f"rnn.{name}": value.detach() for name, value in layers.gru.named_parameters()}
    options = {name: value for name, value in form._asdict().items() if name in Form._fields[:5]}
    states = [{form.prefix + name: v for name, v in part.items()} for part in (image, text)]
    opt = argparse.Namespace(**options, bi_gru=form.both_ways, no_imgnorm=False, no_txtnorm=False)
    torch.save(
        {"epoch": 1, "model": states, "best_rsum": 0.0, "opt": opt, "Eiters": 1},
        path,
    )


def write_data(folder: Path, form: Form) -> tuple[np.ndarray, list[list[str]]]:
    """Features with every photo five times, and captions; gives the photos and the words."""
    random = np.random.default_rng(1)
    shape = (form.photos, form.regions, form.sizes[0])
    features = random.standard_normal(shape).astype(np.float32)
    np.save(folder / "test_ims.npy", np.repeat(features, 5, axis=0))
    counts = random.integers(1, form.longest + 1, 5 * form.photos)
    captions = [list(random.choice(WORDS, count)) for count in counts]
    (folder / "test_caps.txt").write_text("".join(" ".join(c) + "\n" for c in captions))
    return features, captions


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.sqrt((vectors**2).sum(-1, keepdims=True)) + 1e-8)


@torch.no_grad()
def expected(
    form: Form, layers: Networks, features: np.ndarray, captions: list[list[str]]
) -> Float[np.ndarray, "image cap"]:
    """Caption by caption, in float64, by the slow reference."""
    for part in layers:
        part.double()
    regions = unit(layers.linear(torch.from_numpy(features).double()).numpy())
    words = []
    for caption in captions:
        ids = torch.tensor([[1, *(VOCABULARY.index[word] for word in caption), 2]])
        read = layers.gru(layers.embed(ids))[0][0].numpy()
        if form.both_ways:
            read = (read[:, : form.sizes[1]] + read[:, form.sizes[1] :]) / 2
        words.append(unit(read))
    return reference.similarity(
        list(regions),
        words,
        direction=form.cross_attn,
        pooling=NAMES[form.agg_func],
        normalization=form.raw_feature_norm,
        lambda_softmax=form.lambda_softmax,
        lambda_lse=form.lambda_lse,
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_scored_as_the_official_code_scores_it(tmp_path: Path, form: Form) -> None:
    layers = networks(form)
    save(tmp_path / "model_best.pth.tar", form, layers)
    features, captions = write_data(tmp_path, form)
    model = Model(import_checkpoint(tmp_path / "model_best.pth.tar", VOCABULARY))
    dataset = open_dataset(tmp_path, "test")
    similarities = dataset_similarity(model, dataset)
    assert similarities.shape == (form.photos, 5 * form.photos)
    wanted = expected(form, layers, features, captions)
    np.testing.assert_allclose(similarities, wanted, atol=1e-5, rtol=1e-6)
