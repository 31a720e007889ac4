"""What stands in for the reader of text in photos."""

import numpy as np

from regard.store.shards import Regions, Text


class FakeReader:
    """Reads of each photo what it was given, in order; remembers how many it read."""

    identity, feature_dim, short_side = "fake", 0, 960

    def __init__(self, lines):
        self.lines, self.read = lines, 0

    def __call__(self, photo):
        line = self.lines[self.read % len(self.lines)]
        self.read += 1
        if isinstance(line, BaseException):
            raise line
        texts = (Text(line, (0.0, 0.0, photo.width / 2, photo.height / 4), 0.9),) if line else ()
        nothing = np.zeros((0, 0), np.float32), np.zeros((0, 4), np.float32), np.zeros(0)
        return Regions(*nothing, photo.width, photo.height, texts=texts)
