"""Sentences and photos embedded a second, and sentences tokenised a second."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from regard.core.model_config import ModelConfig
from regard.kernels import set_threads
from regard.model.checkpoint import Checkpoint
from regard.model.encoders import shapes
from regard.model.model import Model
from regard.words.tokens import tokenize
from regard.words.vocabulary import SPECIAL, Vocabulary

_TEXT = "a man woman dog in red shirt runs on the green grass near two children with ball"
_WORDS = _TEXT.split()


def _sentences(count: int) -> list[str]:
    """As many as in Flickr30K need every rule of the tokenizer, 3.5 %, have an apostrophe."""
    rng = np.random.default_rng(0)
    plain = [" ".join(rng.choice(_WORDS, rng.integers(6, 20))) + " ." for _ in range(count)]
    return ["the man's " + text if n % 28 == 0 else text for n, text in enumerate(plain)]


def _rate(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def measure(captions: int = 2000, images: int = 500, threads: int = 1) -> dict[str, Any]:
    """Rates at the paper's sizes (2048 -> 1024, bi-GRU), random weights."""
    set_threads(threads)
    generator, vocabulary = np.random.default_rng(0), Vocabulary((*SPECIAL, *_WORDS))
    sizes = shapes(ModelConfig(), len(vocabulary)).items()
    weights = {name: generator.normal(0, 0.05, shape) for name, shape in sizes}
    model = Model(Checkpoint(ModelConfig(), weights, vocabulary, "", {}))
    sentences = _sentences(captions)
    features = generator.random((images, 36, 2048), np.float32)
    counts = np.full(images, 36)
    tokenize(sentences[0])
    model.encode_captions(sentences[:32])
    tokenised = _rate(captions, lambda: [tokenize(s) for s in sentences])
    encoded = _rate(captions, lambda: model.encode_captions(sentences))
    embedded = _rate(images, lambda: model.encode_features(features, counts))
    return {
        "sentences_tokenised_per_second": tokenised,
        "sentences_encoded_per_second": encoded,
        "images_encoded_per_second": embedded,
        "threads": threads,
    }
