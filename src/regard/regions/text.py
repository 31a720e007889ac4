"""Lines of text in a photo as regions, read by RapidOCR, whose models come in its package.

Nothing is downloaded. The extra `text` brings it: `pip install 'regard[text]'`.
"""

import importlib.util
from typing import Any

import numpy as np

from regard.errors import ConfigError
from regard.photos.decode import Photo
from regard.store.shards import Regions, Text

READER = "rapidocr-ppocr-v6-small"
"""What is written beside what was read: photos that another reader read are read again."""
_SIDE = 960  # pixels of the short side a photo is read at
_LEAST = 0.5  # how sure the reader must be of a line


def require_reader() -> None:
    """Refuse to read without what reads.

    Raises:
        ConfigError: it is not installed.
    """
    if importlib.util.find_spec("rapidocr") is None:
        raise ConfigError(
            "text in photos cannot be read: RapidOCR must be installed. "
            "Run: pip install 'regard[text]'"
        )


class TextExtractor:
    """Reads the text of a photo. Its regions have no vectors."""

    identity = READER
    feature_dim = 0
    short_side = _SIDE

    def __init__(self) -> None:
        require_reader()
        from rapidocr import RapidOCR

        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": _LEAST,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def __call__(self, photo: Photo) -> Regions:
        """The lines of text in a photo."""
        image = photo.image
        scale = _SIDE / min(image.size)
        if scale < 1:
            image = image.resize((round(image.width * scale), round(image.height * scale)))
        found = self._engine(np.asarray(image)[:, :, ::-1])  # blue comes first there
        across, down = photo.width / image.width, photo.height / image.height
        columns = (found.txts, found.boxes, found.scores)
        lines = () if found.txts is None else zip(*columns, strict=True)
        texts = tuple(
            Text(text.strip(), _box(corners * (across, down)), round(float(score), 3))
            for text, corners, score in lines
            if text.strip()
        )
        nothing = np.zeros((0, 0), np.float32)
        boxes, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return Regions(nothing, boxes, scores, photo.width, photo.height, texts=texts)


def _box(corners: np.ndarray) -> tuple[float, float, float, float]:
    """The upright box around four corners."""
    (x1, y1), (x2, y2) = corners.min(0).round(1).tolist(), corners.max(0).round(1).tolist()
    return x1, y1, x2, y2
