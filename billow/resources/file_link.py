"""File links: addresses at which anybody can download a file until they expire."""

import hmac
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import params, rows
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import Inconsistent, require
from billow.core.file_types import LINKED
from billow.resources.file import File, is_gone
from billow.store.ids import secret
from billow.store.tx import Tx


def is_over(link: "FileLink", now: datetime) -> bool:
    return link.expires_at is not None and link.expires_at <= now


class FileLink(Resource, object="file_link", path="/v1/file_links", prefix="link_", events=()):
    """An address that needs no key: anybody who knows it can download the file, until it expires."""

    expired: bool = f.computed(lambda row, now, shown: is_over(row, now))
    expires_at: datetime | None = f.timestamp(CREATE)
    file: str = f.ref("file", CREATE, required=True, filter=True)
    metadata: dict[str, str] = f.metadata()
    url: str | None = f.text(required=True)


class Change(Params):
    expires_at: datetime | str | None = f.timestamp(choices=("now",), unset=True)
    metadata: dict[str, str] = f.metadata()


class Filters(Params):
    expired: bool | None = f.boolean()


def insert(tx: Tx, link: FileLink, file: File, base_url: str) -> FileLink:
    """Insert a link to a file; its address ends in a secret of 190 bits."""
    require(
        file.purpose in LINKED,
        f"You cannot create a file link for a file with purpose {file.purpose}.",
        param="file",
    )
    require(not is_gone(file, tx.now), f"The file {file.id} has expired.", param="file")
    _check_end(tx, link.expires_at)
    link = rows.born(tx, link.but(file=file.id))
    return rows.insert(tx, link.but(url=f"{base_url}/links/{tx.tenant}/{link.id}/{secret('', 32)}"))


def _check_end(tx: Tx, expires_at: datetime | None) -> None:
    require(
        expires_at is None or expires_at > tx.now,
        "Invalid timestamp: expires_at must be in the future.",
        param="expires_at",
    )


@FileLink.update(Change)
def update(tx: Tx, link: FileLink, wanted: Change) -> FileLink:
    """Update when a link expires (`now`, or "" for never), and its metadata.

    An expired link can no longer be updated.
    """
    require(not is_over(link, tx.now), "Expired file links cannot be updated.")
    changes: dict[str, Any] = {}
    if wanted.expires_at == "now":
        changes["expires_at"] = tx.now
    elif wanted.given("expires_at"):
        if isinstance(wanted.expires_at, str):
            raise Inconsistent(f"{wanted.expires_at} is no instant.")
        _check_end(tx, wanted.expires_at)
        changes["expires_at"] = wanted.expires_at
    if wanted.given("metadata"):
        changes["metadata"] = params.merged(link.metadata, wanted.metadata)
    return rows.update(tx, link, **changes)


@FileLink.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List file links, newest first."""
    if wanted.expired is None:
        return Where()
    return Where(
        "(expires_at is not null and expires_at <= %(now)s) = %(over)s", now=tx.now, over=wanted.expired
    )


def opens(link: FileLink, given: str, now: datetime) -> bool:
    """Whether a secret is that of this link, and the link has not expired."""
    known = (link.url or "").rsplit("/", 1)[-1]
    return hmac.compare_digest(known.encode(), given.encode()) and not is_over(link, now)
