"""Who does what is due while a test speaks HTTP: a worker in threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from billow.app import App
from billow.store import work


@contextmanager
def working(app: App) -> Iterator[None]:
    """A worker without the lane of webhooks: other tests' endpoints are not to be called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "LANES", {"billing": 1, "outside": 1, "clocks": 1})
        worker = work.Worker(app.db)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
