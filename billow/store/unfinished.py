"""Detect a restore that runs or was interrupted: nothing else may then use the folder or the database."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

MARK = "restore-unfinished"
"""A file in the data folder from the first to the last moment of a restore."""
SCHEMA = "billow_restore_unfinished"
"""An empty schema in the database, likewise: other machines see it too."""
OPTION = "billow.restoring"
"""The restore itself says so in its connections, and is let in."""
ALLOWED = {"lost+found", MARK}
MARKED = (
    f"to_regnamespace('{SCHEMA}') is not null and coalesce(current_setting('{OPTION}', true), '') <> 'on'"
)


class Unfinished(RuntimeError):
    """The restore was not completed; the message says what to do."""


def refuse_folder(data: Path) -> None:
    if (data / MARK).exists():
        raise Unfinished(
            f"A restore into {data} is under way, or was cut off. Wait for its end, or run it again:"
            " it begins anew. Nothing else may use the folder."
        )


def refuse_database(conn: psycopg.Connection[Any]) -> None:
    row = conn.execute(f"select {MARKED}").fetchone()
    if row and row[0]:
        raise Unfinished(
            "A restore into this database is under way, or was cut off. Wait for its end, or run it again:"
            " it begins anew. Nothing else may use the database."
        )


@contextmanager
def marked(data: Path) -> Iterator[bool]:
    """Hold the folder for a restore; yield whether an earlier one has left something in it.

    Only `finish` removes the mark. A restore that is killed leaves it, with the list of what it was about to
    put into the folder, and the next one may remove that.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = data / MARK
    left = mark.exists()
    if not left:
        _require_empty(data)
    descriptor = _opened(mark, new=not left)
    try:
        _hold(descriptor, mark)
        if not left and (found := others(data)):
            # Somebody began to use the folder while we marked it.
            mark.unlink(missing_ok=True)
            raise Unfinished(f"{data} is in use: {', '.join(found[:5])}")
        yield left
    finally:
        os.close(descriptor)


def _opened(mark: Path, new: bool) -> int:
    try:
        return os.open(mark, os.O_RDWR | (os.O_CREAT | os.O_EXCL if new else 0), 0o600)
    except OSError:
        raise Unfinished(f"Another restore into {mark.parent} has just begun or ended.") from None


def _hold(descriptor: int, mark: Path) -> None:
    """Lock the mark, and make sure that it is still the one in the folder: who finishes removes it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(mark)):
            return
    except OSError:
        pass
    raise Unfinished(f"Another restore into {mark.parent} is running or has just ended.")


def _require_empty(data: Path) -> None:
    if found := others(data):
        raise Unfinished(f"{data} is not empty ({', '.join(found[:5])}); a restore needs an empty folder.")


def others(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir() if path.name not in ALLOWED)


# ------------------------------------------------------------------------------------- what it puts there


def note(data: Path, names: Iterable[str]) -> None:
    """Write into the mark what the restore may put into the folder; `name/` stands for a whole folder."""
    with (data / MARK).open("r+") as mark:
        mark.truncate()
        json.dump(sorted(names), mark)
        mark.flush()
        os.fsync(mark.fileno())


def noted(data: Path) -> set[str]:
    """Read from the mark what the earlier restore may have put there."""
    try:
        return set(json.loads((data / MARK).read_text()))
    except ValueError:
        return set()  # it was killed before it had written the list, and so before it put anything there


def found(data: Path) -> tuple[list[Path], list[Path]]:
    """List what the restore has put into the folder, and what it has not."""
    names = noted(data)
    ours: list[Path] = []
    strange: list[Path] = []
    for folder, folders, files in os.walk(data):
        at = Path(folder)
        trees = {name for name in folders if f"{(at / name).relative_to(data).as_posix()}/" in names}
        links = {name for name in folders if (at / name).is_symlink()} - trees
        folders[:] = sorted(set(folders) - trees - links - ALLOWED)
        ours += [at / name for name in sorted(trees)]
        for name in sorted({*files, *links} - (ALLOWED if at == data else set())):
            known = (at / name).relative_to(data).as_posix() in names
            (ours if known else strange).append(at / name)
    return ours, strange


def finish(data: Path) -> None:
    (data / MARK).unlink()
    descriptor = os.open(data, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
