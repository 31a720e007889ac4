"""Training learns, keeps the best, and comes to the same weights after an interruption."""

import json

import numpy as np
import pytest
import torch
from making.label_classes import states_of
from safetensors.torch import load_file

from regard.core.metrics import retrieval
from regard.datasets.captions import Captions
from regard.errors import CheckpointError, ConfigError, ShapeError
from regard.evaluation.similarity import dataset_similarity
from regard.model.checkpoint import load_checkpoint
from regard.model.labels import LabelClasses
from regard.model.model import Model
from regard.training import learner
from regard.training.config import Recipe, load_recipe, recipe_names
from regard.training.loop import train
from regard.training.projection import ProjectedDataset
from regard.words import states as word_states
from regard.words.vocabulary import Vocabulary

COLOURS = ["red", "green", "blue", "white", "black", "brown"]
SMALL = [
    "model.feature_dim=12",
    "model.embed_dim=16",
    "model.word_dim=8",
    "model.word_hidden=16",
    "training.min_count=1",
    "training.batch_size=8",
    "training.learning_rate=0.01",
    "training.warmup_steps=1",
]


class Photos:
    """A photo a colour and number; features point along the colour's axis."""

    feature_dim, producer, skipped = 12, "test", None

    def __init__(self, first):
        names = [(c, n) for n in range(first, first + 3) for c in range(6)]
        self._colour = np.array([c for c, _ in names])
        self.captions = Captions.of(
            {f"{c}-{n}.jpg": [f"a {COLOURS[c]} dog", f"one {COLOURS[c]} animal"] for c, n in names}
        )
        self._features = np.random.default_rng(first).normal(0, 0.3, (len(names), 3, 12))
        self._features[np.arange(len(names)), :, self._colour] += 2

    def gather(self, rows):
        rows = np.asarray(rows)
        return self._features[rows].astype(np.float16), np.full(len(rows), 3)


def recipe(name="flickr8k", *settings):
    rank = ["training.feature_rank=8"] if name == "flickr8k" else []
    return load_recipe(name, [*SMALL, *rank, "training.epochs=2", *settings])


def weights(folder):
    return load_checkpoint(folder).weights


@pytest.fixture
def classes(tmp_path):
    """Folder of classes, a colour each."""
    LabelClasses.of(COLOURS, np.eye(6, 12), np.zeros(6), states_of(COLOURS)).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["flickr8k", "official", "wide", "wide-i2t"])
def test_a_killed_run_comes_to_the_same_weights(tmp_path, classes, name):
    wanted = recipe(name, *[f"training.label_classes={classes}"] * name.startswith("wide"))
    whole = train(wanted, Photos(0), Photos(3), tmp_path / "whole")

    class KilledError(Exception):
        pass

    def kill(progress):
        if progress.epoch == 2 and progress.step == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(wanted, Photos(0), Photos(3), tmp_path / "killed", kill)
    resumed = train(wanted, Photos(0), Photos(3), tmp_path / "killed")
    assert (resumed.rsum, resumed.epoch) == (whole.rsum, whole.epoch)
    expected = weights(tmp_path / "whole/best")
    for key, value in weights(tmp_path / "killed/best").items():
        assert np.array_equal(value, expected[key]), key


def test_training_learns_and_says_how_well(tmp_path):
    epochs = []
    wanted = recipe("flickr8k", "training.epochs=12", "training.contrastive_epochs=2")
    outcome = train(
        wanted, Photos(0), Photos(3), tmp_path, lambda p: p.validation and epochs.append(p)
    )
    assert len(epochs) == 12
    assert outcome.rsum == max(p.validation.rsum for p in epochs)
    assert outcome.rsum > epochs[0].validation.rsum
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["rsum"] for line in lines] == [p.validation.rsum for p in epochs]
    model = Model(load_checkpoint(outcome.best))
    features, counts = Photos(3).gather([1])
    image = model.encode_features(features, counts)
    captions = model.encode_captions([f"a {c} dog" for c in COLOURS])
    vectors = torch.from_numpy(captions.vectors)
    scores = torch.einsum("rd,cwd->c", torch.from_numpy(image[0]), vectors)
    assert COLOURS[int(scores.argmax())] == "green"


def test_labels_are_kept_with_the_model_and_go_on_with_it(tmp_path, classes):
    wanted = recipe("wide", "training.epochs=1", f"training.label_classes={classes}")
    first = load_checkpoint(train(wanted, Photos(0), Photos(3), tmp_path / "first").best)
    assert first.labels.names == tuple(COLOURS)
    model = Model(first)
    words = model.encode_captions(["a green dog"])
    assert words.vectors[0].any(-1).tolist() == [True, False, True, True, False]
    going_on = recipe("wide", "training.epochs=1")
    second = train(going_on, Photos(0), Photos(3), tmp_path / "second", start=first)
    assert load_checkpoint(second.best).labels.digest == first.labels.digest


def test_a_model_without_labels_and_weights_of_words_goes_on_with_them(tmp_path, classes):
    plain = train(recipe("flickr8k", "training.epochs=1"), Photos(0), Photos(3), tmp_path / "plain")
    settings = (
        "training.epochs=1",
        "training.learning_rate=1e-12",
        f"training.label_classes={classes}",
    )
    first = load_checkpoint(plain.best)
    wide = recipe("wide", *settings)
    kept = weights(train(wide, Photos(0), Photos(3), tmp_path / "on", start=first).best)
    assert set(kept) - set(first.weights) == {"regions.labels.gain", "words.weigh.weight"}
    for name, value in first.weights.items():
        np.testing.assert_allclose(kept[name], value, atol=1e-6, err_msg=name)


def test_labels_without_classes_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.label_classes is ''; it must be a folder"):
        train(recipe("wide"), Photos(0), Photos(3), tmp_path)
    ranked = recipe("wide", "training.feature_rank=4")
    with pytest.raises(ConfigError, match="labels are read off whole features"):
        train(ranked, Photos(0), Photos(3), tmp_path)


def test_a_run_of_another_recipe_is_refused(tmp_path):
    train(recipe("official", "training.epochs=1"), Photos(0), Photos(3), tmp_path)
    with pytest.raises(CheckpointError, match="holds a run of another recipe"):
        train(recipe("official"), Photos(0), Photos(3), tmp_path)


def test_a_run_on_other_data_is_refused(tmp_path):
    wanted = recipe("official", "training.epochs=1")
    train(wanted, Photos(0), Photos(3), tmp_path)
    train(wanted, Photos(0), Photos(3), tmp_path)
    with pytest.raises(CheckpointError, match=r"other data \(another training set\)"):
        train(wanted, Photos(6), Photos(3), tmp_path)
    vocabulary = Vocabulary.build(["a red dog"], 1)
    with pytest.raises(CheckpointError, match="another validation set and vocabulary"):
        train(wanted, Photos(0), Photos(6), tmp_path, vocabulary=vocabulary)


def test_a_validation_is_the_figure_an_evaluation_gives(tmp_path):
    wanted = recipe("official", "training.epochs=1", "training.precision=bfloat16")
    outcome = train(wanted, Photos(0), Photos(3), tmp_path)
    scores = dataset_similarity(Model(load_checkpoint(outcome.best)), Photos(3))
    rows = torch.from_numpy(Photos(3).captions.photo_of_caption)
    assert outcome.rsum == retrieval(torch.from_numpy(scores), rows).rsum


def test_features_of_another_width_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"model\.feature_dim"):
        train(recipe("official", "model.feature_dim=7"), Photos(0), Photos(3), tmp_path)


def test_more_components_than_numbers_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"feature_rank is 13; it must be at most 12"):
        train(recipe("flickr8k", "training.feature_rank=13"), Photos(0), Photos(3), tmp_path)


@pytest.mark.parametrize("rank", [8, 0])
@pytest.mark.parametrize("standardize", ["true", "false"])
@pytest.mark.parametrize("negatives", ["hardest", "sum"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_photo_with_features_that_are_not_finite_is_named(
    tmp_path, rank, standardize, negatives, value
):
    photos = Photos(0)
    photos._features[7, 1, 5] = value
    settings = (f"training.feature_rank={rank}", f"training.standardize={standardize}")
    settings += (f"training.negatives={negatives}", "training.contrastive_epochs=0")
    wanted = recipe("flickr8k", *settings)
    with pytest.raises(ShapeError, match=r"features of photo '1-1\.jpg' are not finite"):
        train(wanted, photos, Photos(3), tmp_path)


def test_a_caption_with_states_that_are_not_finite_is_named(tmp_path, monkeypatch):
    def spoilt(captions):
        for row, words in enumerate(captions):
            yield row, np.full((len(words) + 2, 384), np.nan if "green" in words else row % 5)

    monkeypatch.setattr(word_states, "load_word_states", lambda: spoilt)
    with pytest.raises(ShapeError, match=r"states of caption '(a|one) green .*are not finite"):
        train(recipe("flickr8k"), Photos(0), Photos(3), tmp_path)


@pytest.mark.parametrize("spoil", ["loss", "gradient"])
def test_a_step_that_is_not_finite_is_neither_made_nor_saved(tmp_path, monkeypatch, spoil):
    wanted = recipe("official", "training.epochs=3")
    real, steps = learner.batch_loss, []

    def loss(*rest, **more):
        steps.append(1)
        one = real(*rest, **more)
        if len(steps) < 7:
            return one
        wrong = one.total * torch.nan if spoil == "loss" else one.total + spoilt(one.total)
        return one._replace(total=wrong)

    def spoilt(total):  # 0, with a slope that is not finite
        return (total - total.detach()).abs().sqrt()

    monkeypatch.setattr(learner, "batch_loss", loss)
    message = "loss of a step is nan" if spoil == "loss" else "norm of its gradient nan"
    with pytest.raises(ShapeError, match=message):
        train(wanted, Photos(0), Photos(3), tmp_path)
    assert all(
        value.isfinite().all() for value in load_file(tmp_path / "state.safetensors").values()
    )
    assert all(np.isfinite(value).all() for value in weights(tmp_path / "best").values())
    monkeypatch.setattr(learner, "batch_loss", real)
    whole = train(wanted, Photos(0), Photos(3), tmp_path / "whole")
    again = train(wanted, Photos(0), Photos(3), tmp_path)
    assert again.rsum == whole.rsum


@pytest.mark.parametrize("file", ["recipe.json", "data.json", "state.safetensors"])
def test_a_damaged_file_of_a_run_is_named(tmp_path, file):
    wanted = recipe("official", "training.epochs=1")
    train(wanted, Photos(0), Photos(3), tmp_path)
    whole = (tmp_path / file).read_bytes()
    for size in (0, len(whole) // 2):
        (tmp_path / file).write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=f"{file} cannot be read"):
            train(wanted, Photos(0), Photos(3), tmp_path)


def test_projected_features_are_components_of_the_standardised_ones(tmp_path):
    photos = Photos(0)
    projected = ProjectedDataset(photos, 12, tmp_path)
    rows = [2, 0, 2]
    features, counts = projected.gather(rows)
    mean, deviation, basis = projected.projection
    standard = (torch.from_numpy(photos.gather(rows)[0]).float() - mean) / deviation
    np.testing.assert_allclose(features, standard @ basis, atol=5e-3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(12), atol=1e-5)
    assert counts.tolist() == [3, 3, 3]
    spread = ((standard - standard.mean((0, 1))) @ basis).pow(2).sum((0, 1))
    assert spread[0] > spread[-1]
    again, _ = ProjectedDataset(photos, 12, tmp_path).gather(rows)
    np.testing.assert_array_equal(again, features)
    photos._features = photos._features + np.arange(12)  # of the same photos
    other = ProjectedDataset(photos, 12, tmp_path)
    assert not np.allclose(other.projection.mean, mean)


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_is_whole(name):
    wanted = load_recipe(name)
    assert isinstance(wanted, Recipe)
    assert wanted.about


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epoch=3", "Did you mean 'epochs'"),
        ("training.batch_size=1", "training.batch_size is 1"),
        ("training.average_decay=1", "training.average_decay is 1"),
        ("training.feature_rank=-1", "training.feature_rank is -1"),
        ("training.captions_per_photo=0", "training.captions_per_photo is 0"),
        ("training.warmup_steps=-3", "training.warmup_steps is -3; it must be at least 0"),
        ("training.contrastive_epochs=-1", "training.contrastive_epochs is -1"),
        ("training.seed=-1", "training.seed is -1; it must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe("official", [setting])
