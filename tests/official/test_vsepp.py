"""Checkpoints of VSE++: read, scored as the official code scores them, and written back."""

import argparse
import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.datasets.dataset import open_dataset
from regard.errors import CheckpointError, DataError
from regard.evaluation.ranking import rank
from regard.evaluation.similarity import dataset_similarity
from regard.model.model import Model
from regard.official.checkpoint import import_checkpoint, load_vocabulary
from regard.official.export import export_checkpoint
from regard.words.special import SPECIAL
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

FEATURES, DIM, WORD_DIM, PHOTOS = 12, 7, 5, 9
WORDS = ("a", "dog", "runs", "two", "men", "sleep", "on", "grass")
VOCABULARY = Vocabulary((*SPECIAL, *WORDS))


class Official(nn.Module):
    """The two encoders of VSE++ over ready-made features, step by step as published."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(FEATURES, DIM)
        self.embed = nn.Embedding(len(VOCABULARY), WORD_DIM)
        self.rnn = nn.GRU(WORD_DIM, DIM, 1, batch_first=True)

    def states(self) -> list[dict[str, Tensor]]:
        whole = self.state_dict()
        return [
            {name: value for name, value in whole.items() if name.startswith("fc.") == image}
            for image in (True, False)
        ]

    def image(self, features: Float[Tensor, "row feature"]) -> Tensor:
        return unit(self.fc(features))

    def caption(self, ids: list[int]) -> Tensor:
        packed = pack_padded_sequence(self.embed(torch.tensor([ids])), [len(ids)], batch_first=True)
        read, lengths = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        last = (lengths.view(-1, 1, 1) - 1).expand(1, 1, DIM)
        return unit(torch.gather(read, 1, last).squeeze(1))


def unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.pow(2).sum(1, keepdim=True).sqrt()


def official(**options: object) -> tuple[Official, dict]:
    torch.manual_seed(3)
    model = Official()
    values = {"measure": "cosine", "use_abs": False, "no_imgnorm": False, "num_layers": 1}
    opt = argparse.Namespace(**{**values, "embed_size": DIM, "img_dim": FEATURES, **options})
    return model, {
        "epoch": 3,
        "model": model.states(),
        "best_rsum": 12.5,
        "opt": opt,
        "Eiters": 40,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Test photos five times each, one vector a photo, captions of one to nine words."""
    random = np.random.default_rng(0)
    features = random.standard_normal((PHOTOS, FEATURES)).astype(np.float32)
    np.save(tmp_path / "test_ims.npy", np.repeat(features, 5, axis=0))
    lines = (" ".join(random.choice(WORDS, random.integers(1, 10))) for _ in range(5 * PHOTOS))
    (tmp_path / "test_caps.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


@torch.no_grad()
def official_scores(model: Official, folder: Path) -> np.ndarray:
    features = torch.from_numpy(np.load(folder / "test_ims.npy"))
    lines = (folder / "test_caps.txt").read_text().splitlines()
    rows = [[1, *(VOCABULARY.index[word] for word in tokenize(line)), 2] for line in lines]
    captions = torch.cat([model.caption(row) for row in rows])
    scores: np.ndarray = model.image(features)[::5].mm(captions.t()).numpy()
    return scores


@pytest.mark.parametrize("prefix", ["", "module.module."])
def test_imported_model_scores_as_the_official_code(folder: Path, prefix: str) -> None:
    model, contents = official()
    expected = official_scores(model, folder)
    contents["model"] = [{prefix + n: v for n, v in part.items()} for part in contents["model"]]
    torch.save(contents, folder / "model_best.pth.tar")
    checkpoint = import_checkpoint(folder / "model_best.pth.tar", VOCABULARY)
    dataset = open_dataset(folder, "test")
    scores = dataset_similarity(Model(checkpoint), dataset)
    assert scores.shape == (PHOTOS, 5 * PHOTOS)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    order = expected.argsort(1)[:, ::-1]
    first = [min(list(row).index(5 * n + k) for k in range(5)) + 1 for n, row in enumerate(order)]
    assert rank(scores, dataset.captions.photo_of_caption, "official").of_images.tolist() == first


def test_export_gives_back_the_same_file_contents(folder: Path) -> None:
    _, contents = official(margin=0.3)
    torch.save(contents, folder / "model_best.pth.tar")
    checkpoint = import_checkpoint(folder / "model_best.pth.tar", VOCABULARY)
    export_checkpoint(folder / "out.pth.tar", checkpoint)
    written = torch.load(folder / "out.pth.tar", weights_only=False)
    for state, wanted in zip(written["model"], contents["model"], strict=True):
        assert state.keys() == wanted.keys()
        assert all(torch.equal(state[name], value) for name, value in wanted.items())
    assert (written["opt"].measure, written["opt"].margin) == ("cosine", 0.3)
    assert not hasattr(written["opt"], "cross_attn")
    again = import_checkpoint(folder / "out.pth.tar", VOCABULARY)
    assert again.config == checkpoint.config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "order"}, "--measure order"),
        ({"use_abs": True}, "--use_abs"),
        ({"no_imgnorm": True}, "--no_imgnorm"),
    ],
)
def test_other_kinds_are_refused(tmp_path: Path, options: dict, message: str) -> None:
    torch.save(official(**options)[1], tmp_path / "model.pth.tar")
    with pytest.raises(CheckpointError, match=message):
        import_checkpoint(tmp_path / "model.pth.tar", VOCABULARY)


def test_unknown_parts_are_never_left_out_in_silence(tmp_path: Path) -> None:
    _, contents = official()
    contents["model"][0]["Rs_GCN_1.g.weight"] = torch.ones(2, 2, 1)
    torch.save(contents, tmp_path / "vsrn.pth.tar")
    with pytest.raises(CheckpointError, match=r"Rs_GCN_1\.g\.weight"):
        import_checkpoint(tmp_path / "vsrn.pth.tar", VOCABULARY)


def pickled(path: Path, module: str, protocol: int, **values: object) -> Path:
    """A vocabulary pickled as an object of `module.Vocabulary`, as VSE++ keeps them."""
    vocabulary_class = type("Vocabulary", (), {"__module__": module})
    fake = ModuleType(module)
    fake.Vocabulary = vocabulary_class
    before = sys.modules.get(module)
    sys.modules[module] = fake
    try:
        one = vocabulary_class()
        vars(one).update(values)
        path.write_bytes(pickle.dumps(one, protocol))
    finally:
        sys.modules.pop(module)
        if before is not None:
            sys.modules[module] = before
    return path


@pytest.mark.parametrize("module", ["vocab", "__main__"])
def test_pickled_vocabularies_are_read(tmp_path: Path, module: str) -> None:
    index = dict(reversed(VOCABULARY.index.items()))
    words = {number: word for word, number in index.items()}
    path = pickled(tmp_path / "v.pkl", module, 2, word2idx=index, idx2word=words, idx=len(words))
    assert load_vocabulary(path) == VOCABULARY
    VOCABULARY.save(tmp_path / "v.json")
    assert load_vocabulary(tmp_path / "v.json") == VOCABULARY


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> object:
        return Path.touch, (self.target,)


def test_a_crafted_vocabulary_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    path = pickled(tmp_path / "v.pkl", "vocab", 2, word2idx={}, extra=Attack(tmp_path / "ran"))
    with pytest.raises(CheckpointError, match="nothing was run"):
        load_vocabulary(path)
    assert not (tmp_path / "ran").exists()
    function, arguments = Attack(tmp_path / "ran").__reduce__()
    function(*arguments)  # the attack is a real one
    assert (tmp_path / "ran").exists()


def test_damaged_and_odd_vocabularies_are_refused(tmp_path: Path) -> None:
    for values in ({"word2idx": [1]}, {"word2idx": {"a": "b"}}, {}):
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_vocabulary(pickled(tmp_path / "v.pkl", "vocab", 2, **values))
    with pytest.raises(DataError, match="have gaps"):
        load_vocabulary(pickled(tmp_path / "v.pkl", "vocab", 2, word2idx={"<pad>": 1}))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_vocabulary(tmp_path / "none.pkl")
