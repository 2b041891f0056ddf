"""Who does what is due while a test speaks HTTP: a worker in threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from billow.app import App
from billow.store import work


@contextmanager
def working(app: App) -> Iterator[None]:
    """A worker that sends no webhooks: other tests' endpoints are not to be called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "LANES", {"billing": 1, "outside": 1, "mail": 1, "clocks": 1})
        patch.setattr(work, "COMPANIONS", [])
        worker = work.Worker(app.db)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
