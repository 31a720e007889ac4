"""Why a photo and a sentence match: numbers, maps over the photo, and the paper's figure.

Knows words, boxes, photos and plain numbers. Knows nothing of models: they explain themselves
(`regard.model`). The figure, which needs matplotlib, is in `regard.explain.figure`.
"""

from regard.explain.explanation import Explanation as Explanation
from regard.explain.explanation import WordExplanation as WordExplanation
from regard.explain.explanation import strongest_words as strongest_words
