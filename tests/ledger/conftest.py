"""Provide an open transaction of a new tenant for each test, and more tenants on demand."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from billow.app import App
from billow.store.tx import Database, Tx

numbers = count(1)


@pytest.fixture
def database(app: App) -> Database:
    return app.db


@pytest.fixture(scope="session")
def new_tenant() -> Callable[[], str]:
    return lambda: f"acct_ledger{next(numbers)}/test"


@pytest.fixture
def tx(database: Database, new_tenant: Callable[[], str]) -> Iterator[Tx]:
    with database.transaction(new_tenant()) as tx:
        yield tx
