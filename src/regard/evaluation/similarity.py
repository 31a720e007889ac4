"""Similarity of every photo with every caption of a split, however large.

Photos are embedded once and kept; captions are embedded and scored a few thousand at a time,
sorted by length, so that memory grows with the matrix and not with the longest caption.
"""

import numpy as np

from regard.datasets.dataset import Dataset, check_finite
from regard.errors import CheckpointError
from regard.model.encoded import EncodedCaptions, EncodedImages
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.shapes import Float, Int

_PHOTOS_AT_ONCE = 64
_CAPTION_NUMBERS = 1 << 25  # numbers in the word vectors scored at once, 128 MB


def dataset_similarity(
    model: Model,
    dataset: Dataset,
    progress: Progress = silent,
) -> Float[np.ndarray, "image cap"]:
    """Similarity of every photo with every caption, in float32.

    Args:
        progress: told how many captions are scored of how many.

    Raises:
        CheckpointError: the model was trained on features of another kind.
    """
    check_features(model, dataset)
    sentences = dataset.captions.sentences
    scores = np.empty((len(dataset.captions.photos), len(sentences)), np.float32)
    vectors, counts = embed_photos(model, dataset)
    order = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))
    done = 0
    progress(done, len(order))
    while done < len(order):
        rows = order[done : done + _captions_at_once(sentences[order[-1]], model.dim)]
        captions = model.encode_captions([sentences[row] for row in rows])
        scores[:, rows] = score_tile(model, vectors, counts, captions)
        done += len(rows)
        progress(done, len(order))
    return scores


def score_tile(
    model: Model,
    vectors: Float[np.ndarray, "image region dim"],
    counts: Int[np.ndarray, " image"],
    captions: EncodedCaptions,
) -> Float[np.ndarray, "image cap"]:
    """Similarity of some embedded photos with some embedded captions, in float32."""
    return model.similarity(EncodedImages(vectors, counts, (), ()), captions)


def check_features(model: Model, dataset: Dataset) -> None:
    """Refuse a model for other features than the data set's.

    Raises:
        CheckpointError: width or extractor differ; unknown extractors are taken on trust.
    """
    wanted = model.config.feature_dim
    if dataset.feature_dim != wanted:
        raise CheckpointError(
            f"features have {dataset.feature_dim} numbers; the model needs {wanted}. "
            "Name the features it was trained on, or another model."
        )
    ours, theirs = model.extractor_identity, dataset.producer
    if ours and theirs and ours != theirs:
        raise CheckpointError(
            f"features were made by {theirs!r}; the model needs those of {ours!r}. "
            "Extract the photos anew with that extractor, or name another model."
        )


def embed_photos(
    model: Model, dataset: Dataset, photo_rows: range | None = None
) -> tuple[Float[np.ndarray, "image region dim"], Int[np.ndarray, " image"]]:
    """Region embeddings of photos, zeros past each photo's count, and the counts.

    Args:
        photo_rows: which photos, by their place in the data set; None takes all.

    Raises:
        ShapeError: features of a photo are not finite.
    """
    chosen = range(len(dataset.captions.photos)) if photo_rows is None else photo_rows
    images = len(chosen)
    counts = np.zeros(images, np.int64)
    vectors = np.zeros((images, 1, model.dim), np.float32)
    for start in range(0, images, _PHOTOS_AT_ONCE):
        rows = np.arange(start, min(images, start + _PHOTOS_AT_ONCE))
        features, counts[rows] = dataset.gather(rows + chosen.start)
        if features.shape[1] > vectors.shape[1]:
            wider = np.zeros((images, features.shape[1], model.dim), np.float32)
            wider[:, : vectors.shape[1]] = vectors
            vectors = wider
        embedded = model.encode_features(features, counts[rows])
        if not np.isfinite(embedded).all():
            check_finite(dataset, rows + chosen.start, features)  # names the photo, if it is one's
        vectors[rows, : features.shape[1]] = embedded
    return vectors, counts


def _captions_at_once(longest: str, dim: int) -> int:
    """How many captions to embed together, from the length of the longest."""
    words = len(longest.split()) + 8  # punctuation and the ends are words too
    return max(64, _CAPTION_NUMBERS // (words * dim))
