"""Keep the bytes of files in the database, so that backups hold them and every server sees them."""

from collections.abc import Sequence

from billow.store.tx import Tx


def keep(tx: Tx, file: str, body: bytes) -> None:
    tx.run("insert into file_contents (file, body) values (%(file)s, %(body)s)", file=file, body=body)


def read(tx: Tx, file: str) -> bytes | None:
    """Return the bytes; None where they were deleted."""
    found = tx.one("select body from file_contents where file = %(file)s", file=file)
    return bytes(found["body"]) if found else None


def forget(tx: Tx, files: Sequence[str]) -> int:
    return tx.run("delete from file_contents where file = any(%(files)s)", files=list(files))
