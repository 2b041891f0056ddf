"""Are processes that cannot all be served by the database refused before they start?"""

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from billow import processes
from billow.processes import require_connections
from billow.store import wal
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


def test_a_port_that_is_taken_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotRun, match=f"BILLOW_PORT={port}"):
            processes.require_port("127.0.0.1", port)
    processes.require_port("127.0.0.1", port)


def test_an_archive_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match="BILLOW_WAL_ARCHIVE"):
        wal.require_writable(tmp_path / "file" / "archive")
    wal.require_writable(tmp_path / "archive")
