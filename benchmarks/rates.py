"""Photos extracted, photos and sentences embedded, and sentences tokenised a second, as JSON.

    python benchmarks/rates.py [--processes 1 2]

`run.py` writes them to RESULTS.md.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from regard.core.model_config import ModelConfig
from regard.kernels import set_threads
from regard.kernels.hardware import available_cores
from regard.model.checkpoint import Checkpoint
from regard.model.encoders import shapes
from regard.model.model import Model
from regard.regions.extractor import DEFAULT_EXTRACTOR
from regard.regions.pipeline import extract_stream
from regard.words.special import SPECIAL
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

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


def sentences_and_photos(
    captions: int = 2000, images: int = 500, threads: int = 1
) -> dict[str, Any]:
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


SIZE = (500, 375)


def photo_like(seed: int) -> Image.Image:
    """A drawn picture whose JPEG is about as large and slow to decode as a photo's."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (12, 16, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), np.int16)
    grain = rng.normal(0, 9, (SIZE[1], SIZE[0], 1))
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def extracted(photos: int = 160, workers: int | None = None) -> dict[str, Any]:
    """Time `photos` JPEGs of 500 x 375 after a warm-up that starts the workers."""
    workers = workers or available_cores()
    warm = 8 * workers
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(photos + warm):
            path = Path(folder) / f"{number}.jpg"
            photo_like(number % 16).save(path, quality=90)
            paths.append((path.name, path))
        started = 0.0
        for number, _ in enumerate(extract_stream(paths, DEFAULT_EXTRACTOR, workers)):
            if number == warm - 1:
                started = time.perf_counter()
        seconds = time.perf_counter() - started
    rate = photos / seconds
    return {"photos_per_second": rate, "photos": photos, "workers": workers, "size": list(SIZE)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    asked = parser.parse_args()
    photos = {number: extracted(workers=number) for number in asked.processes}
    print(json.dumps({"extracted": photos, "embedded": sentences_and_photos()}, indent=2))


if __name__ == "__main__":
    main()
