"""Files written whole or not at all, whatever happens to the process or the machine meanwhile."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """An empty file to write to, which becomes `path` when the block ends.

    It lies beside `path` under a name of its own, so that two writers never share one; if the
    block fails it is removed and what was at `path` stays. Others may read the file as they may
    any new one, or as they might the one before, whatever a library does that writes it.

    Args:
        durable: have it on the disk before it is shown, for what cannot be made again.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:  # tell of the file that was asked for
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        mode = (path if path.exists() else partial).stat().st_mode
        yield partial
        partial.chmod(mode)
        if durable:
            sync(partial)
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None  # as of a full disk
        raise
    if durable:
        sync(path.parent)


def write_bytes(path: Path, contents: bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all; `durable` as for `replacing`."""
    with replacing(path, durable=durable) as partial:
        partial.write_bytes(contents)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
