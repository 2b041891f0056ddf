"""Fixtures of delivery tests: receivers behind real sockets, and a wall clock that a test can move."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from billow.core.errors import Unavailable
from billow.providers.egress import Egress
from billow.providers.posting import Post
from tests.support.webhook_receivers import LOCAL, DeliveryWorld, Receiver, listening


@pytest.fixture
def world(app: Any, api: Any) -> Iterator[DeliveryWorld]:
    outside, wall = app.db.outside, app.db.wall
    egress = Egress([ip_network("127.0.0.0/8")])

    @asynccontextmanager
    async def posting() -> AsyncIterator[Post]:
        async with egress.posting() as post:

            async def only_here(url: str, headers: dict[str, str], body: bytes) -> int:
                if not url.startswith(LOCAL):  # an endpoint that another test left
                    raise Unavailable("not here")
                return await post(url, headers, body)

            yield only_here

    app.db.outside = replace(outside, posting=posting)
    yield DeliveryWorld(app, api)
    app.db.outside, app.db.wall = outside, wall


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


@pytest.fixture
def another() -> Iterator[Receiver]:
    with listening() as made:
        yield made
