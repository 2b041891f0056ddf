"""Archive the log of the embedded server as it is written, and take base backups.

pg_receivewal streams the log (WAL), so the archive is never more than the last moments behind; a slot keeps
what was not archived yet. Each server and timeline has a folder of its own in the archive, because a restored
server writes a new log that has nothing to do with what the former one wrote later.
"""

import json
import logging
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import psycopg

from billow.store import programs
from billow.store.backup import (
    CannotBackUp,
    Installation,
    add_files,
    drafted,
    finished,
    migration,
    refuse_inside,
    require_all_rows,
)
from billow.store.backup_file import Manifest, Writer, sync_folder
from billow.store.embedded import CannotRun

log = logging.getLogger("billow.wal")

SLOT = "billow_archive"
CLUSTER, FILES, SERVER_MANIFEST = "cluster", "files.tar", "backup_manifest"


# ------------------------------------------------------------------------------------- the archive


def stream(url: str, archive: Path, begin: Callable[[], None]) -> int:
    """Copy the server's log into the archive until SIGTERM or Ctrl-C; return the status of pg_receivewal.

    `begin` is called in its process first, so that it ends when we end, in whatever way.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        programs.refuse_newer_server(conn)
        _keep_slot(conn)
        folder = archive / _line(conn)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    how = ("--directory", str(folder), "--slot", SLOT, "--synchronous", "--no-loop", "--no-password")
    process = subprocess.Popen(
        programs.words("pg_receivewal", *how, url=url),
        env=programs.environment(url),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=begin,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.terminate())
    for line in process.stderr or ():
        pass_on(line.strip())
    return process.wait()


def pass_on(line: str) -> None:
    """Log what pg_receivewal prints, without its general explanations.

    At every end it says that the last segment stays open.
    """
    program, found, said = line.partition("pg_receivewal: ")
    if "not renaming" in said:
        log.info("the archive of the log stops; it continues in the same segment at the next start")
    elif found and not program and said != "error: disconnected":
        log.warning("the archive of the log: %s", said.removeprefix("error: "))


def require_writable(archive: Path) -> None:
    """Refuse an archive that cannot be written, before anybody relies on it."""
    try:
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=archive):
            pass
    except OSError as error:
        raise CannotRun(f"BILLOW_WAL_ARCHIVE: {archive} cannot be written: {error.strerror}") from None


def drop_slot(url: str) -> None:
    """Drop the slot when nothing archives any more, so that the server does not keep its log for it."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
            " where slot_name = %s and not active",
            (SLOT,),
        )


def _keep_slot(conn: psycopg.Connection[Any]) -> None:
    """Create the slot, also when the server dropped it because the archive took nothing for too long."""
    row = conn.execute("select wal_status from pg_replication_slots where slot_name = %s", (SLOT,)).fetchone()
    if row and row[0] == "lost":
        log.error("the archive has a gap: it took nothing for too long; make a new base backup now")
        conn.execute("select pg_drop_replication_slot(%s)", (SLOT,))
        row = None
    if row is None:
        conn.execute("select pg_create_physical_replication_slot(%s, true)", (SLOT,))


def _line(conn: psycopg.Connection[Any]) -> str:
    row = conn.execute(
        "select system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
        " from pg_control_system()"
    ).fetchone()
    if row is None:
        raise CannotBackUp("The server does not say who it is.")
    return line_name(int(row[0]), int(row[1], 16))


def line_name(system: int, timeline: int) -> str:
    """Return the folder name of a server and one of its timelines."""
    return f"{system}-{timeline:08X}"


# ------------------------------------------------------------------------------------- base backups


def take_base(kept: Installation, target: Path, now: datetime) -> Manifest:
    """Copy the server's files, which the archived log continues, and the files of the data folder."""
    refuse_inside(target, kept.data)
    if target.exists() or not target.parent.is_dir():
        raise CannotBackUp(f"{target} must be the name of a new folder in an existing one.")
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)  # what a backup that was killed has left
    draft.mkdir(mode=0o700)
    try:
        manifest = _fill(kept, draft, now)
        if wrong := damaged(draft / CLUSTER):
            raise CannotBackUp(f"{draft} is not what the server sent: {', '.join(wrong[:5])}")
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_folder(target.parent)
    return manifest


def _fill(kept: Installation, draft: Path, now: datetime) -> Manifest:
    """Copy the server first, then the files: backup.py says why."""
    with psycopg.connect(kept.url, autocommit=True) as conn:
        require_all_rows(conn)
        programs.refuse_newer_server(conn)
        how = ("--checkpoint=fast", "--wal-method=stream", "--manifest-checksums=SHA256", "--no-password")
        programs.run("pg_basebackup", "--pgdata", str(draft / CLUSTER), *how, url=kept.url)
        with drafted(draft / FILES) as output:
            writer = Writer(output)
            writer.add(SERVER_MANIFEST, [(draft / CLUSTER / SERVER_MANIFEST).read_bytes()])
            add_files(writer, kept.data, draft)
            return finished(writer, kept, now, (conn.info.server_version, migration(conn), {}))


def damaged(cluster: Path) -> list[str]:
    """List the files of a base backup that differ from the server's own list of checksums.

    pg_verifybackup does the same; the packaged one does not start. The log has checksums of its own.
    """
    text = (cluster / SERVER_MANIFEST).read_bytes()
    said = json.loads(text)
    signed = text[: text.rindex(b'"Manifest-Checksum"')]
    wrong = [] if sha256(signed).hexdigest() == said["Manifest-Checksum"] else [SERVER_MANIFEST]
    listed = {file["Path"]: file["Checksum"] for file in said["Files"]}
    there = {str(path.relative_to(cluster)) for path in cluster.rglob("*") if path.is_file()}
    unlisted = {name for name in there - listed.keys() if not name.startswith("pg_wal/")}
    wrong += sorted(unlisted - {SERVER_MANIFEST})
    for name, checksum in sorted(listed.items()):
        path = cluster / name
        if not path.is_file() or _sha256(path) != checksum:
            wrong.append(name)
    return wrong


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def origin(cluster: Path) -> tuple[int, int, str]:
    """Return the server and timeline of a base backup, and the first segment of the log that it needs."""
    said: dict[str, Any] = json.loads((cluster / SERVER_MANIFEST).read_text())
    label = (cluster / "backup_label").read_text()
    first = label.split("(file ", 1)[1].split(")", 1)[0]
    return int(said["System-Identifier"]), int(said["WAL-Ranges"][0]["Timeline"]), first
