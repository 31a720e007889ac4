"""What can be looked at: photos of the index and uploads, with embedded regions alike.

Uploads live in memory for a while and are never written to disk.
"""

import secrets
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from regard.model.model import Model
from regard.store.region_store import Regions
from regard.web import models
from regard.web.config import ServeConfig
from regard.web.decode import decode_apart
from regard.web.pictures import SIZES, box_of, to_jpeg
from regard.web.problems import ProblemError

ID_PATTERN = "^([0-9a-f]{16}|u[0-9a-f]{32})$"
_MOST_UPLOADS = 64
_PREVIEW = max(SIZES)


def is_upload(subject_id: str) -> bool:
    """Whether an id is one of an upload, not of a photo of the index."""
    return subject_id.startswith("u")


class Subject(NamedTuple):
    """A photo to look at."""

    photo: models.Photo
    regions: Regions
    """Embedded."""


class Upload(NamedTuple):
    """An uploaded photo."""

    subject: Subject
    picture: bytes
    """JPEG, reduced, without any of the upload's metadata."""
    expires: float
    """By the monotonic clock."""


class Uploads:
    """Photos that were sent, by id."""

    def __init__(self, model: Model, config: ServeConfig) -> None:
        self._model = model
        self._config = config
        self._held: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, data: bytes) -> Upload:
        """Decode and embed a photo, and keep it for a while.

        Raises:
            PhotoError: it is no photo, too large, damaged, or takes too long.
        """
        limits = self._config
        short_side = self._model.extractor.short_side
        photo = decode_apart(data, limits.upload_pixels, short_side, limits.decode_seconds)
        encoded = self._model.encode_images([photo])
        described = models.Photo(
            id=f"u{secrets.token_hex(16)}",
            name="Your photo",
            folder="",
            width=photo.width,
            height=photo.height,
            taken=None,
        )
        subject = Subject(described, encoded.photo(0))
        expires = time.monotonic() + limits.upload_lifetime
        upload = Upload(subject, to_jpeg(photo.image, box_of(_PREVIEW)), expires)
        with self._lock:
            self._forget()
            self._held[described.id] = upload
            while len(self._held) > _MOST_UPLOADS:
                self._held.popitem(last=False)
        return upload

    def get(self, upload_id: str) -> Upload:
        """An upload that has not expired.

        Raises:
            ProblemError: 404, there is none of that id.
        """
        with self._lock:
            self._forget()
            upload = self._held.get(upload_id)
        if upload is None:
            raise ProblemError(
                404,
                "this upload is no longer kept",
                f"uploads are kept for {self._config.upload_lifetime / 60:g} minutes",
                "Send the photo again.",
            )
        return upload

    def _forget(self) -> None:
        now = time.monotonic()
        for upload_id in [key for key, held in self._held.items() if held.expires <= now]:
            del self._held[upload_id]
