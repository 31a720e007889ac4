"""From a photo and a sentence to their explanation, with a loaded model."""

from pathlib import Path

from PIL import Image

from regard.explain.numbers import Explanation, explain
from regard.model.model import Matcher
from regard.photos.decode import Photo
from regard.regions.extractor import Regions


def explain_photo(
    matcher: Matcher, photo: str | Path | Image.Image | Photo | Regions, sentence: str
) -> Explanation:
    """Take the similarity of a photo and a sentence apart.

    Args:
        photo: a path, a PIL image, a decoded photo, or regions already extracted.

    Raises:
        PhotoError: the photo cannot be read.
        DataError: the sentence has no word.
    """
    images, captions = matcher.encode_images([photo]), matcher.encode_captions([sentence])
    count, length = int(images.counts[0]), int(captions.lengths[0])
    regions, words = images.vectors[0, :count], captions.vectors[0, :length]
    return explain(
        regions,
        words,
        captions.words[0],
        images.boxes[0],
        images.sizes[0],
        matcher.scoring,
        word_curve=matcher.judgement.word,
        discount=matcher.discount(regions, words),
    ).pointed(matcher.pointer, regions, words)
