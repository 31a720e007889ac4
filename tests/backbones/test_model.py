"""A backbone is a model: indexed, searched, explained and served as any other."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.tiny import FAMILIES, SENTENCES
from tests.cli.conftest import invoke
from tests.small import draw
from tests.web.conftest import client_of

import regard
from regard.backbones.scores import WholeScores
from regard.backbones.siglip import Siglip
from regard.errors import CheckpointError, DataError, StoreError
from regard.indexing import update_index
from regard.regions.extractor import at_device, load_extractor
from regard.search import Index
from regard.search.captions import rank_captions
from regard.words.tokens import tokenize


@pytest.fixture(params=FAMILIES)
def model(request, tiny_folders):
    return regard.load(tiny_folders[request.param])


@pytest.fixture
def photos(tmp_path):
    for seed in range(20):
        draw(tmp_path / f"photos/{seed}.png", seed, (90, 60))
    return tmp_path / "photos"


def test_what_ranks_is_the_whole_photo_with_the_whole_sentence(model, photos):
    images = model.encode_images(sorted(photos.iterdir()))
    captions = model.encode_captions(SENTENCES)
    looks = [model.backbone.look(Image.open(path)).pixels for path in sorted(photos.iterdir())]
    seen = model.backbone.see(np.stack(looks), np.ones((1, 16), bool)).whole
    words = [list(row[1:]) for row in captions.words]
    heard = np.stack([one.whole for one in model.backbone.hear(words, SENTENCES)])
    similarities = model.similarity(images, captions)
    np.testing.assert_allclose(similarities, seen @ heard.T, atol=1e-5)
    explanation = model.explain(images.photo(3), captions.caption(1))
    assert explanation.similarity == pytest.approx(similarities[3, 1], abs=1e-5)
    assert sum(word.share for word in explanation.words) == pytest.approx(explanation.similarity)
    first, *others = explanation.words
    assert first.word == "<sentence>"
    assert first.is_sentence_end
    assert "<sentence>" not in [word.word for word in explanation.sentence_words]
    assert [word.word for word in others] == words[1]
    shares = [word.share for word in others]
    assert any(shares) == (model.backbone.family == "tipsv2")
    for word in others:
        assert word.attention[0] == 0
        assert word.attention.sum() == pytest.approx(1)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "chosen", [*FAMILIES, *(f"{family}:grid" for family in FAMILIES), "tipsv2:grid:synthetic"]
)
def test_shares_sum_to_the_similarity_whatever_is_chosen(tiny_folders, chosen, weight):
    family, colon, options = chosen.partition(":")
    model = regard.load(f"{tiny_folders[family]}{colon}{options}")
    model.scores = WholeScores(weight)
    words = sorted({word for sentence in SENTENCES for word in tokenize(sentence)})

    @settings(deadline=None, max_examples=5, database=None)
    @given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(words), min_size=1, max_size=12))
    def holds(seed, said):
        pixels = np.random.default_rng(seed).integers(0, 255, (9, 7, 3), np.uint8)
        photo, sentence = Image.fromarray(pixels), " ".join(said)
        assume(tokenize(sentence))
        similarity = float(model.similarity([photo], sentence)[0, 0])
        explanation = model.explain_photo(photo, sentence)
        assert explanation.similarity == pytest.approx(similarity, abs=1e-5)
        assert sum(word.share for word in explanation.words) == pytest.approx(similarity, abs=1e-5)

    holds()


def test_words_join_by_a_weight(tiny_folders, photos):
    from regard.backbones.fitted import Fitted
    from regard.backbones.loading import load_backbone
    from regard.backbones.model import BackboneModel
    from regard.backbones.settings import Choice

    choice = Choice(str(tiny_folders["clip"]))
    model = BackboneModel(choice, load_backbone(choice), Fitted({}, 0.5))
    plain = BackboneModel(choice, load_backbone(choice))
    images = model.encode_images(sorted(photos.iterdir()))
    captions = model.encode_captions(SENTENCES)
    similarities = model.similarity(images, captions)
    assert abs(similarities - plain.similarity(images, captions)).max() > 0.01
    explanation = model.explain(images.photo(2), captions.caption(0))
    assert sum(w.share for w in explanation.words) == pytest.approx(similarities[2, 0], abs=1e-5)
    assert all(word.share for word in explanation.sentence_words)
    update_index(photos.parent / "index", photos, model)
    with Index.open(photos.parent / "index", model) as index:
        hits = index.search(SENTENCES[0], 20).hits
        assert len(hits) == 20
        for hit in hits:
            assert hit.similarity == pytest.approx(hit.explain().similarity, abs=2e-3)
        assert [h.similarity for h in hits] == sorted((h.similarity for h in hits), reverse=True)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_index_finds_what_scoring_every_photo_finds(model, photos, compressed):
    update_index(photos.parent / "index", photos, model, compressed=compressed)
    files = sorted(photos.iterdir())
    similarities = model.similarity(files, SENTENCES[1])[:, 0]
    with Index.open(photos.parent / "index") as index:
        assert len(index) == 20
        result = index.search(SENTENCES[1], 20)
        assert result.unknown_words == {}
        assert result.verdict is None
        for hit in result.hits:
            wanted = similarities[files.index(hit.photo.path)]
            assert hit.similarity == pytest.approx(wanted, abs=2e-2 if compressed else 2e-3)
            assert sum(w["share"] for w in hit.words()) == pytest.approx(hit.similarity, abs=2e-3)
            assert hit.probability is None
        found = index.similar(result.hits[0].photo.id, 3).hits
        assert len(found) == 3
        assert result.hits[0].photo.id not in [hit.photo.id for hit in found]
        mixed = index.search(regard.Query.parse("red circle; -0.5: a dog", like=[files[4]]), 3)
        assert len(mixed.hits) == 3
        draw(photos / "new.png", 99)
        update_index(photos.parent / "index", photos, model)
        index.refresh()
        assert len(index.search(SENTENCES[1], 30).hits) == 21


def test_another_model_is_told_from_it(tiny_folders, photos):
    model = regard.load(tiny_folders["clip"])
    update_index(photos.parent / "index", photos, model)
    for other in (tiny_folders["siglip"], f"{tiny_folders['clip']}:grid"):
        with pytest.raises(StoreError, match="was made by the model"):
            Index.open(photos.parent / "index", regard.load(other))


def test_a_grid_has_a_region_for_each_patch(tiny_folders, photos):
    model = regard.load(f"{tiny_folders['tipsv2']}:grid:synthetic")
    images = model.encode_images([photos / "0.png"])
    assert images.counts.tolist() == [17]
    assert model.source.endswith(":grid:synthetic")
    assert load_extractor(f"backbone:{model.source}").identity == model.identity


def test_broken_photos_are_skipped_and_named(tiny_folders, photos):
    (photos / "broken.jpg").write_bytes(b"no photo at all")
    report = update_index(photos.parent / "index", photos, regard.load(tiny_folders["tipsv2"]))
    assert report.added == 20
    assert [path.endswith("broken.jpg") for path in report.skipped] == [True]


def test_sentences_are_ranked_for_a_photo(model, photos):
    ranked = rank_captions(model, photos / "3.png", [*SENTENCES, "", SENTENCES[0]])
    assert sorted(one.line for one in ranked) == [1, 2, 3, 4]
    wanted = model.similarity([photos / "3.png"], SENTENCES)[0]
    assert [one.similarity for one in ranked] == pytest.approx(sorted(wanted, reverse=True))
    assert ranked[0].probability is None


def test_sentences_without_a_word_are_refused(tiny_folders):
    model = regard.load(tiny_folders["clip"])
    with pytest.raises(DataError, match="1 of them without a word"):
        model.encode_captions(["a dog", " "])
    with pytest.raises(CheckpointError, match="is a backbone"):
        model.save_pretrained("somewhere")


def test_the_page_asks_it(tiny_folders, photos):
    for family in ("siglip", "tipsv2"):
        folder = photos.parent / family
        update_index(folder, photos, regard.load(tiny_folders[family]))
        with Index.open(folder) as index, client_of(index) as client:
            answer = client.get("/api/v1/search", params={"q": "a red circle"}).json()
            assert len(answer["hits"]) == 20
            words = answer["words"]
            assert [word["text"] for word in words] == ["sentence", "a", "red", "circle"]
            assert [word["marker"] for word in words] == [True, False, False, False]
            weights = {"q": "a red circle", "weights": "1,1,1,0"}
            assert client.get("/api/v1/search", params=weights).status_code == 200
            photo = answer["hits"][0]["photo"]["id"]
            asked = {"q": "a red circle"}
            explained = client.get(f"/api/v1/photos/{photo}/explain", params=asked).json()
            total = sum(word["share"] for word in explained["maps"]["words"])
            assert total == pytest.approx(explained["similarity"], abs=1e-3)
            assert client.get(f"/api/v1/photos/{photo}/figure.png", params=asked).status_code == 200
            assert client.get(f"/api/v1/photos/{photo}/captions").json()["captions"]
            assert client.get("/api/v1/suggestions").status_code == 200


def test_the_command_line_asks_it(tiny_folders, photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    folder = tiny_folders["siglip2"]
    done = invoke("index", photos, "--model", folder)
    assert done.exit_code == 0, done.output
    found = invoke("search", "a red circle", "-k", 2, "--json")
    assert found.exit_code == 0, found.output
    assert len(json.loads(found.stdout)) == 2
    assert invoke("search", "a red circle").exit_code == 0
    explained = invoke("explain", photos / "0.png", "a red circle", "--model", folder)
    assert explained.exit_code == 0, explained.output
    (photos.parent / "lines.txt").write_text("a dog\na red circle\n")
    captions = invoke("captions", photos / "0.png", "--from", "lines.txt", "--model", folder)
    assert captions.exit_code == 0, captions.output
    scored = invoke("score", photos / "0.png", "a red circle", "--model", folder)
    assert scored.exit_code == 0, scored.output


def test_a_device_that_is_not_there_is_refused(tiny_folders, photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    for model, message in (
        (tiny_folders["clip"], "torch must find it, and finds 0"),
        (f"{tiny_folders['clip']}@cuda", "torch must find it, and finds 0"),
        ("flickr8k", "device is 'cuda'"),
    ):
        done = invoke("index", photos, "--model", model, "--device", "cuda")
        assert message in str(done.exception)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    done = invoke("index", photos, "--model", "flickr8k", "--device", "cuda")
    assert "it must be cpu, on which this model sees photos" in str(done.exception)


def test_an_index_is_made_on_the_device_that_is_named(tiny_folders, photos, monkeypatch):
    """No card is needed: where networks are put is written down, and they stay where they are."""
    monkeypatch.chdir(photos.parent)
    folder = shutil.copytree(tiny_folders["siglip"], photos.parent / "copy")
    moved, together = [], []
    see = Siglip.see

    def counted(self, pixels, inside):
        together.append(len(pixels))
        return see(self, pixels, inside)

    monkeypatch.setattr(Siglip, "see", counted)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.nn.Module.to", lambda self, where: moved.append(where) or self)
    done = invoke("index", photos, "--model", folder, "--device", "cuda")
    assert done.exit_code == 0, done.output
    assert moved == ["cuda"]
    assert together == [20]  # eight on a processor
    assert load_extractor(f"backbone:{folder}@cuda").at_once == 64
    with Index.open(".regard-index") as index:
        assert index.model.source == str(folder)
    assert at_device("siglip2-b16:grid", "cuda:1") == "siglip2-b16:grid@cuda:1"
    assert at_device("", "cuda") == ""
