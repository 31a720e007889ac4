"""A tiny BERT of random weights, saved in the hub's layout: what stands for bert-base-uncased."""

import json

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("a", "one", "two", "dog", "animal", "red", "green", "blue", "white", "black", "brown")
SIGNS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def tokenizer():
    """WordPiece over a few words and all letters, framed as BERT's is."""
    pieces = [*SIGNS, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(sign, numbers[sign]) for sign in ("[SEP]", "[CLS]")]
    made.post_processor = processors.BertProcessing(*ends)
    made.enable_truncation(8)
    return made


def save_bert(folder, seed=0, **more):
    """Write config.json, model.safetensors and tokenizer.json; gives the folder."""
    torch.manual_seed(seed)
    made = tokenizer()
    sizes = {
        "vocab_size": made.get_vocab_size(),
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 40,
        "max_position_embeddings": 16,
    }
    network = transformers.BertModel(transformers.BertConfig(**sizes), add_pooling_layer=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    network.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    if more:
        tree = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**tree, **more}))
    return folder
