"""Files: uploaded files, and files that billow made."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource
from billow.core.file_types import ALL


class File(Resource, object="file", path="/v1/files", prefix="file_", events=("created",)):
    """A file. Its content is downloaded from `url` with a key, or through a file link."""

    lacks = ("livemode",)

    expires_at: datetime | None = f.timestamp()
    filename: str | None = f.text()
    links: list[Any] = f.sublist("file_link", by="file", url="/v1/file_links?file={id}")
    purpose: str = f.choice(SHOWN, *ALL, required=True, filter=True)
    size: int = f.integer(required=True)
    title: str | None = f.absent()
    type: str | None = f.text()
    url: str | None = f.text()

    sha256: str = f.text(required=True, hidden=True)


def is_gone(file: File, now: datetime) -> bool:
    return file.expires_at is not None and file.expires_at <= now
