"""Copy a store into one file and back: N-Quads whose last line says how many there are, with the SHA-256 of all before it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

import pyoxigraph
from pyoxigraph import RdfFormat

from reasoner.errors import InputError, UsageError
from reasoner.files import destination, require_new_folder

__all__ = ["back_up", "restore"]

_LAST = re.compile(rb"# legcramps backup: (\d+) quads, sha256 ([0-9a-f]{64})\n\Z")
_LONGEST_LAST = 200
_PART = 1 << 20


class _Hashed:
    """Write to a file, and take the digest and the number of lines of what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.lines = 0

    def write(self, part: bytes) -> int:
        """Write a part."""
        self.digest.update(part)
        self.lines += bytes(part).count(b"\n")
        return self._file.write(part)

    def flush(self) -> None:
        """Hand on what is buffered."""
        self._file.flush()


def back_up(folder: Path, target: Path) -> int:
    """Write what the store in a folder holds into a file that only its owner reads, and return how many quads there are.

    A store that is being served is read as it was after its last change. Raise InputError when it cannot be read, UsageError when the
    file cannot be written; a file that was there before is then as it was.
    """
    store = _opened(folder)
    temporary = None
    try:
        target, _ = destination(target)
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, prefix=f".{target.name[:40]}.", delete=False) as file:
            temporary = Path(file.name)
            written: Any = _Hashed(file.file)
            store.dump(written, format=RdfFormat.N_QUADS)
            file.write(f"# legcramps backup: {written.lines} quads, sha256 {written.digest.hexdigest()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise UsageError(
            "The backup cannot be written", where=str(target), why=_reason(error), repair="free space, or name another place"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return int(written.lines)


def _opened(folder: Path) -> pyoxigraph.Store:
    if not (folder / "db").is_dir():
        raise InputError("There is no store", where=str(folder), repair="name the folder that was given to serve --store")
    try:
        return pyoxigraph.Store(folder / "db")
    except OSError as error:
        views = sorted((folder / "views").glob("[0-9]*"), key=lambda path: int(path.name))
        if "lock" in str(error).lower() and views:
            return pyoxigraph.Store.read_only(str(views[-1]))
        raise InputError("The store cannot be opened", where=str(folder), why="its files are damaged, or it is being opened") from error


def restore(backup: Path, folder: Path) -> int:
    """Make a store in a new folder of a backup, and return how many quads it holds.

    Raise InputError when the backup is damaged or not whole, UsageError when the folder exists; there is then no folder.
    """
    require_new_folder(folder)
    count = _checked(backup)
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}."))
        store = pyoxigraph.Store(temporary / "db")
        with backup.open("rb") as file:
            store.bulk_load(file, format=RdfFormat.N_QUADS)
        store.flush()
        if len(store) != count:
            raise InputError(
                "The backup is damaged", where=str(backup), why=f"it gives {len(store)} quads of {count}", repair="use another"
            )
        del store
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except (OSError, SyntaxError) as error:
        raise UsageError(
            "The store cannot be written", where=str(folder), why=_reason(error), repair="free space, or name another place"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return count


def _checked(backup: Path) -> int:
    """Return how many quads a backup holds; raise InputError when its last line does not bear out the rest."""
    try:
        size = backup.stat().st_size
        with backup.open("rb") as file:
            file.seek(max(size - _LONGEST_LAST, 0))
            last = _LAST.search(file.read())
            left = size - len(last[0]) if last else 0
            file.seek(0)
            digest = hashlib.sha256()
            while left and (part := file.read(min(left, _PART))):
                digest.update(part)
                left -= len(part)
    except OSError as error:
        raise InputError("The backup cannot be read", where=str(backup), why=_reason(error), repair="check the path") from error
    if last is None or digest.hexdigest() != last[2].decode():
        why = "it does not end as backups do" if last is None else "its bytes are not those that were written"
        raise InputError("The backup is damaged", where=str(backup), why=why, repair="use another")
    return int(last[1])


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
