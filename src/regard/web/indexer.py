"""Folders added from the page: indexed one at a time, beside the searches, with how far it is."""

import threading
from pathlib import Path

from regard.errors import RegardError
from regard.indexing import read_texts, update_index
from regard.photos.names import is_text
from regard.search.texts import FILE
from regard.web import models
from regard.web.library import Library
from regard.web.problems import ProblemError


class Indexer:
    """Indexes folders in a thread of its own.

    Args:
        library: that is told of what came.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._state = models.Indexing()

    def state(self) -> models.Indexing:
        """How far it is; what came of the last folder once it is done."""
        with self._lock:
            return self._state

    def start(self, text: str) -> models.Indexing:
        """Begin with a folder.

        Args:
            text: its path, as somebody typed it.

        Raises:
            ProblemError: 422, there is no such folder; 409, another is being indexed.
        """
        folder = Path(text.strip())
        is_there = is_text(text) and "\0" not in text and folder.is_absolute() and folder.is_dir()
        if not is_there or folder.resolve() == Path(folder.anchor):
            raise ProblemError(
                422,
                f"{text!r} is not a folder on this machine",
                "give its whole path, and not a whole disk",
                "Copy the path from your file manager.",
            )
        with self._lock:
            if self._state.running:
                raise ProblemError(
                    409,
                    f"{self._state.folder} is being indexed",
                    "one folder is indexed at a time",
                    "Wait until it is done.",
                )
            self._state = models.Indexing(running=True, folder=str(folder))
            threading.Thread(target=self._run, args=(folder,), daemon=True).start()
            return self._state

    def _run(self, folder: Path) -> None:
        index = self._library.index
        end: dict[str, object] = {"error": "Something went wrong; the server's log may tell."}
        try:
            report = update_index(index.folder, folder, index.model, progress=self._progress)
            end = {"added": report.added, "skipped": len(report.skipped), "error": ""}
            if (index.folder / FILE).exists():  # as in the photos before
                read_texts(index.folder, index.model, progress=self._progress)
        except RegardError as error:
            end["error"] = str(error)
        finally:
            self._library.follow()
            with self._lock:
                self._state = self._state.model_copy(update={"running": False, **end})

    def _progress(self, done: int, total: int) -> None:
        with self._lock:
            self._state = self._state.model_copy(update={"done": done, "total": total})
