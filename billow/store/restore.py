"""Restore an installation from a backup file: verified and complete, or not at all."""

import hmac
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from billow.store import migrate, programs, unfinished
from billow.store.backup import SIDE_FILES, counts, pepper_check, require_all_rows
from billow.store.backup_file import DUMP, FILES, Manifest, Reader
from billow.store.embedded import MADE, Embedded
from billow.store.tx import ROLE, SCHEMA

PATIENCE = 10
"""Seconds that a server which was left behind may take to end."""
GATEWAY = "gateway.sqlite"
"""The memory of the simulated gateway, which is made to agree with the books at the end."""
LOCK = 0x726573746F7265  # "restore"


class CannotRestore(RuntimeError):
    """Nothing was restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to restore to: an empty data folder, and an empty database, which may be the embedded one in it.

    `pepper` is the one set in the environment; None where there is none.
    """

    data: Path
    embedded: Path | None
    url: str
    pepper: bytes | None


@contextmanager
def restored(backup: Reader, target: Target) -> Iterator[str]:
    """Load a backup, and yield a URL to check it with while nobody else can use it.

    It is released when the block ends, and removed when anything fails, in the block too.
    """
    backup.verify()
    require_pepper(backup.manifest, target)
    require_known(backup.manifest)
    with (
        claimed(target, backup.manifest),
        served(target) as url,
        psycopg.connect(url, autocommit=True) as conn,
        claimed_database(conn),
    ):
        _load(conn, backup, url)
        backup.unpack(target.data)
        yield url


def require_pepper(manifest: Manifest, target: Target) -> None:
    """Require the pepper of the backup: with another one no API key would work."""
    if manifest.pepper == "environment" and target.pepper is None:
        raise CannotRestore("The backup was made with BILLOW_PEPPER set: set it to the same secret.")
    if target.pepper and not hmac.compare_digest(pepper_check(target.pepper), manifest.pepper_check):
        raise CannotRestore(
            "BILLOW_PEPPER is not the secret that the backup was made with; no key would work."
        )


def require_known(manifest: Manifest) -> None:
    known = len(migrate.available())
    if manifest.migration > known:
        raise CannotRestore(
            f"The backup is of version {manifest.version} with migration {manifest.migration}; this version"
            f" knows {known}. Restore it with the version that made it, or a newer one."
        )


# ------------------------------------------------------------------------------------- the folder


@contextmanager
def claimed(target: Target, manifest: Manifest) -> Iterator[None]:
    """Claim the data folder; afterwards it is complete, or as empty as before."""
    data = target.data
    with unfinished.marked(data) as left:
        if left:
            _refuse_strangers(data)
            clear(data)
        unfinished.note(data, _names(target, manifest))
        try:
            yield
        except BaseException:
            clear(data)
            (data / unfinished.MARK).unlink()
            raise
        unfinished.finish(data)


def _names(target: Target, manifest: Manifest) -> list[str]:
    """List all that a restore may put into the data folder."""
    server = target.embedded.relative_to(target.data) if target.embedded else None
    gateway = [f"{GATEWAY}{end}" for end in ("", *SIDE_FILES)]
    files = [name.removeprefix(FILES) for name in manifest.files if name.startswith(FILES)]
    return [*files, *gateway, *(f"{server}/{name}" for name in MADE if server)]


def _refuse_strangers(data: Path) -> None:
    """Refuse to continue when somebody else has put files into the folder since a restore was interrupted."""
    strange = [str(path.relative_to(data)) for path in unfinished.found(data)[1]]
    if strange:
        raise CannotRestore(
            f"{data} holds what the restore that was cut off has not put there: {', '.join(strange[:5])}."
            " Nothing was removed. Move it elsewhere, and run the restore again."
        )


def clear(data: Path) -> None:
    """Remove what an interrupted restore has put there; stop its server first, which may still run."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + PATIENCE
        while (found := _servers(data)) and time.monotonic() < deadline:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.1)
    for path in unfinished.found(data)[0]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for folder, _, _ in os.walk(data, topdown=False):
        if Path(folder) not in (data, data / "lost+found"):
            with suppress(OSError):  # it holds something of somebody else
                os.rmdir(folder)


def _servers(data: Path) -> list[int]:
    """List the processes of PostgreSQL that were started for this folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            program, *arguments = file.read_bytes().decode(errors="replace").split("\0")
            ours = any(word.startswith(f"{data.resolve()}/postgres/") for word in arguments)
            if Path(program).name in ("postgres", "initdb") and ours:
                found.append(int(file.parent.name))
    return found


# ------------------------------------------------------------------------------------- the database


@contextmanager
def served(target: Target) -> Iterator[str]:
    """Yield the database to restore into, with connections that identify themselves."""
    if target.embedded is None:
        yield restoring(target.url)
        return
    server = Embedded(target.embedded)
    server.start()
    try:
        yield restoring(server.url)
    finally:
        server.stop()


def restoring(url: str) -> str:
    """Return the URL for connections of the restore itself, which the mark lets in."""
    options = conninfo_to_dict(url).get("options") or ""
    ours = f"-c {unfinished.OPTION}=on -c maintenance_work_mem=256MB"  # room to build the indexes in
    return make_conninfo(url, options=f"{options} {ours}".strip())


@contextmanager
def claimed_database(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Claim the database; afterwards it is complete, or as empty as before."""
    require_all_rows(conn)
    row = conn.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    if not row or not row[0]:
        raise CannotRestore("Another restore into this database is running.")
    with migrate.alone(conn):
        _mark(conn)
    try:
        yield
    except BaseException:
        _empty(conn)
        raise
    conn.execute(sql.SQL("drop schema {}").format(sql.Identifier(unfinished.SCHEMA)))


def _mark(conn: psycopg.Connection[Any]) -> None:
    """Mark an empty database; first remove what an earlier restore loaded, if it left its mark."""
    known = conn.execute("select to_regnamespace(%s)", (unfinished.SCHEMA,)).fetchone()
    if known and known[0]:
        conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SCHEMA)))
        return
    if tables := counts(conn):
        raise CannotRestore(f"The database is not empty: it has {len(tables)} tables of billow.")
    _require_nobody(conn)
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(unfinished.SCHEMA)))


def _require_nobody(conn: psycopg.Connection[Any]) -> None:
    """Require that nobody is connected: a connected server or worker would not notice the mark."""
    row = conn.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and usesysid is not null and pid <> pg_backend_pid()"
    ).fetchone()
    if row and row[0]:
        raise CannotRestore(
            f"{row[0]} others are connected to this database: stop every `billow serve` and `billow work`."
        )


def _empty(conn: psycopg.Connection[Any]) -> None:
    """Remove what was loaded, then the mark."""
    for schema in (SCHEMA, unfinished.SCHEMA):
        conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _load(conn: psycopg.Connection[Any], backup: Reader, url: str) -> None:
    """Load the dump in one transaction, as the role that owns the tables, and count its rows."""
    with migrate.alone(conn):
        migrate.become_owner(conn)
        conn.execute("reset role")
        owner = () if ROLE not in _roles(conn) else (f"--role={ROLE}",)
        how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-acl", f"--schema={SCHEMA}")
        programs.feed("pg_restore", backup.pieces(DUMP), *how, *owner, url=url)
    found, wanted = counts(conn), backup.manifest.tables
    if found != wanted:
        wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        raise CannotRestore(
            f"What was loaded is not what was saved: other numbers of rows in {', '.join(wrong)}"
        )
    for table in found:
        # A new database knows nothing of its tables; without this the first queries are planned badly.
        conn.execute(sql.SQL("analyze {}").format(sql.Identifier(SCHEMA, table)))


def _roles(conn: psycopg.Connection[Any]) -> set[str]:
    return {name for (name,) in conn.execute("select rolname from pg_roles").fetchall()}
