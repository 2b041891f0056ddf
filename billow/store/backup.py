"""Write everything that billow keeps into one file, while billow runs.

The database is read first, as it is at one instant; the files are copied after it. So every charge that
the database knows to be taken is in the memory of the simulated gateway, and every letter that it knows to be
sent is in the outbox. What the files hold beyond that is harmless: an attempt that the database still waits
for is asked for again under its id and answers the same, a letter that is sent again replaces its file, and
attempts that the database does not know are removed by the restore. In the other order the books would hold
charges that the gateway never took, which nobody could refund.
"""

import fcntl
import hashlib
import hmac
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from billow.store import programs
from billow.store.backup_file import DUMP, FILES, Manifest, Writer, sync_folder
from billow.store.tx import SCHEMA
from billow.store.unfinished import MARK

PEPPER = "pepper"
SQLITE = b"SQLite format 3\0"
SIDE_FILES = ("-wal", "-shm", "-journal")
NOT_STATE = {"postgres", "lost+found", MARK}
"""The embedded server's folder is in the dump; the others belong to the file system and to a restore."""


class CannotBackUp(RuntimeError):
    """No backup was made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What to back up: a database, and the data folder of this machine.

    `pepper` is the one set in the environment; None where it is a file of the data folder.
    """

    url: str
    data: Path
    pepper: bytes | None


def take(kept: Installation, target: Path, now: datetime) -> Manifest:
    """Write a backup to `target`, which is replaced only when the new one is complete and on disk."""
    refuse_inside(target, kept.data)
    with drafted(target) as stream, psycopg.connect(kept.url, autocommit=True) as conn:
        require_all_rows(conn)
        programs.refuse_newer_server(conn)
        writer = Writer(stream)
        with _snapshot(conn) as snapshot:
            number, tables = migration(conn), counts(conn)
            dump = ("--format=custom", "--compress=gzip:1", f"--schema={SCHEMA}", f"--snapshot={snapshot}")
            writer.add(DUMP, programs.read("pg_dump", *dump, url=kept.url))
        add_files(writer, kept.data, target.parent)
        return finished(writer, kept, now, (conn.info.server_version, number, tables))


def finished(
    writer: Writer, kept: Installation, now: datetime, database: tuple[int, int, dict[str, int]]
) -> Manifest:
    """Write the manifest: what the backup holds, and how to know that it is whole."""
    server, number, tables = database
    inside = FILES + PEPPER in writer.sums
    if kept.pepper is None and not inside:
        raise CannotBackUp(
            f"{kept.data / PEPPER} does not exist, and BILLOW_PEPPER is not set: no API key would work."
        )
    pepper = kept.pepper or (kept.data / PEPPER).read_bytes()
    manifest = Manifest(
        version=version("billow"),
        made_at=now.isoformat(),
        postgresql=server,
        migration=number,
        pepper="file" if kept.pepper is None else "environment",
        pepper_check=pepper_check(pepper),
        tables=tables,
        files=dict(writer.sums),
    )
    writer.finish(manifest)
    return manifest


def pepper_check(pepper: bytes) -> str:
    """Return a value that shows whether two peppers are equal, and not what they are."""
    return hmac.new(pepper, b"billow backup", hashlib.sha256).hexdigest()


def refuse_inside(target: Path, data: Path) -> None:
    if target.resolve().is_relative_to(data.resolve()):
        raise CannotBackUp(
            f"{target} is inside of {data}: a backup belongs on another disk, at least elsewhere."
        )


# ------------------------------------------------------------------------------------- the file


@contextmanager
def drafted(target: Path) -> Iterator[IO[bytes]]:
    """Yield a private stream to `target.part`, and rename the file when all of it is on disk.

    An error removes it.
    """
    if target.is_dir():
        raise CannotBackUp(f"{target} is a folder: name a file, or use --base for a base backup.")
    draft = target.with_name(target.name + ".part")
    if not target.parent.is_dir():
        raise CannotBackUp(f"There is no folder {target.parent}.")
    with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotBackUp(f"Another backup is writing {draft}.") from None
        stream.truncate()  # what a backup that was killed has left
        os.fchmod(stream.fileno(), 0o600)
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    sync_folder(target.parent)


# ------------------------------------------------------------------------------------- the database


def require_all_rows(conn: psycopg.Connection[Any]) -> None:
    """Require a login that row level security does not bind: it hides rows even from a table's owner."""
    row = conn.execute(
        "select rolsuper or rolbypassrls, rolname from pg_roles where rolname = current_user"
    ).fetchone()
    if row is None or not row[0]:
        raise CannotBackUp(
            f"The login {row[1] if row else '?'} sees no rows of tenants. Give this command, in"
            " BILLOW_DATABASE_URL, the login of a superuser or of a role with BYPASSRLS."
        )


@contextmanager
def _snapshot(conn: psycopg.Connection[Any]) -> Iterator[str]:
    """Yield a snapshot of the database, for us and for pg_dump."""
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("set local idle_in_transaction_session_timeout = 0")
        conn.execute("set local statement_timeout = 0")
        row = conn.execute("select pg_export_snapshot()").fetchone()
        if row is None:
            raise CannotBackUp("The server exports no snapshot.")
        yield str(row[0])


def migration(conn: psycopg.Connection[Any]) -> int:
    """Return the newest migration; a database without any is not billow's."""
    known = conn.execute("select to_regclass(%s)", (f"{SCHEMA}.migrations",)).fetchone()
    if known is None or known[0] is None:
        raise CannotBackUp("There is nothing to back up: the database holds no tables of billow.")
    table = sql.Identifier(SCHEMA, "migrations")
    row = conn.execute(sql.SQL("select coalesce(max(number), 0) from {}").format(table)).fetchone()
    return int(row[0]) if row else 0


def counts(conn: psycopg.Connection[Any]) -> dict[str, int]:
    """Count the rows of each table."""
    names = conn.execute(
        "select tablename from pg_tables where schemaname = %s order by tablename", (SCHEMA,)
    ).fetchall()
    found = {}
    for (name,) in names:
        counted = sql.SQL("select count(*) from {}").format(sql.Identifier(SCHEMA, name))
        row = conn.execute(counted).fetchone()
        found[name] = int(row[0]) if row else 0
    return found


# ------------------------------------------------------------------------------------- the files


def add_files(writer: Writer, data: Path, scratch: Path) -> None:
    """Copy every file of the data folder, except those that are known to hold no state."""
    for path in state(data):
        name = FILES + path.relative_to(data).as_posix()
        try:
            with path.open("rb") as stream:
                if stream.read(len(SQLITE)) == SQLITE:
                    writer.add(name, _database_file(path, scratch))
                else:
                    stream.seek(0)
                    writer.add(name, _pieces(stream))
        except FileNotFoundError:
            continue  # it was removed since we looked, so it is no state


def state(data: Path) -> list[Path]:
    """List the files of the data folder, without drafts and what SQLite keeps beside its files."""
    found = []
    for folder, folders, names in os.walk(data, onerror=_unreadable):
        if Path(folder) == data:
            folders[:] = [name for name in folders if name not in NOT_STATE]
            names = [name for name in names if name not in NOT_STATE]
        for name in [*folders, *names]:
            path = Path(folder) / name
            if path.is_symlink() or (name in names and not _is_plain(path)):
                raise CannotBackUp(
                    f"{path} is neither a file nor a folder, and no backup can hold it: move it elsewhere."
                )
        found += [Path(folder) / name for name in names if not _is_passing(Path(folder) / name)]
    return sorted(found)


def _unreadable(error: OSError) -> None:
    raise error


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True


def _is_passing(path: Path) -> bool:
    """Return whether a file is a mail being written, or an SQLite log that the copy already includes."""
    beside = any(
        path.name.endswith(end) and path.with_name(path.name.removesuffix(end)).exists() for end in SIDE_FILES
    )
    return beside or path.name.endswith(".part")


def _database_file(path: Path, scratch: Path) -> Iterator[bytes]:
    """Copy an SQLite file as it is at one instant, while others may write to it."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".billow-backup-") as folder:
        copy = Path(folder) / "copy.sqlite"
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        with copy.open("rb") as stream:
            yield from _pieces(stream)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(programs.CHUNK):
        yield piece
