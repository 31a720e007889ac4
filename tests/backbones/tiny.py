"""Tiny checkpoints of random weights in the hub's layout, one of each family."""

import json

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

SENTENCES = (
    "A red circle, and a blue square on the sand.",
    "there is a large green star above a ring",
    "a dog's ball",
    "The water with a purple cross",
)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
VISION = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
FAMILIES = ("clip", "siglip", "siglip2", "tipsv2")


def bpe(sentences, size, special, *, spaces, suffix=None):
    """Vocabulary and merges of pieces learned from sentences."""
    tokenizer = Tokenizer(models.BPE(**({"end_of_word_suffix": suffix} if suffix else {})))
    if spaces == "byte":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.WhitespaceSplit(),
                pre_tokenizers.Punctuation(),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    elif spaces == "under":
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_previous")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    alphabet = pre_tokenizers.ByteLevel.alphabet() if spaces == "byte" else []
    options = {"end_of_word_suffix": suffix} if suffix else {}
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=alphabet,
        show_progress=False,
        **options,
    )
    tokenizer.train_from_iterator([text.lower() for text in sentences], trainer)
    tree = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split()) for m in tree["merges"]]
    return tree["vocab"], merges


def clip_tokenizer(sentences=SENTENCES, size=420):
    special = ("<|startoftext|>", "<|endoftext|>")
    vocab, merges = bpe(sentences, size, special, spaces="byte", suffix="</w>")
    for sign in [s for s in vocab if len(s) == 1]:
        vocab.setdefault(f"{sign}</w>", len(vocab))
    return transformers.CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


def gemma_tokenizer(sentences=SENTENCES, size=150):
    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    vocab, merges = bpe(sentences, size, special, spaces="under")
    return transformers.Siglip2Tokenizer(vocab=vocab, merges=merges, model_max_length=64)


def tips_tokenizer(sentences=SENTENCES, size=150):
    vocab, merges = bpe(sentences, size, ("<pad>", "<unk>"), spaces="meta")
    return transformers.Tipsv2Tokenizer(vocab=vocab, merges=merges)


def clip_network(vocabulary, side=32, text=None, vision=None, **more):
    return transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={
                **TEXT,
                "vocab_size": vocabulary,
                "bos_token_id": 0,
                "eos_token_id": 1,
                "pad_token_id": 1,
                **(text or {}),
            },
            vision_config={
                **VISION,
                "intermediate_size": 48,
                "image_size": side,
                "patch_size": 8,
                **(vision or {}),
            },
            projection_dim=24,
            **more,
        )
    )


def siglip_network(vocabulary, side=32, text=None, vision=None):
    return transformers.SiglipModel(
        transformers.SiglipConfig(
            text_config={**TEXT, "vocab_size": vocabulary, "pad_token_id": 0, **(text or {})},
            vision_config={
                **VISION,
                "intermediate_size": 48,
                "image_size": side,
                "patch_size": 8,
                **(vision or {}),
            },
        )
    )


def tips_network(vocabulary, side=32, text=None, vision=None, **more):
    return transformers.Tipsv2Model(
        transformers.Tipsv2Config(
            text_config={**TEXT, "vocab_size": vocabulary, **(text or {})},
            vision_config={**VISION, "image_size": side, "patch_size": 8, **(vision or {})},
            **more,
        )
    )


def processing(family, side):
    """What preprocessor_config.json says in a checkpoint of a family; None has no such file."""
    if family == "tipsv2":
        return None
    if family == "clip":
        return {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    return {
        "size": {"height": side, "width": side},
        "resample": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }


def write(folder, family, network, tokenizer, side=32):
    """A checkpoint as the hub keeps it."""
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tree = processing(family, side)
    if tree is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(tree))
    return folder


def save_tiny(folder, family, seed=0):
    """A checkpoint of random weights large enough that rounding tells nothing apart."""
    torch.manual_seed(seed)
    if family == "clip":
        tokenizer = clip_tokenizer()
        network = clip_network(len(tokenizer))
    elif family == "tipsv2":
        tokenizer = tips_tokenizer()
        network = tips_network(len(tokenizer))
    else:
        tokenizer = gemma_tokenizer()
        many = 256_000 if family == "siglip2" else len(tokenizer)
        network = siglip_network(many, text={"hidden_size": 32})
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim and parameter.abs().max() < 1e-6:  # biases and registers at 0
                parameter.normal_(0, 0.05)
    return write(folder, family, network.eval(), tokenizer)
