"""Pointing and box recall by hand-made boxes, and alignment of phrases with words."""

import gzip
import json

import numpy as np
import pytest
from tests.small import random_checkpoint

from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.datasets.captions import Captions
from regard.datasets.dataset import StoreDataset, open_dataset
from regard.errors import DataError
from regard.evaluation.grounding import (
    Evidence,
    Grounding,
    Phrase,
    ground,
    most_attended,
    most_similar,
    read_phrases,
)
from regard.model.model import Model
from regard.store.region_store import Regions, RegionStore
from regard.words.vocabulary import Vocabulary

# the whole, the left and the right half, and a corner of a photo 100 wide and 50 high
BOXES = np.array([[0, 0, 100, 50], [0, 0, 50, 50], [50, 0, 100, 50], [0, 0, 10, 10]], np.float32)
LINE = {
    "file": "a.jpg",
    "captions": [
        {
            "caption": "The man 's dog runs on grass .",
            "phrases": [
                {"id": "1", "types": ["people"], "phrase": "The man 's", "first_word": 0},
                {"id": "2", "types": ["animals", "other"], "phrase": "dog", "first_word": 3},
                {"id": "0", "types": ["notvisual"], "phrase": "grass", "first_word": 6},
            ],
        },
        {
            "caption": "A dog . Grass here",
            "phrases": [{"id": "2", "types": ["animals"], "phrase": "A dog", "first_word": 0}],
        },
    ],
    "boxes_norm": {"1": [[0.0, 0.0, 0.5, 1.0]], "2": [[0.6, 0.0, 1.0, 1.0]]},
}


def written(tmp_path, *lines):
    path = tmp_path / "entities.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def phrase(*box):
    return Phrase("a dog", (2,), np.array([box], float), ("animals",))


def evidence(cosines, attention):
    return Evidence(np.array(cosines), np.array(attention), BOXES, (100, 50))


def test_hits_and_baselines_are_those_counted_by_hand():
    grounding = Grounding({"attended": most_attended, "similar": most_similar})
    right = phrase(0.5, 0, 1, 1)  # the right half exactly
    grounding.add(right, evidence([0, 0, 1, 0], [0, 1, 0, 0]))
    grounding.add(right, evidence([1, 0, 0, 0], [0, 0, 1, 0]))
    tree = grounding.tree("attended")
    assert tree["phrases"] == 2
    # the whole photo's middle lies on the edge of the half, which is inside; it covers half
    assert tree["ways"]["similar"] == {"pointing_accuracy": 100.0, "box_recall@1": 100.0}
    assert tree["pointing_accuracy"] == 50.0
    assert tree["box_recall@1"] == 50.0
    assert tree["baselines"] == {
        "random_region": {"pointing_accuracy": 50.0, "box_recall@1": 50.0},
        "photo_centre": {"pointing_accuracy": 100.0, "box_recall@1": 100.0},
        "best_region": {"pointing_accuracy": 100.0, "box_recall@1": 100.0},
    }
    assert tree["types"] == {
        "animals": {"pointing_accuracy": 50.0, "box_recall@1": 50.0, "phrases": 2}
    }


def test_an_overlap_below_a_half_is_a_miss():
    grounding = Grounding({"similar": most_similar})
    grounding.add(phrase(0.51, 0.02, 1, 0.98), evidence([1, 0, 0, 0], [1, 0, 0, 0]))
    assert grounding.tree("similar")["ways"]["similar"]["box_recall@1"] == 0.0
    assert grounding.tree("similar")["baselines"]["best_region"]["box_recall@1"] == 100.0


def test_phrases_find_their_tokens_and_boxless_ones_are_left_out(tmp_path):
    phrases = read_phrases(written(tmp_path, LINE, {"file": "other.jpg"}), {"a.jpg"})["a.jpg"]
    first, second = [p for p in phrases if p.caption.startswith("The man")]
    assert (first.words, second.words) == ((2,), (4,))  # neither "the" nor "'s"
    assert second.kinds == ("animals", "other")


def test_a_file_of_other_photos_or_another_form_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no boxed phrase of these photos"):
        read_phrases(written(tmp_path, LINE), {"b.jpg"})
    with pytest.raises(DataError, match="must be JSON lines"):
        read_phrases(written(tmp_path, {"file": "a.jpg"}), {"a.jpg"})


SENTENCE = "the man 's dog runs on grass ."
FEATURES = (
    np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.float32) / 256
)  # exact in float16


def of_a_store(tmp_path):
    with RegionStore(tmp_path / "regions", "maker", 6, writable=True) as opened:
        opened.append([("a.jpg", Regions(FEATURES, BOXES, np.ones(4), 100, 50))])
    captions = Captions.of({"a.jpg": [SENTENCE]})
    return StoreDataset(captions, RegionStore(tmp_path / "regions"))


def of_a_folder(tmp_path):
    """SCAN's layout with boxes and sizes; the second photo has fewer regions."""
    padded = np.zeros((2, 5, 6), np.float32)
    padded[0, :4], padded[1, :2] = FEATURES, 1
    np.save(tmp_path / "test_ims.npy", padded)
    np.save(tmp_path / "test_boxes.npy", np.pad(BOXES, ((0, 1), (0, 0)))[None].repeat(2, 0))
    np.save(tmp_path / "test_img_sizes.npy", np.array([[100, 50]] * 2))
    (tmp_path / "test_caps.txt").write_text(f"{SENTENCE}\n{SENTENCE}\n")
    (tmp_path / "test_ids.txt").write_text("a.jpg\nb.jpg\n")
    return open_dataset(tmp_path, "test")


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("opened", [of_a_store, of_a_folder])
def test_a_model_is_judged_phrase_by_phrase(tmp_path, opened, direction):
    dataset = opened(tmp_path)
    vocabulary = Vocabulary.build([SENTENCE], 1)
    scoring = Scoring(direction=direction)
    config = ModelConfig(feature_dim=6, embed_dim=8, word_dim=5, scoring=scoring)
    model = Model(random_checkpoint(config, vocabulary, "maker"))
    seen = []

    def locate(evidence):
        seen.append(evidence)
        return most_attended(evidence)

    tree = ground(model, dataset, written(tmp_path, LINE), {"mine": locate}).tree("mine")
    assert tree["phrases"] == len(seen)
    encoded = model.encode_captions(["The man 's dog runs on grass ."])
    regions = model.encode_features(FEATURES[None], [4])
    cosines = regions[0] @ encoded.vectors[0].T  # (R, W)
    np.testing.assert_allclose(seen[0].cosines, cosines[:, 2], atol=1e-6)
    np.testing.assert_allclose(seen[1].cosines, cosines[:, 4], atol=1e-6)
    assert all(evidence.attention.sum() == pytest.approx(1, abs=1e-5) for evidence in seen)
    assert seen[0].size == (100, 50)
    np.testing.assert_array_equal(seen[0].boxes, BOXES)


def test_folders_without_boxes_cannot_be_grounded(tmp_path):
    of_a_folder(tmp_path)
    (tmp_path / "test_img_sizes.npy").unlink()
    with pytest.raises(DataError, match=r"no _img_sizes\.npy"):
        open_dataset(tmp_path, "test").regions_of(0)
    np.save(tmp_path / "test_boxes.npy", np.array([BOXES, BOXES[:2]], dtype=object))
    with pytest.raises(DataError, match="Pad photos of fewer regions"):
        open_dataset(tmp_path, "test")


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("p.jsonl", b"[1, 2]"),
        ("p.jsonl", b"\xff"),
        ("p.jsonl", b'{"file": "a.jpg", "captions": [3]}'),
        ("p.jsonl", b'{"file": "a.jpg", "captions": [{"caption": "a", "phrases": [[]]}]}'),
        ("p.jsonl", b"[" * 100_000),
        ("p.jsonl.gz", b"no gzip"),
        ("p.jsonl.gz", gzip.compress(b'{"file": "a.jpg"}' * 99, mtime=0)[:40]),
    ],
)
def test_phrases_that_are_cut_or_of_another_form_are_refused(tmp_path, name, contents):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(DataError, match="must be JSON lines with"):
        read_phrases(tmp_path / name, {"a.jpg"})
