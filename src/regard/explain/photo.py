"""From a photo and a sentence to their explanation, with a loaded model."""

from pathlib import Path

from PIL import Image

from regard.explain.numbers import Explanation, explain
from regard.model.model import Model
from regard.photos.decode import Photo
from regard.store.shards import Regions


def explain_photo(
    model: Model, photo: str | Path | Image.Image | Photo | Regions, sentence: str
) -> Explanation:
    """Take the similarity of a photo and a sentence apart.

    Args:
        photo: a path, a PIL image, a decoded photo, or regions already extracted.

    Raises:
        PhotoError: the photo cannot be read.
        DataError: the sentence has no word.
    """
    images, captions = model.encode_images([photo]), model.encode_captions([sentence])
    count, length = int(images.counts[0]), int(captions.lengths[0])
    regions, words = images.vectors[0, :count], captions.vectors[0, :length]
    return explain(
        regions,
        words,
        captions.words[0],
        images.boxes[0],
        images.sizes[0],
        model.scoring,
        word_curve=model.judgement.word,
        discount=model.discount(regions, words),
    ).pointed(model.pointer, regions, words)
