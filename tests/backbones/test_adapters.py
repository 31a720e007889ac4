"""Every family gives what transformers gives, whole; windows and words on top of it."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.backbones.tiny import FAMILIES, SENTENCES  # noqa: E402

from regard.backbones.loading import load_backbone  # noqa: E402
from regard.backbones.settings import Choice  # noqa: E402
from regard.backbones.siglip import pooled  # noqa: E402
from regard.backbones.tips import Tips  # noqa: E402
from regard.backbones.windows import boxes_of, inside  # noqa: E402
from regard.words.tokens import tokenize  # noqa: E402

WORDS = [tokenize(sentence) for sentence in SENTENCES]


def picture(seed, width=71, height=50):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def model_of(folder):
    return transformers.AutoModel.from_pretrained(folder).eval()


def tokens(folder, family, texts):
    """What transformers' own processor would give for lower-cased texts."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    fill = "max_length" if family.startswith("siglip") else "longest"
    length = 77 if family == "clip" else 64
    options = {"padding": fill, "max_length": length, "truncation": True, "padding_side": "right"}
    found = tokenizer([text.lower() for text in texts], return_tensors="pt", **options)
    names = ["input_ids", *(["attention_mask"] if family == "tipsv2" else [])]
    return {name: found[name] for name in names}


def unit(vectors):
    return torch.nn.functional.normalize(vectors, dim=-1).detach().numpy()


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def folder(tiny_folders, family):
    return tiny_folders[family]


@pytest.fixture
def backbone(folder):
    return load_backbone(Choice(str(folder))).backbone


def windows(backbone):
    return inside(boxes_of("pyramid", backbone.cells), backbone.cells)


def pixels(backbone, count=3):
    return np.stack([backbone.look(picture(seed)).pixels for seed in range(count)])


def test_it_is_known_for_what_it_is(backbone, family):
    assert backbone.family == family
    assert backbone.is_made_of_words == (family == "tipsv2")
    assert (backbone.side, backbone.cells) == (32, 4)


@torch.inference_mode()
def test_whole_photos_are_those_of_transformers(backbone, folder):
    given = pixels(backbone)
    wanted = model_of(folder).get_image_features(pixel_values=torch.from_numpy(given))
    seen = backbone.see(given, windows(backbone))
    np.testing.assert_allclose(seen.whole, unit(wanted.pooler_output), atol=1e-5)


@torch.inference_mode()
def test_whole_sentences_are_those_of_transformers(backbone, folder, family):
    wanted = model_of(folder).get_text_features(**tokens(folder, family, SENTENCES))
    heard = backbone.hear(WORDS, SENTENCES)
    wholes = np.stack([one.whole for one in heard])
    np.testing.assert_allclose(wholes, unit(wanted.pooler_output), atol=1e-5)


def test_vectors_have_unit_length_and_words_their_places(backbone):
    seen = backbone.see(pixels(backbone), windows(backbone))
    assert seen.regions.shape == (3, 36, backbone.dim)
    np.testing.assert_allclose(np.linalg.norm(seen.regions, axis=-1), 1, atol=1e-5)
    for heard, words in zip(backbone.hear(WORDS, SENTENCES), WORDS, strict=True):
        assert heard.words.shape == (len(words), backbone.dim)
        lengths = np.linalg.norm(heard.words, axis=-1)
        assert ((abs(lengths - 1) < 1e-5) | (lengths == 0)).all()


def test_neither_batch_nor_padding_changes_anything(backbone):
    given = pixels(backbone)
    together = backbone.see(given, windows(backbone))
    for row in range(len(given)):
        alone = backbone.see(given[row : row + 1], windows(backbone))
        np.testing.assert_allclose(alone.whole[0], together.whole[row], atol=1e-6)
        np.testing.assert_allclose(alone.regions[0], together.regions[row], atol=1e-6)
    many = backbone.hear(WORDS, SENTENCES)
    for heard, words, sentence in zip(many, WORDS, SENTENCES, strict=True):
        alone = backbone.hear([words], [sentence])[0]
        for mine, theirs in zip(alone, heard, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_texts_are_padded_on_the_right_with_the_checkpoints_own_sign(tiny_folders, tmp_path, kind):
    """Whatever side the tokenizer says, to the length that the network was trained on."""
    folder = shutil.copytree(tiny_folders[kind], tmp_path / "left")
    path = folder / "tokenizer_config.json"
    tree = {**json.loads(path.read_text()), "padding_side": "left", "pad_token": "<mask>"}
    path.write_text(json.dumps(tree))
    backbone = load_backbone(Choice(str(folder))).backbone
    tokenizer = backbone._reader._tokenizer
    assert (tokenizer.padding_side, tokenizer.pad_token) == ("left", "<mask>")
    given = []
    features = backbone._network.get_text_features

    def record(input_ids):
        given.append(input_ids[0].tolist())
        return features(input_ids=input_ids)

    backbone._network.get_text_features = record
    backbone.hear([["red"]], ["Red"])
    own = tokenizer("red")["input_ids"]
    assert given == [own + [tokenizer.pad_token_id] * (64 - len(own))] * 2  # sentence and word


def test_a_window_over_everything_is_the_whole_photo(tiny_folders):
    """The pooling head with a mask of ones; CLIP's class token besides looks at itself."""
    backbone = load_backbone(Choice(str(tiny_folders["siglip2"]))).backbone
    everything = np.ones((1, 16), bool)
    seen = backbone.see(pixels(backbone), everything)
    np.testing.assert_allclose(seen.regions[:, 0], seen.whole, atol=1e-6)


@torch.inference_mode()
def test_masks_of_ones_equal_what_the_pooling_head_gives(tiny_folders):
    model = model_of(tiny_folders["siglip2"]).vision_model
    states = torch.randn(2, 16, 32)
    ones = torch.ones(1, 16, dtype=torch.bool)
    torch.testing.assert_close(pooled(model.head, states, ones)[:, 0], model.head(states))


def test_windows_see_their_own_patches_only(backbone, family):
    """Changing a photo outside a window leaves patches' own values; here: two windows differ."""
    left, right = np.zeros((2, 4, 4), bool)
    left[:, :2], right[:, 2:] = True, True
    masks = np.stack([left, right]).reshape(2, -1)
    seen = backbone.see(pixels(backbone, 1), masks)
    assert abs(seen.regions[0, 0] - seen.regions[0, 1]).max() > 1e-4


@torch.inference_mode()
def test_values_take_the_place_of_attention_in_the_last_block(tiny_folders):
    """One patch as a window is what the published recipe for values gives, step by step."""
    folder = tiny_folders["tipsv2"]
    backbone = load_backbone(Choice(str(folder))).backbone
    given = pixels(backbone, 1)
    tower = model_of(folder).vision_model
    x = tower.embeddings(torch.from_numpy(given))
    for layer in tower.encoder.layer[:-1]:
        x = layer(x, None)
    last = tower.encoder.layer[-1]
    values = last.attention.o_proj(last.attention.v_proj(last.norm1(x)))
    x = x + last.layer_scale1(values)
    x = x + last.layer_scale2(last.mlp(last.norm2(x)))
    patches = unit(tower.layernorm(x)[:, 2:])
    seen = backbone.see(given, np.eye(16, dtype=bool))
    np.testing.assert_allclose(seen.regions, patches, atol=1e-5)
    pair = backbone.see(given, np.array([[True, True, *[False] * 14]]))
    mean = patches[0, :2].mean(0)
    np.testing.assert_allclose(pair.regions[0, 0], mean / np.linalg.norm(mean), atol=1e-5)


@torch.inference_mode()
def test_the_other_class_token_and_the_ordinary_block_can_be_asked_for(tiny_folders):
    folder = tiny_folders["tipsv2"]
    model = model_of(folder)
    given = torch.from_numpy(pixels(load_backbone(Choice(str(folder))).backbone))
    states = model.vision_model(pixel_values=given).last_hidden_state
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    other = Tips(model, tokenizer, {}, "synthetic", by_values=False)
    seen = other.see(given.numpy(), np.eye(16, dtype=bool))
    np.testing.assert_allclose(seen.whole, unit(states[:, 1]), atol=1e-5)
    np.testing.assert_allclose(seen.regions, unit(states[:, 2:]), atol=1e-5)
    named = load_backbone(Choice(str(folder), synthetic=True)).backbone
    np.testing.assert_allclose(named.see(given.numpy(), np.eye(16, dtype=bool)).whole, seen.whole)


def test_sentences_of_tips_are_the_sum_of_their_words(tiny_folders):
    backbone = load_backbone(Choice(str(tiny_folders["tipsv2"]))).backbone
    for heard in backbone.hear(WORDS, SENTENCES):
        np.testing.assert_allclose(heard.parts @ heard.words, heard.whole, atol=1e-6)


def test_words_of_the_others_are_read_by_themselves_and_remembered(tiny_folders, monkeypatch):
    backbone = load_backbone(Choice(str(tiny_folders["clip"]))).backbone
    alone = backbone.hear([["red"]], ["Red"])[0]
    np.testing.assert_allclose(alone.words[0], alone.whole, atol=1e-6)
    assert not alone.parts.any()
    asked = []
    read = backbone._reader._read
    monkeypatch.setattr(backbone._reader, "_read", lambda texts: asked.append(texts) or read(texts))
    backbone.hear([["red", "red"]], ["red red"])
    assert asked == [["red red"]]


def test_what_is_too_long_is_cut_off(backbone):
    long = ["red"] * 300
    heard = backbone.hear([long], [" ".join(long)])[0]
    assert heard.words.shape == (300, backbone.dim)
    assert np.isfinite(heard.words).all()
    np.testing.assert_allclose(np.linalg.norm(heard.whole), 1, atol=1e-5)
