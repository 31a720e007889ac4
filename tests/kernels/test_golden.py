"""Every backend equals what the official code computed, all 72 combinations of each recording."""

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tests.conftest import GOLDEN

from regard.core.scoring import Scoring
from regard.kernels import Backend, attention, similarity_matrix

HERE = Path(__file__).parents[1] / "golden"
NAMES = sorted({path.stem for path in (*HERE.glob("scores_*.npz"), *GOLDEN.glob("scores_*.npz"))})
POOLING = {"LogSumExp": "lse", "Mean": "mean", "Max": "max", "Sum": "sum"}


def load(name: str):
    for folder in (GOLDEN, HERE):
        if (folder / f"{name}.npz").exists():
            entries = json.loads((folder / f"{name}.json").read_text())
            return np.load(folder / f"{name}.npz"), entries
    pytest.skip(f"{name}.npz is in neither {HERE} nor {GOLDEN}")


@pytest.mark.parametrize("backend", get_args(Backend))
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_recordings(name, backend):
    arrays, entries = load(name)
    assert len(entries["scores"]) == 72 or name not in ("scores_small", "scores_real")
    for entry in entries["scores"]:
        similarities = similarity_matrix(
            arrays["images"],
            arrays["captions"],
            arrays["lengths"],
            direction=entry["direction"],
            pooling=POOLING[entry["agg"]],
            normalization=entry["raw_feature_norm"],
            lambda_softmax=entry["lambda_softmax"],
            lambda_lse=entry["lambda_lse"],
            backend=backend,
        )
        wanted = arrays[entry["array"]]
        assert isinstance(similarities, np.ndarray)
        assert similarities.dtype == np.float32
        # sums reach 27, where float32 itself is known to 2e-6 only
        np.testing.assert_allclose(similarities, wanted, atol=2e-6, rtol=1e-6, err_msg=str(entry))


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("name", NAMES)
def test_attention_equals_the_recordings(name, direction):
    arrays, _ = load(name)
    words = arrays["captions"][0][: arrays["lengths"][0]]
    maps = attention(arrays["images"][0], words, Scoring(direction=direction))
    wanted = arrays[f"attention_{direction}"].reshape(maps.weights.T.shape).T
    np.testing.assert_allclose(maps.weights, wanted, atol=2e-6)
