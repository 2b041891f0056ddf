"""A worker in threads of this process, for tests that speak HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from billow.app import App
from billow.store import work


@contextmanager
def running_worker(app: App) -> Iterator[None]:
    """Run a worker that sends no webhooks, since endpoints of other tests must not be called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "LANES", {"billing": 1, "outside": 1, "mail": 1, "clocks": 1})
        patch.setattr(work, "COMPANIONS", [])
        worker = work.Worker(app.db)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
