"""Make the data folder private: its pepper, mails and database give access to every account."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("billow.folder")

OURS = {"postgres", "outbox", "lost+found"}
"""The directories of a data folder. One that holds others is shared, and its own rights are left alone."""
OTHERS = 0o077
PASS = 0o010


def close(folder: Path) -> None:
    """Create the data folder if it is missing, and remove all rights of other users from it and its contents.

    The system user that runs the database for root keeps the right to pass through (see `embedded.py`).
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_shared(folder):
        _restrict(folder, PASS if _is_passed_by_the_database(folder) else 0)
    for path in _ours(folder):
        _restrict(path, 0)


def _ours(folder: Path) -> Iterator[Path]:
    """Yield billow's files and directories with their contents; PostgreSQL guards its cluster itself."""
    for entry in folder.iterdir():
        if entry.is_symlink() or not entry.is_dir():
            yield entry
        elif entry.name in OURS:
            for path, directories, files in os.walk(entry):
                yield Path(path)
                yield from (Path(path) / name for name in files)
                if "cluster" in directories:
                    directories.remove("cluster")


def _is_shared(folder: Path) -> bool:
    found = folder.stat()
    shared = (
        found.st_mode & stat.S_ISVTX
        or found.st_uid != os.geteuid()
        or folder == Path.home()
        or Path.cwd().is_relative_to(folder)
        or any(entry.is_dir() and entry.name not in OURS for entry in folder.iterdir())
    )
    if shared and found.st_mode & OTHERS & ~PASS:
        message = "%s is not billow's alone: close it (chmod 700 %s), or use a folder of its own"
        log.warning(message, folder, folder)
    return bool(shared)


def _is_passed_by_the_database(folder: Path) -> bool:
    inner = folder / "postgres"
    group = folder.stat().st_gid
    return group != os.getegid() and inner.exists() and inner.stat().st_gid == group


def _restrict(path: Path, kept: int) -> None:
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & OTHERS & ~kept:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS | mode & kept)
    except FileNotFoundError:
        pass  # a passing file, as SQLite's
    except PermissionError:
        log.warning("%s belongs to another user, and may be open to others", path)
