"""Read and write backup files: a tar whose last members list what must be in it, byte by byte."""

import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

FORMAT = 1
DUMP, MANIFEST, SEAL = "database.dump", "manifest.json", "manifest.sha256"
FILES = "data/"
CHUNK = 1 << 20


class Damaged(RuntimeError):
    """A backup differs from what was written; the message names the file and the part."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `pepper` is `file` when it is among the files, `environment` when it was set."""

    version: str
    made_at: str
    postgresql: int
    migration: int
    pepper: str
    pepper_check: str
    tables: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


class Writer:
    """Writes members whose size is known only when they have been written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sums: dict[str, str] = {}

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a member, then its header in front of it, and remember its checksum."""
        member = tarfile.TarInfo(name)
        member.mode = 0o600
        begin, digest = self._stream.tell(), sha256()
        self._stream.write(bytes(len(member.tobuf(tarfile.GNU_FORMAT))))
        for piece in pieces:
            self._stream.write(piece)
            digest.update(piece)
            member.size += len(piece)
        self._stream.write(bytes(-member.size % tarfile.BLOCKSIZE))
        end = self._stream.tell()
        self._stream.seek(begin)
        self._stream.write(member.tobuf(tarfile.GNU_FORMAT))
        self._stream.seek(end)
        self.sums[name] = digest.hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, its own checksum, and the end of the tar."""
        text = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
        self.add(MANIFEST, [text])
        self.add(SEAL, [sha256(text).hexdigest().encode()])
        self._stream.write(bytes(2 * tarfile.BLOCKSIZE))


class Reader:
    """An open backup file with a complete manifest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115  (closed by __exit__)
        except tarfile.TarError as error:
            raise Damaged(f"{path} is no backup: {error}") from error
        try:
            self._members = {member.name: member for member in self._tar}
            self.manifest = self._read_manifest()
        except (tarfile.TarError, ValueError, TypeError, KeyError) as error:
            self._tar.close()
            raise Damaged(f"{path} is damaged or was cut off: {error}") from error
        except Damaged:
            self._tar.close()
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def _read_manifest(self) -> Manifest:
        if MANIFEST not in self._members or SEAL not in self._members:
            raise Damaged(f"{self.path} is damaged or was cut off: it has no {MANIFEST}")
        text = b"".join(self.pieces(MANIFEST))
        if b"".join(self.pieces(SEAL)) != sha256(text).hexdigest().encode():
            raise Damaged(f"{self.path} is damaged: {MANIFEST} is not what was written")
        given: dict[str, Any] = json.loads(text)
        if given.get("format") != FORMAT:
            raise Damaged(f"{self.path} has format {given.get('format')}; this version reads {FORMAT}")
        return Manifest(**given)

    def verify(self) -> None:
        """Read every byte; raise an error that names each member that differs from what was written."""
        wanted = self.manifest.files
        wrong = sorted((self._members.keys() - {MANIFEST, SEAL}) ^ wanted.keys())
        for name in sorted(wanted.keys() & self._members.keys()):
            digest = sha256()
            for piece in self.pieces(name):
                digest.update(piece)
            if digest.hexdigest() != wanted[name]:
                wrong.append(name)
        if wrong:
            raise Damaged(f"{self.path} is damaged: {', '.join(wrong)}")

    def pieces(self, name: str) -> Iterator[bytes]:
        stream = self._tar.extractfile(self._members[name])
        if stream is None:
            raise Damaged(f"{self.path} is damaged: {name} is no file")
        while piece := stream.read(CHUNK):
            yield piece

    def unpack(self, folder: Path) -> None:
        """Write the files of the data folder, private to the owner, and wait until they are on disk."""
        for name in self.manifest.files:
            if name.startswith(FILES):
                _write(folder / safe(name.removeprefix(FILES)), self.pieces(name))


def safe(name: str) -> PurePosixPath:
    """Return a path that stays in its folder; refuse any other, which billow has not written."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise Damaged(f"{name!r} is no path inside of a data folder")
    return path


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
