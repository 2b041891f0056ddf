"""Are processes that cannot all be served by the database refused before they start?"""

import re
from typing import Any

import pytest

from billow.processes import require_connections
from billow.store.embedded import CannotRun


def test_more_connections_than_the_database_has_are_refused_with_the_sum(app: Any) -> None:
    require_connections(app.db.url, 1, 1, 16)
    require_connections(app.db.url, 4, 1, 16)
    with pytest.raises(CannotRun) as refused:
        require_connections(app.db.url, 6, 1, 24)
    told = str(refused.value)
    assert "144 for 6 server processes of 24 + 24 for 1 worker + " in told and "allows 100" in told
    parts, total = re.match(r"(.*) = (\d+) connections", told).groups()  # type: ignore[union-attr]
    assert sum(int(part.split()[0]) for part in parts.split(" + ")) == int(total)
