"""Why a photo and a sentence match: numbers, maps over the photo, and the paper's figure.

Knows embedded regions and words, boxes and photos. Knows nothing of indexes, data sets or
printing. The figure, which needs matplotlib, is in `regard.explain.figure`.
"""

from regard.explain.numbers import Explanation as Explanation
from regard.explain.numbers import WordExplanation as WordExplanation
from regard.explain.numbers import explain as explain
from regard.explain.photo import explain_photo as explain_photo
