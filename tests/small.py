"""A small model of random weights, and folders of small drawn photos."""

import numpy as np
from PIL import Image

from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from regard.model.encoders import shapes
from regard.regions.statistics import StatisticsExtractor
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

WORDS = ("a", "the", "on", "in", "red", "green", "blue", "dog", "cat", "beach", "grass", "leash")


def save_model(folder, seed=0, scoring=None):
    """A model of random weights over the extractor that needs no network."""
    vocabulary = Vocabulary((*SPECIAL, *WORDS))
    config = ModelConfig(
        feature_dim=StatisticsExtractor.feature_dim,
        embed_dim=16,
        word_dim=8,
        scoring=scoring or Scoring(pooling="mean"),
    )
    save_checkpoint(
        folder, random_checkpoint(config, vocabulary, StatisticsExtractor.identity, seed)
    )
    assert load_checkpoint(folder).vocabulary == vocabulary
    return folder


def random_weights(config, words, seed=0):
    """Weights of about the sizes that a network begins with."""
    generator = np.random.default_rng(seed)
    weights = {
        name: generator.uniform(-1, 1, shape).astype(np.float32) / max(shape[-1], 1) ** 0.5
        for name, shape in shapes(config, words).items()
    }
    weights["regions.mean"][:], weights["regions.deviation"][:] = 0, 1
    return weights


def random_checkpoint(config, vocabulary, extractor="", seed=0):
    """A model of random weights."""
    weights = random_weights(config, len(vocabulary), seed)
    return Checkpoint(config, weights, vocabulary, extractor, {})


def draw(path, seed, size=(60, 40), date=None):
    """Write a photo that no other seed gives; the date goes into its EXIF data."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (4, 5, 3), np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)
    exif = Image.Exif()
    if date is not None:
        exif[0x8769] = {0x9003: date}
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif)
    return path
