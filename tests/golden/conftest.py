"""Provide the world of the stories for golden tests, whose books other programs must accept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from billow.app import App
from tests.flows.conftest import world, worlds
from tests.support.exported import agree
from tests.support.world import World

__all__ = ["world", "worlds"]


@pytest.fixture(autouse=True)
def books_are_read_by_others(app: App, world: World, tmp_path: Path) -> Iterator[None]:
    """After each story its books are exported in every format, and read back to the same sums."""
    yield
    with app.db.transaction(world.api.tenant) as tx:
        agree(tx, tmp_path)
