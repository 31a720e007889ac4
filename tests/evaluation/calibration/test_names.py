"""Names of things as queries of which it is known what shows them."""

import json

import numpy as np
import pytest
from tests.small import random_checkpoint

from regard.core.model_config import ModelConfig
from regard.errors import DataError
from regard.evaluation.calibration.names import load_named, name_cases
from regard.evaluation.similarity import score_tile
from regard.model.background import Background
from regard.model.model import Model
from regard.store.region_store import Regions, RegionStore
from regard.words.vocabulary import Vocabulary

ROWS = [
    {"set": "rooms", "photo": f"{n}.jpg", "names": ["bed"] * (n % 4 < 2) + ["wall"]}
    for n in range(8)
] + [{"set": "streets", "photo": "s.jpg", "names": []}]


def write(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_sets_stay_apart(tmp_path):
    rooms, streets = load_named(write(tmp_path / "names.jsonl", ROWS))
    assert (rooms.title, rooms.names) == ("rooms", ("bed", "wall"))
    assert rooms.shown[:, 0].tolist() == [True, True, False, False] * 2
    assert rooms.shown[:, 1].all()
    assert streets.shown.shape == (1, 0)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"names are .*none.jsonl"):
        load_named(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match=r"line 2 of .*must be an object with set, photo and names"):
        load_named(write(tmp_path / "names.jsonl", [ROWS[0], {"photo": "a"}]))


def test_names_ask_for_photos_of_either_half(tmp_path):
    generator = np.random.default_rng(0)
    config = ModelConfig(feature_dim=6, embed_dim=8, word_dim=5)
    model = Model(random_checkpoint(config, Vocabulary.build(["a bed", "a wall"], 1)))
    model.background = Background.of(generator.normal(size=(9, 8)), generator.normal(size=(9, 8)))
    (rooms, _) = load_named(write(tmp_path / "names.jsonl", ROWS))
    with RegionStore(tmp_path / "store", "maker", 6, writable=True) as store:
        rows = generator.normal(size=(8, 3, 6)).astype(np.float32)
        rest = np.zeros((3, 4), np.float32), np.ones(3, np.float32), 9, 9
        store.append((f"{n}.jpg", Regions(rows[n], *rest)) for n in range(8))
        halves = name_cases(model, store, rooms)
    for first, cases in enumerate(halves):
        assert set(cases.query) == {0}  # all photos show a wall: no query without an answer
        assert set(cases.among) == {1, 2}  # two of four photos show no bed
        photos = np.arange(first, 8, 2)
        encoded = model.encode_features(rows[photos], np.full(4, 3))
        bed = model.encode_captions("bed")
        scores = score_tile(model, encoded, np.full(4, 3), bed)[:, 0]
        without, wrong = cases.inputs[~cases.has_answer, 0], scores[~rooms.shown[photos, 0]]
        assert without.max() == pytest.approx(wrong.max(), abs=1e-3)  # stores keep half precision
