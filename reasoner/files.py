"""Write files so that nobody ever reads half of one: a temporary file beside the target, then a rename."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reasoner.errors import UsageError

__all__ = ["destination", "require_new_folder", "write_file", "write_files", "write_folder"]

_READABLE = 0o644


def destination(path: Path) -> tuple[Path, int]:
    """Return the file that `path` names, links followed, and the mode that it has or is to have.

    Raises OSError for what is there and is no regular file: a device or a pipe would be replaced, not written to.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return path.resolve(), _READABLE
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(None, "it is a folder", str(path))
    if not stat.S_ISREG(found.st_mode):
        why = f"{path.name} is no regular file but a device, pipe or socket, which cannot be written whole or not at all"
        raise OSError(None, why, str(path))
    return path.resolve(), found.st_mode & 0o777


def write_file(path: Path, text: bytes) -> None:
    """Write `text` to `path`, keeping the mode of a file that was there; raise UsageError when that cannot be done."""
    write_files(path.parent, {path.name: text})


def write_files(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Write all of `texts` into `folder`, made when it is not there, and only then give each its name; links are followed.

    Raises UsageError when one cannot be written; the files that were there before are then as they were.
    """
    written: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            target, mode = destination(folder / name)
            with tempfile.NamedTemporaryFile("wb", dir=target.parent, prefix=f".{name[:40]}.", delete=False) as file:
                written[Path(file.name)] = target
                file.write(text)
            Path(file.name).chmod(mode)
        for temporary, target in written.items():
            temporary.replace(target)
    except OSError as error:
        raise UsageError(
            "The output cannot be written",
            where=str(folder / next(iter(texts), "")) if len(texts) == 1 else str(folder),
            why=error.strerror or str(error),
            repair="name a file, new or to be replaced, in a place that can be written to",
        ) from error
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)


def require_new_folder(folder: Path) -> None:
    """Raise UsageError when there is a file or a link of that name, or a folder that is not empty."""
    if folder.is_symlink():
        why = "a folder that takes its name when it is whole would replace the link"
        raise UsageError("The output is a link", where=str(folder), why=why, repair=f"name the folder itself: {folder.resolve()}")
    if folder.exists() and not folder.is_dir():
        raise UsageError("The output is no folder", where=str(folder), why="a file of that name is there", repair="name a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("The output folder is not empty", where=str(folder), repair="name a new folder, or empty this one")


def write_folder(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Write all of `texts`, whose names may lead through subfolders, into a folder of its own that appears when it is whole.

    Raises UsageError when the folder exists and is not empty, or cannot be written.
    """
    temporary = None
    try:
        require_new_folder(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}."))
        for name, text in texts.items():
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        temporary.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            "The output cannot be written", where=str(folder), why=why, repair="name a place that can be written to"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
