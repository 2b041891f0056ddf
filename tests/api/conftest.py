"""What tests of deliveries stand on: receivers behind real sockets, and a wall clock that can be moved."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from billow.core.errors import Unavailable
from billow.providers.egress import Egress
from tests.receivers import LOCAL, Receiver, World, listening


@pytest.fixture
def world(app: Any, api: Any) -> Iterator[World]:
    outside, wall = app.db.outside, app.db.wall
    post = Egress([ip_network("127.0.0.0/8")]).post

    def send(url: str, headers: dict[str, str], body: bytes) -> int:
        if not url.startswith(LOCAL):  # what other tests have left
            raise Unavailable("not here")
        return post(url, headers, body)

    app.db.outside = replace(outside, send=send)
    yield World(app, api)
    app.db.outside, app.db.wall = outside, wall


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


@pytest.fixture
def another() -> Iterator[Receiver]:
    with listening() as made:
        yield made
