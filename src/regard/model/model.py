"""The model as people use it: photos and sentences in, embeddings and similarities out.

Joins an extractor, a vocabulary and the encoders. Knows nothing of indexes, figures or training.
"""

import importlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from regard.core.padding import pad, some_of
from regard.core.scoring import Scoring
from regard.core.shares import word_parts
from regard.device import PROCESSOR, usable_device
from regard.errors import DataError, ShapeError
from regard.explain.explanation import Explanation
from regard.kernels.workers import one_product_a_thread, set_threads
from regard.model.captions import CaptionEncoder, States, states_for
from regard.model.checkpoint import (
    DEFAULT_MODEL,
    Checkpoint,
    describe,
    fingerprint,
    load_checkpoint,
    resolve_model,
    shipped_models,
)
from regard.model.encoded import EncodedCaption, EncodedCaptions, EncodedImages, with_vectors
from regard.model.encoders import RegionEncoder
from regard.model.explaining import explain, with_labels
from regard.model.hub import Published, fetch
from regard.model.judging import Judging
from regard.model.reading import OnePhoto, find_extractor, regions_of, several_photos
from regard.model.scores import similarities_of
from regard.progress import Progress, silent
from regard.regions.extractor import Extractor, at_device
from regard.shapes import Float, Int
from regard.store.shards import RegionLabels, Regions

if TYPE_CHECKING:
    from regard.model.network import Encoders

_CAPTIONS_AT_ONCE = 512  # per encoder batch; captions are sorted by length first
_IMAGES_AT_ONCE = 64
Images = EncodedImages | OnePhoto | Iterable[OnePhoto]
Captions = EncodedCaptions | str | Iterable[str]


class Model(Judging, Published):
    """A trained model with its vocabulary and extractor.

    Args:
        checkpoint: what is kept of it on disk; `load` reads one.
        source: name or folder to load the model by again; empty where there is none.
        states: gives the word states of tokenised sentences; None takes those it learned with.
        device: where it encodes and scores, as `usable_device` gives it.
    """

    device = PROCESSOR
    memory: int | None = None  # bytes that scores may take on a graphics card
    reads_english_alone, ranks_wholes = True, False  # backbones' first row is the whole photo
    word_parts = staticmethod(word_parts)

    def __init__(
        self,
        checkpoint: Checkpoint,
        source: str = "",
        states: States | None = None,
        device: str = PROCESSOR,
    ) -> None:
        self.source, self.device = source, device
        self._states = states or states_for(checkpoint.config, checkpoint.tokenizer)
        self.config = checkpoint.config
        self.weights = checkpoint.weights
        self.vocabulary = checkpoint.vocabulary
        self.extractor_identity = checkpoint.extractor
        self.info = checkpoint.info
        self.background = checkpoint.background
        self.pointer = checkpoint.pointer
        self.labels, self.tokenizer = checkpoint.labels, checkpoint.tokenizer

    def __repr__(self) -> str:
        """Where it is from, how it scores and how large it is."""
        return f"Model({self.source!r}; {describe(self.config, self.vocabulary)})"

    @property
    def checkpoint(self) -> Checkpoint:
        """What is kept of it on disk."""
        network = self.config, self.weights, self.vocabulary, self.extractor_identity
        parts = self.background, self.pointer, self.labels, self.tokenizer
        return Checkpoint(*network, self.info, *parts)

    @property
    def scoring(self) -> Scoring:
        """How this model turns regions and words into a similarity."""
        return self.config.scoring

    @property
    def dim(self) -> int:
        """D, size of the joint space."""
        return self.config.embed_dim

    @cached_property
    def identity(self) -> str:
        """Name of exactly these weights; indexes made by others are refused."""
        labels = "" if self.labels is None else f"-{self.labels.digest}"
        return f"regard-model-{fingerprint(self.weights)}{labels}"

    @property
    def extractor(self) -> Extractor:
        """The extractor whose features the model was trained on, loaded on first use.

        Raises:
            CheckpointError: the model was trained on features this program cannot make.
        """
        return self._named_extractor[1]

    @property
    def extractor_name(self) -> str:
        """Its name, to load it by in other processes.

        Raises:
            CheckpointError: as for `extractor`.
        """
        return self._named_extractor[0]

    @cached_property
    def _named_extractor(self) -> tuple[str, Extractor]:
        pretrained = at_device(self.config.backbone, self.device)
        return find_extractor(self.extractor_identity, self.source, pretrained)

    @cached_property
    def _region_encoder(self) -> RegionEncoder:
        return RegionEncoder(self.weights, self.labels)

    @cached_property
    def _caption_encoder(self) -> CaptionEncoder:
        encoder = None if self._on_device is None else self._on_device.words
        known = self.config, self.weights, self.vocabulary
        return CaptionEncoder(*known, self._states, encoder)

    @cached_property
    def _on_device(self) -> "Encoders | None":
        """What encodes on a graphics card."""
        if self.device == PROCESSOR:
            return None
        from regard.model.network import Encoders

        return Encoders(self.checkpoint, self.device)

    def encode_features(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Embed raw features; rows past each photo's count come back as zeros.

        Raises:
            ShapeError: the model was trained on features of another width.
        """
        return self._labelled(features, counts, named=False)[0]

    def _labelled(
        self,
        features: Float[np.ndarray, "image region feature"],
        counts: Int[np.ndarray, " image"],
        *,
        named: bool = True,
    ) -> tuple[Float[np.ndarray, "image region dim"], RegionLabels | None]:
        wanted = self.config.feature_dim
        if features.ndim != 3 or features.shape[2] != wanted:
            raise ShapeError(
                f"features are of shape {features.shape}; it must be (photos, regions, {wanted}), "
                "as the model needs. Give the features it was trained on, or load another model."
            )
        if self._on_device is not None and not (named and self.labels):
            vectors, labels = self._on_device.regions(features, np.asarray(counts)), None
        else:
            vectors, labels = self._region_encoder.labelled(features, counts)
        vectors[np.arange(features.shape[1]) >= np.asarray(counts)[:, None]] = 0
        return vectors, labels

    def encode_images(
        self,
        photos: OnePhoto | Iterable[OnePhoto],
        *,
        batch_size: int = _IMAGES_AT_ONCE,
        progress: Progress = silent,
    ) -> EncodedImages:
        """Embed the regions of photos.

        Args:
            photos: paths, PIL images, decoded photos, or regions already extracted; one or several.
            batch_size: photos whose features are held at a time.
            progress: told how many photos are done of how many.

        Raises:
            DataError: there is no photo, or one is of another type.
            PhotoError: a photo cannot be read.
        """
        several = several_photos(photos)
        if not several:
            raise DataError("photos are empty; there must be at least one. Give a photo.")
        embedded: list[Regions] = []
        for part in some_of(len(several), batch_size):
            batch = [regions_of(photo, lambda: self.extractor) for photo in several[part]]
            embedded += self.embed(batch)
            progress(len(embedded), len(several))
        return EncodedImages.of(embedded)

    def embed(self, photos: Sequence[Regions]) -> list[Regions]:
        """The regions of photos in the joint space, from their features.

        Raises:
            ShapeError: the model was trained on features of another width.
        """
        if not photos:
            return []
        padded = pad([photo.vectors for photo in photos])
        if self.labels is None:
            return with_vectors(photos, self.encode_features(*padded))
        return with_vectors(photos, *self._labelled(*padded))

    def unknown_words(self, words: Iterable[str]) -> dict[str, list[str]]:
        """Words not learned from captions, each with its nearest known spellings.

        A model that reads word states knows them from text; to others they are all the same.
        """
        return self.vocabulary.unknown(words)

    def encode_captions(
        self,
        sentences: str | Iterable[str],
        *,
        batch_size: int = _CAPTIONS_AT_ONCE,
        progress: Progress = silent,
    ) -> EncodedCaptions:
        """Embed the words of sentences.

        Args:
            sentences: one or several.
            batch_size: sentences embedded at a time, those of like length together.
            progress: told how many sentences are done of how many.

        Raises:
            DataError: there is no sentence, or one has no word.
        """
        several = [sentences] if isinstance(sentences, str) else list(sentences)
        return self._caption_encoder(several, batch_size, progress)

    def similarity(
        self, images: Images, captions: Captions, *, background: bool = True
    ) -> Float[np.ndarray, "image cap"]:
        """Similarity of every photo with every sentence, in float32: to rank answers by.

        The attention's similarity, higher is better; where the model has a background, less what
        photo and sentence have with that (`regard.model.background`). To tell how well a sentence
        describes a photo, whatever the others, take `agreement`.

        Args:
            images, captions: as they are, or what `encode_images`, `encode_captions` gave for them.
            background: whether to take off what they have with the background.

        Raises:
            DataError: there is no photo or no sentence, or a sentence has no word.
            PhotoError: a photo cannot be read.
        """
        images, captions = self._encoded(images, captions)
        known = self.config, self.weights, self.device
        similarities = similarities_of(*known, images, captions, self.memory)
        if background:  # rows past a photo's count and a sentence's end are zeros
            similarities -= self._discounts(images, captions)
        return similarities

    def agreement(self, images: Images, captions: Captions) -> Float[np.ndarray, "image cap"]:
        """How well every sentence describes every photo, as people agree with best.

        A similarity that means the same for every photo and sentence; to rank answers to one
        question, `similarity` finds more.

        Args:
            images, captions: as for `similarity`.

        Raises:
            DataError: there is no photo or no sentence, or a sentence has no word.
            PhotoError: a photo cannot be read.
        """
        images, captions = self._encoded(images, captions)
        similarities = self.similarity(images, captions)
        if self.curves.lowered != 1:
            similarities += (1 - self.curves.lowered) * self._discounts(images, captions)
        return similarities

    def _encoded(self, images: Images, captions: Captions) -> tuple[EncodedImages, EncodedCaptions]:
        """Both sides embedded; what is already stays as it is."""
        return (
            images if isinstance(images, EncodedImages) else self.encode_images(images),
            captions if isinstance(captions, EncodedCaptions) else self.encode_captions(captions),
        )

    def _discounts(
        self, images: EncodedImages, captions: EncodedCaptions
    ) -> Float[np.ndarray, "image cap"]:
        sums = images.vectors.sum(1), captions.vectors.sum(1)
        return self.discounts_of_sums(*sums, captions.counted)

    @one_product_a_thread()
    def explain(
        self,
        photo: Regions,
        caption: EncodedCaption,
        scoring: Scoring | None = None,
        *,
        lowered: float = 1.0,
    ) -> Explanation:
        """What every word of a sentence sees in a photo, and its share of the similarity.

        Args:
            photo: embedded.
            scoring: how the similarity is made; None takes the model's own.
            lowered: how much of what hubs are lowered by is taken off: all of it, as to rank.

        Raises:
            ShapeError: there is no region or no word, or words or boxes do not fit the vectors.
        """
        empty = not len(photo.vectors) or not len(caption.vectors)  # which `explain` refuses
        discount = 0.0 if empty else lowered * float(self.discounts([photo], [caption])[0, 0])
        explanation = explain(
            *(photo, caption, scoring or self.scoring),
            supports=None if empty else self.supports([photo], caption)[0],
            discount=discount,
            pointer=self.pointer,
            take_apart=self.word_parts,
        )
        labels = None if photo.labels is None else self._region_encoder.labels
        return with_labels(explanation, photo, caption, labels)

    def explain_photo(self, photo: OnePhoto, sentence: str) -> Explanation:
        """How well a sentence describes a photo (`agreement`), taken apart as by `explain`.

        Raises:
            PhotoError, DataError: the photo cannot be read, or the sentence has no word.
        """
        regions = self.encode_images([photo]).photo(0)
        caption = self.encode_captions([sentence]).caption(0)
        return self.explain(regions, caption, lowered=self.curves.lowered)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> "Model":
        """Load a model from a folder, by shipped name, or from the Hugging Face hub.

        Args:
            options: revision, cache_dir, token, force_download or local_files_only, for the hub.

        Raises:
            CheckpointError: there is no such model, or it is damaged.
        """
        name = str(pretrained_model_name_or_path)
        here = (Path(name) / "config.json").is_file() or name in shipped_models()
        return load(name if here else fetch(name, **options))


def load(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    background: bool = True,
    device: str = PROCESSOR,
    threads: int | None = None,
) -> Model:
    """Load a model by shipped name or folder, or a backbone (`regard models`).

    Args:
        background: with what it compares photos and sentences with, if it has that; without,
            similarities are those of attention alone, and there are no verdicts.
        device: where `Model.similarity` embeds and scores: cpu, or auto, cuda, cuda:N or mps where
            torch is installed. Photos are looked at, and searches scored, on the processor.
        threads: for this whole process; None leaves that as it is, one a core at first.

    Raises:
        CheckpointError: there is no such model, or it is damaged.
        ConfigError: there is no such device here, or threads is below 1.
    """
    if threads is not None:
        set_threads(threads)
    if importlib.import_module("regard.backbones.settings").is_backbone(str(name_or_path)):
        above: Any = importlib.import_module("regard.backbones.model")  # a room above this one
        where = usable_device(device)
        return cast(Model, above.load(str(name_or_path), background=background, device=where))
    folder = resolve_model(name_or_path)
    source = folder.resolve() if folder == Path(name_or_path) else name_or_path  # a shipped name
    checkpoint = load_checkpoint(folder, background=background)
    return Model(checkpoint, str(source), device=usable_device(device))
