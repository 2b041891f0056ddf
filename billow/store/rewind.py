"""Restore the embedded server to an instant from a base backup and the archived log."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from billow.store.backup_file import Damaged, Manifest, Reader
from billow.store.embedded import CannotRun, Embedded
from billow.store.restore import CannotRestore, Target, claimed, require_known, require_pepper, served
from billow.store.wal import CLUSTER, FILES, SERVER_MANIFEST, damaged, line_name, origin

log = logging.getLogger("billow.rewind")

SEGMENT = 16 << 20
SEGMENT_NAME = re.compile(r"([0-9A-F]{24})(\.partial)?")
OPTIONS = (
    "hot_standby",
    "restore_command",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_action",
)


@contextmanager
def rewound(base: Path, archive: Path | None, until: datetime | None, target: Target) -> Iterator[str]:
    """Replay the log on a base backup up to an instant, and yield a URL to check the result with.

    Without an instant the whole archive is replayed. As with `restored`: complete, or not at all.
    """
    if target.embedded is None:
        raise CannotRestore(
            "A base backup is restored into the embedded server: leave BILLOW_DATABASE_URL unset."
        )
    with Reader(base / FILES) as files:
        verify(base, files)
        require_pepper(files.manifest, target)
        require_known(files.manifest)
        with claimed(target, files.manifest):
            last = _prepare(base / CLUSTER, archive, until, target.embedded)
            try:
                with served(target) as url:
                    _leave_recovery(url, last if until is None else None)
                    files.unpack(target.data)
                    yield url
            except CannotRun as error:
                raise CannotRestore(_why(until, str(error))) from error
            os.sync()  # what was copied and not touched since is only in memory


def require_after(made: Manifest, until: datetime | None) -> None:
    """Refuse an instant before the backup: the log only leads forward from it."""
    if until and until < datetime.fromisoformat(made.made_at):
        raise CannotRestore(
            f"This base backup was begun at {made.made_at}; an earlier instant needs an older base backup."
        )


def verify(base: Path, files: Reader) -> None:
    """Read every byte of a base backup; raise an error that names what differs from what was written."""
    files.verify()
    try:
        if b"".join(files.pieces(SERVER_MANIFEST)) != (base / CLUSTER / SERVER_MANIFEST).read_bytes():
            raise Damaged(f"{base} is damaged: {CLUSTER}/{SERVER_MANIFEST}")
        wrong = damaged(base / CLUSTER)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise Damaged(f"{base} is damaged: {error}") from error
    if wrong:
        raise Damaged(f"{base} is damaged: {', '.join(wrong)}")


def _prepare(base: Path, archive: Path | None, until: datetime | None, folder: Path) -> Path | None:
    """Put the cluster and its log in place, and set it to recover; return the last segment of the log."""
    draft = folder / "cluster.new"
    folder.mkdir(mode=0o700, exist_ok=True)
    shutil.copytree(base, draft)
    last = _copy_log(base, archive, draft / "pg_wal") if archive else None
    # The log lies in pg_wal already, so the command to fetch it from elsewhere has nothing to find.
    # Without hot standby the server is ready when the replay is over, not when it could be read.
    options = {"hot_standby": "off", "restore_command": "exit 1", "recovery_target_timeline": "current"}
    if until:
        at = until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        options |= {"recovery_target_time": at, "recovery_target_action": "promote"}
    with (draft / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
    (draft / "recovery.signal").touch()
    Embedded(folder).take_over(draft)
    return last


def _copy_log(base: Path, archive: Path, pg_wal: Path) -> Path | None:
    """Copy the segments that the base backup needs, the unfinished last one included."""
    system, timeline, first = origin(base)
    last = None
    for path in sorted((archive / line_name(system, timeline)).glob("*")):
        found = SEGMENT_NAME.fullmatch(path.name)
        if found and found[1] >= first:
            shutil.copyfile(path, pg_wal / found[1])
            last = path
    for path in archive.glob(f"{system}-*/*.history"):
        # Timelines that were begun from here before: the new one gets a number of its own.
        shutil.copyfile(path, pg_wal / path.name)
    if last is None:
        raise CannotRestore(f"{archive} holds no log that continues this base backup.")
    return last


def _leave_recovery(url: str, last: Path | None) -> None:
    """Remove the options of the recovery, and check that it reached the end of the archive."""
    with psycopg.connect(url, autocommit=True) as conn:
        for option in OPTIONS:
            conn.execute(sql.SQL("alter system reset {}").format(sql.Identifier(option)))
        if last is not None:
            _require_end(conn, last)


def _require_end(conn: psycopg.Connection[Any], last: Path) -> None:
    """Require that the server replayed the whole archive: it takes damage for the end of the log."""
    row = conn.execute("select pg_last_wal_replay_lsn() - '0/0'::pg_lsn").fetchone()
    if row is None or row[0] is None:
        raise CannotRestore("The server does not say how far it came.")
    number = int(last.name[8:16], 16) * (2**32 // SEGMENT) + int(last.name[16:24], 16)
    reached = int(row[0]) - number * SEGMENT
    if reached < -SEGMENT:
        raise CannotRestore(
            f"The archive is damaged, {-reached} bytes before {last.name}: the log could not be read on from"
            " there. Give --until with an instant before the damage."
        )
    with last.open("rb") as file:
        file.seek(max(reached, 0))
        if any(any(piece) for piece in iter(lambda: file.read(1 << 20), b"")):
            log.warning("the end of %s cannot be read: it was cut off while written, or is damaged", last)


def _why(until: datetime | None, said: str) -> str:
    if "before configured recovery target was reached" in said:
        return f"The archive ends before {until}. Without --until all of it is restored."
    return said
