"""Upload files, download them, and publish them under a link."""

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from billow.api import fields as f
from billow.api import params, rows
from billow.api.fields import CREATE
from billow.api.operation import Answer
from billow.api.params import Params
from billow.core.errors import Refused, require
from billow.core.file_types import MEDIA, PURPOSES, media_of, type_of
from billow.flows.outside.outside import outside_of
from billow.resources import file_link as links
from billow.resources.file import File, is_gone
from billow.resources.file_link import FileLink
from billow.store import contents
from billow.store.tx import Tx

LONGEST_NAME = 255


class LinkData(Params):
    create: bool = f.boolean(required=True)
    expires_at: datetime | None = f.timestamp()
    metadata: dict[str, str] = f.metadata()


class Upload(Params):
    """The params of an upload: a multipart form, with the file as one of its parts."""

    file: params.Upload = f.upload(required=True)
    file_link_data: LinkData | None = f.nested(shape=LinkData)
    purpose: str = f.choice(CREATE, *PURPOSES, required=True)


@File.create(Upload)
def create(tx: Tx, wanted: Upload) -> File:
    """Upload a file as a multipart form, and create a link to it with `file_link_data[create]`."""
    type = type_of(wanted.file.name, wanted.file.body)
    check(wanted.purpose, type, len(wanted.file.body))
    days = PURPOSES[wanted.purpose].days
    file = store(tx, wanted.file, wanted.purpose, tx.now + timedelta(days=days) if days else None)
    data = wanted.file_link_data
    if data and data.create:
        metadata = params.merged({}, data.metadata)
        links.insert(
            tx, FileLink(expires_at=data.expires_at, metadata=metadata), file, outside_of(tx).base_url
        )
    rows.emit(tx, [(file, None)], "created")  # after its link, so that the event shows it
    return file


def check(purpose: str, type: str | None, size: int) -> None:
    """Refuse an empty file, and types and sizes outside the purpose (Stripe's file upload guide)."""
    rule = PURPOSES[purpose]
    require(size, "The file you uploaded is empty.", param="file")
    accepted = ", ".join(MEDIA[name] for name in rule.types)
    require(
        not rule.types or type in rule.types,
        "We don't currently support that file type. Try uploading a file with one of the following mimetypes:"
        f" {accepted}.",
        param="file",
    )
    require(
        size <= rule.most,
        f"The file you uploaded is larger than {rule.most} bytes, the most for purpose {purpose}.",
        param="file",
    )


def store(tx: Tx, upload: params.Upload, purpose: str, expires_at: datetime | None) -> File:
    """Insert a file and its bytes. Emits nothing: the caller does, once it has its link."""
    name = PurePosixPath(upload.name).name[-LONGEST_NAME:]
    file = rows.born(
        tx,
        File(
            expires_at=expires_at,
            filename=name or None,
            purpose=purpose,
            sha256=hashlib.sha256(upload.body).hexdigest(),
            size=len(upload.body),
            type=type_of(upload.name, upload.body),
        ),
    )
    made = rows.insert(tx, file.but(url=f"{outside_of(tx).base_url}/v1/files/{file.id}/contents"), event=None)
    contents.keep(tx, made.id, upload.body)
    return made


@FileLink.create
def create_link(tx: Tx, link: FileLink) -> FileLink:
    """Create a link to a file: an address that works without a key until `expires_at`."""
    return links.insert(tx, link, rows.find(tx, File, link.file, param="file"), outside_of(tx).base_url)


@File.below("GET", "contents", of=File)
def download(tx: Tx, file: File) -> Answer:
    """Download a file."""
    body = None if is_gone(file, tx.now) else contents.read(tx, file.id)
    if body is None:
        raise Refused(f"The file {file.id} has expired.", status=404, code="resource_missing", param="id")
    return Answer(200, body, headers(file))


def download_by_link(tx: Tx, id: str, given: str) -> Answer:
    """Download a file by the address of a link; a wrong or expired address is not found."""
    link = rows.find(tx, FileLink, id)
    if not links.opens(link, given, tx.now):
        raise rows.no_such(tx, FileLink, id)
    return download(tx, rows.find(tx, File, link.file))


def headers(file: File) -> dict[str, Any]:
    """Return headers that make a browser save a file and never show it, as it could contain a script."""
    name = file.filename or file.id
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return {
        "Content-Type": media_of(file.type),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
        "ETag": f'"{file.sha256}"',
    }
