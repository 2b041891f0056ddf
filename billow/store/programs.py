"""Run PostgreSQL's own programs, which come with the package."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from billow.store.embedded import installation

CHUNK = 1 << 20


class ProgramFailed(RuntimeError):
    """A program of PostgreSQL ended with an error; the message is what it said."""


def major() -> int:
    """Return the major version of the packaged programs."""
    return int(installation().name.removeprefix("pginstall"))


def refuse_newer_server(conn: psycopg.Connection[Any]) -> None:
    """Refuse a server that is newer than the packaged programs, since they cannot read it."""
    server = conn.info.server_version // 10000
    if server > major():
        raise ProgramFailed(
            f"The server is PostgreSQL {server}; the packaged programs are of {major()} and cannot read it."
            f" Use pg_dump or pg_basebackup of PostgreSQL {server}, as docs/guide/backup.md says."
        )


def words(program: str, *arguments: str, url: str | None = None) -> list[str]:
    """Return the command line without the password, because `ps` shows it to everybody."""
    command = [str(installation() / "bin" / program)]
    if url is not None:
        given = conninfo_to_dict(url)
        given.pop("password", None)
        command += ["--dbname", make_conninfo("", **given)]
    return [*command, *arguments]


def environment(url: str | None = None) -> dict[str, str]:
    """Return the environment of a program: in English and UTC, with the password of the URL."""
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    password = conninfo_to_dict(url).get("password") if url else None
    return {**plain, "PGPASSWORD": str(password)} if password else plain


def run(program: str, *arguments: str, url: str | None = None) -> str:
    """Run a program to its end; return what it printed."""
    done = subprocess.run(
        words(program, *arguments, url=url),
        env=environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    _require_success(program, done.returncode, done.stderr)
    return done.stdout


def read(program: str, *arguments: str, url: str) -> Iterator[bytes]:
    """Yield the output of a program in pieces; raise an error if it fails, also after the last piece."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words(program, *arguments, url=url),
            env=environment(url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            output = _pipe(process.stdout)
            while piece := output.read(CHUNK):
                yield piece
            process.wait()
        finally:
            _end(process)
        _require_success(program, process.returncode, _text(said))


def feed(program: str, pieces: Iterable[bytes], *arguments: str, url: str) -> None:
    """Write the input of a program in pieces, and wait for its end."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words(program, *arguments, url=url),
            env=environment(url),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            entry = _pipe(process.stdin)
            with suppress(BrokenPipeError):  # it has ended early: its status and its words say why
                for piece in pieces:
                    entry.write(piece)
                entry.close()
            process.wait()
        finally:
            _end(process)
        _require_success(program, process.returncode, _text(said))


def _pipe(found: IO[bytes] | None) -> IO[bytes]:
    if found is None:
        raise RuntimeError("the process was started without a pipe")
    return found


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process when we are interrupted."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe and not pipe.closed:
            with suppress(BrokenPipeError):
                pipe.close()


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace")


def _require_success(program: str, status: int, said: str) -> None:
    if status:
        raise ProgramFailed(f"{program} ended with {status}:\n{said[-2000:]}".rstrip())
