"""Classes of regions are kept, found by likelihood, and asked for where a model has labels."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import regard
from regard.errors import CheckpointError
from regard.model.checkpoint import load_checkpoint, resolve_model, save_checkpoint
from regard.model.encoders import RegionEncoder
from regard.model.labels import FILE, LabelClasses
from regard.model.model import Model
from regard.photos.decode import read_photo
from regard.photos.samples import FOLDER

NAMES = ("cat", "café table", "great white shark")


def classes(count=3):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(count, 5)), rng.normal(size=count), rng.normal(size=(count, 384))
    names = NAMES if count == 3 else tuple(map(str, range(count)))
    return LabelClasses.of(names, *numbers)


def test_a_file_holds_what_was_given_to_int8(tmp_path):
    weight, states = np.random.default_rng(0).normal(size=(3, 5)), np.ones((3, 384))
    whole = LabelClasses.of(NAMES, weight, np.arange(3), states)
    steps = np.abs(weight).max(1, keepdims=True) / 127
    assert (np.abs(whole.weight - weight) <= steps / 2 + 1e-6).all()
    whole.save(tmp_path)
    kept = LabelClasses.load(tmp_path)
    assert kept.names == NAMES
    np.testing.assert_array_equal(kept.weight, whole.weight)
    np.testing.assert_array_equal(kept.bias, whole.bias)
    assert kept.digest == whole.digest
    assert kept.digest != LabelClasses.of(NAMES[::-1], weight, np.arange(3), states).digest


def test_a_file_that_is_missing_is_none_and_one_that_is_torn_is_named(tmp_path):
    assert LabelClasses.load(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=rf"{FILE} cannot be read"):
        LabelClasses.load(tmp_path)


@pytest.mark.parametrize("count", [3, 14])
def test_the_likeliest_classes_come_best_first(count):
    given = classes(count)
    features = np.random.default_rng(1).normal(size=(6, 5))
    logits = features @ given.weight.T + given.bias
    powers = np.exp(logits)
    probabilities = powers / powers.sum(1, keepdims=True)
    which, likely = given.likeliest(features)
    expected = np.argsort(-probabilities, 1)[:, :10]
    np.testing.assert_array_equal(which, expected)
    np.testing.assert_allclose(likely, np.take_along_axis(probabilities, expected, 1), rtol=1e-5)


def test_the_shipped_model_knows_what_its_samples_show():
    model = regard.load()
    regions = model.extractor(read_photo(FOLDER / "coffee.jpg", model.extractor.short_side))
    which, likely = model.labels.likeliest(regions.vectors[:1])
    names = [model.labels.names[place] for place in which[0]]
    assert {"espresso", "cup"} & set(names[:3]), names
    assert 0.2 < likely[0, 0] <= 1


def test_labels_change_what_a_model_is_called_and_are_kept_with_it(tmp_path):
    shipped = load_checkpoint()
    save_checkpoint(tmp_path, shipped)
    kept = regard.load(tmp_path)
    assert kept.labels.digest == shipped.labels.digest
    assert kept.identity == regard.load().identity
    other = replace(shipped, labels=replace(shipped.labels, bias=shipped.labels.bias + 1))
    save_checkpoint(tmp_path, other)
    assert regard.load(tmp_path).identity != kept.identity


def test_a_model_without_labels_that_asks_for_them_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=rf"{FILE} is missing"):
        replace(load_checkpoint(), labels=None)
    folder = tmp_path / "damaged"
    shutil.copytree(resolve_model(), folder)
    (folder / FILE).write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=rf"{FILE} cannot be read"):
        load_checkpoint(folder)


@pytest.fixture(scope="module")
def coffee():
    return FOLDER / "coffee.jpg"


def test_an_explanation_says_which_words_were_found_by_what_a_region_looks_like(coffee):
    model = regard.load()
    explanation = model.explain_photo(coffee, "a cup of coffee on the moon")
    words = {word.word: word for word in explanation.words}
    assert words["coffee"].label.name == "espresso"
    assert words["coffee"].is_found_by_label
    assert words["of"].label is None
    assert not words["moon"].is_found_by_label
    tree = explanation.to_tree()
    told = tree["words"][4]["label"]
    assert (told["name"], told["found"]) == ("espresso", True)
    assert told["probability"] > 0.5
    assert len(tree["looks_like"]) == len(explanation.boxes)
    assert "espresso" in [name for name, _ in tree["looks_like"]]


def test_a_hit_of_an_index_tells_what_an_explanation_of_the_photo_does(coffee, tmp_path):
    model = regard.load()
    for name in ("coffee.jpg", "grass.jpg"):
        shutil.copy(FOLDER / name, tmp_path)
    regard.update_index(tmp_path / "index", tmp_path, model, workers=1)
    sentence = "a cup of coffee on the moon"
    with regard.Index.open(tmp_path / "index", model) as index:
        hit = index.search(sentence).hits[0]
        explanation = model.explain_photo(coffee, sentence)
        assert hit.photo.path.name == "coffee.jpg"
        assert hit.words_by_label == explanation.words_by_label
        assert "coffee" in [word for words in hit.words_by_label.values() for word in words]
        assert hit.looks == explanation.looks
        assert not hit.lacks_labels
        assert index.similar(hit.photo).hits[0].looks == ()  # no sentence is asked


def test_uploads_keep_what_their_regions_look_like(coffee):
    model = regard.load()
    photo = model.encode_images([coffee]).photo(0)
    explanation = model.explain(photo, model.encode_captions("coffee").caption(0))
    assert explanation.words[1].is_found_by_label


def test_what_labels_add_to_a_cosine_is_the_rest_of_what_was_learned(coffee):
    labelled = regard.load()
    checkpoint = load_checkpoint()
    weights = {name: w for name, w in checkpoint.weights.items() if "labels" not in name}
    config = replace(checkpoint.config, labels=False)
    plain = Model(replace(checkpoint, config=config, weights=weights, labels=None))
    regions = labelled.extractor(read_photo(coffee, labelled.extractor.short_side))
    encoder = RegionEncoder(labelled.weights, labelled.labels)
    whole, labels = encoder.labelled(regions.vectors)
    learned = RegionEncoder(plain.weights)(regions.vectors)
    words = labelled.encode_captions("coffee shirt").caption(0).directions[[1, 2]]
    parts = encoder.labels.parts(labels.classes, labels.likely)
    lengths = np.linalg.norm(learned + parts, axis=1)
    for word in words:
        added = encoder.labels.cosines(whole, labels, np.tile(word, (len(whole), 1)))
        np.testing.assert_allclose(added.sum(1), parts @ word / lengths, atol=3e-3)
        np.testing.assert_allclose(whole @ word - added.sum(1), learned @ word / lengths, atol=3e-3)
    explanation = plain.explain_photo(coffee, "a cup of coffee")
    assert all(word.label is None for word in explanation.words)
    assert explanation.looks == ()
