"""A backbone as a model: what indexes, searches, explanations and the page ask for.

What ranks is the whole photo with the whole sentence, as the backbone was published; SCAN's
attention over regions gives every word its map (`regard.backbones.scores`).
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from regard.backbones.extractor import BackboneExtractor
from regard.backbones.fitted import NOTHING, Fitted, folder_of_fits, load_fitted
from regard.backbones.loading import Loaded, load_backbone
from regard.backbones.scores import Sentences, WholeScores, asked_for, directions
from regard.backbones.settings import Choice, known, repository_of
from regard.core.model_config import ModelConfig
from regard.core.padding import pad, some_of
from regard.core.scoring import Scoring
from regard.core.shares import WordParts
from regard.device import PROCESSOR
from regard.errors import CheckpointError, DataError
from regard.kernels import similarity_matrix
from regard.model.encoded import EncodedCaptions
from regard.model.model import Captions, Images, Model
from regard.progress import Progress, silent
from regard.regions.extractor import Extractor
from regard.shapes import Bool, Float, Int
from regard.words.special import SPECIAL, WHOLE
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary


class BackboneModel(Model):
    """A pretrained backbone that is used as any model is.

    Args:
        choice: how it was asked for.
        loaded: it.
        fitted: what was learned from captions.
    """

    ranks_wholes = True

    def __init__(self, choice: Choice, loaded: Loaded, fitted: Fitted = NOTHING) -> None:
        backbone = loaded.backbone
        self.source = str(choice)
        self.backbone = backbone
        self.scores = WholeScores(fitted.weight)
        self.fits = folder_of_fits(choice, loaded)
        self._extractor = BackboneExtractor(choice, loaded)
        rows = backbone.dim + 1
        scoring = Scoring(
            pooling="mean", normalization="no_norm", lambda_softmax=backbone.sharpness
        )
        self.config = ModelConfig(feature_dim=rows, embed_dim=rows, scoring=scoring)
        self.weights = {}
        self.vocabulary = Vocabulary(SPECIAL)
        self.extractor_identity = self._extractor.identity
        self.info = fitted.info
        self.background = fitted.background
        self.support = fitted.support
        self.pointer = self.labels = None
        self.tokenizer = ""

    def __repr__(self) -> str:
        """Which, and how large its vectors are."""
        about = f"{self.backbone.family}, {self.backbone.dim} numbers"
        return f"BackboneModel({self.source!r}; {about})"

    @cached_property
    def identity(self) -> str:
        """Name of exactly these weights; indexes made by others are refused."""
        return self._extractor.identity

    @property
    def reads_english_alone(self) -> bool:  # type: ignore[override]
        """By its makers; of folders nobody knows."""
        choice = Choice.parse(self.source)
        repository = repository_of(choice.name)
        return any(
            one.repository == repository and one.languages == "English" for one in known().values()
        )

    @property
    def words_join(self) -> bool:
        """Whether SCAN's similarity of the words joins that of the wholes."""
        return self.scores.weight != 0

    @property
    def extractor(self) -> BackboneExtractor:
        """The backbone as an extractor."""
        return self._extractor

    @property
    def _named_extractor(self) -> tuple[str, Extractor]:
        return self._extractor.name, self._extractor

    def encode_features(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Rows as the extractor gave them; those past each photo's count come back as zeros."""
        vectors = np.array(features, np.float32)
        vectors[np.arange(features.shape[1]) >= np.asarray(counts)[:, None]] = 0
        return vectors

    def unknown_words(self, words: Any) -> dict[str, list[str]]:  # noqa: ARG002 - as any model's
        """None: a backbone reads pieces, so there is no word it could not read."""
        return {}

    def encode_captions(
        self,
        sentences: Any,
        *,
        batch_size: int = 512,
        progress: Progress = silent,
    ) -> EncodedCaptions:
        """Embed sentences: the whole first, named <sentence>, then the words.

        Raises:
            DataError: there is no sentence, or one has no word.
        """
        texts = [sentences] if isinstance(sentences, str) else list(sentences)
        words = [tokenize(text) for text in texts]
        if not texts or not all(words):
            raise DataError(
                f"there are {len(texts)} sentences, {words.count([])} of them without a word; "
                "there must be at least one, and each must have a word. Write what is looked for."
            )
        rows: list[np.ndarray] = []
        for part in some_of(len(texts), batch_size):
            rows += self._rows(words[part], texts[part])
            progress(len(rows), len(texts))
        vectors, lengths = pad(rows)
        return Sentences(vectors, lengths, tuple((WHOLE, *row) for row in words))

    def _rows(self, words: Sequence[Sequence[str]], texts: Sequence[str]) -> list[np.ndarray]:
        made = []
        for heard in self.backbone.hear(words, texts):
            rows = np.zeros((1 + len(heard.words), self.dim), np.float32)
            rows[0, :-1], rows[1:, :-1] = heard.whole, heard.words
            rows[0, -1], rows[1:, -1] = not self.backbone.is_made_of_words, heard.parts
            made.append(rows)
        return made

    def similarity(
        self,
        images: Images,
        captions: Captions,
        *,
        background: bool = True,  # noqa: ARG002 - a backbone's similarities are not lowered
    ) -> Float[np.ndarray, "image cap"]:
        """Similarity of every photo with every sentence, in float32, higher is better."""
        images, captions = self._encoded(images, captions)
        similarities: np.ndarray = images.vectors[:, 0] @ asked_for(captions.vectors).T
        if self.scores.weight:
            similarities += self.scores.weight * similarity_matrix(
                images.vectors[:, 1:],
                directions(captions.vectors[:, 1:]),
                captions.lengths - 1,
                region_lengths=images.counts - 1,
                **asdict(self.scoring),
            )
        return similarities

    def photo_discounts(self, sums: Float[np.ndarray, "image dim"]) -> Float[np.ndarray, " image"]:
        """Nothing: what is compared with a background tells verdicts, and ranks nothing."""
        return np.zeros(len(sums), np.float32)

    def sentence_discounts(
        self,
        sums: Float[np.ndarray, "cap dim"],
        lengths: Int[np.ndarray, " cap"],  # noqa: ARG002 - as any model's
    ) -> Float[np.ndarray, " cap"]:
        """Nothing, likewise."""
        return np.zeros(len(sums), np.float32)

    def word_shares(
        self,
        regions: Float[np.ndarray, "pair region dim"],
        words: Float[np.ndarray, "#pair word dim"],
        region_mask: Bool[np.ndarray, "pair region"],
        word_mask: Bool[np.ndarray, "#pair word"],
        scoring: Scoring | None = None,
    ) -> Float[np.ndarray, "pair word"]:
        """What every word adds to the similarity of its pair."""
        return self.scores.shares(regions, words, region_mask, word_mask, scoring or self.scoring)

    def word_parts(
        self,
        regions: Float[np.ndarray, "pair region dim"],
        words: Float[np.ndarray, "#pair word dim"],
        region_mask: Bool[np.ndarray, "pair region"],
        word_mask: Bool[np.ndarray, "#pair word"],
        scoring: Scoring,
    ) -> WordParts:
        """Similarities of pairs, taken apart by word."""
        return self.scores.parts(regions, words, region_mask, word_mask, scoring)

    def shown(self, regions: Float[np.ndarray, "region dim"]) -> Float[np.ndarray, "shown dim"]:
        """What words are held against to tell whether a photo shows what they name."""
        if self.support is None:
            return regions[1:]
        moved = np.zeros_like(regions[1:])
        moved[:, :-1] = self.support.moved(regions[:, :-1])
        return moved

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> str | None:
        """Refuse: the weights are another's, and lie where they were downloaded to.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError(
            f"model {self.source!r} is a backbone; only Regard's own models can be "
            f"written to {str(save_directory)!r}. Copy the folder it came from."
        )


def load(text: str, *, background: bool = True, device: str = PROCESSOR) -> BackboneModel:
    """The model of a backbone's name or folder, with what may be chosen of it.

    Args:
        background: with what was fitted for it, if anything was.
        device: where it computes, if the name does not say.

    Raises:
        CheckpointError: it is not on this machine, is of another kind, or is damaged.
        ConfigError: the extra is missing, or something is chosen that it does not have.
    """
    choice = Choice.parse(text).placed()
    choice = choice if device == PROCESSOR else replace(choice, device=device)
    loaded = load_backbone(choice)
    fitted = load_fitted(folder_of_fits(choice, loaded)) if background else NOTHING
    return BackboneModel(choice, loaded, fitted)
