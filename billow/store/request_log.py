"""Keep what API requests asked and how they were answered, beside their own transactions.

Requests only put their entries into memory; one thread of each server process writes them, many at a time.
So a request waits for nothing, a refused one leaves its entry too, and a crash loses the last moment of the
log, never of the books (decision 52).
"""

import atexit
import logging
import threading
from collections import defaultdict, deque
from typing import Any

import msgspec
import psycopg
import psycopg_pool

from billow.store import bulk
from billow.store.tx import Database

log = logging.getLogger("billow.requests")
COLUMNS = (
    "id",
    "created",
    "method",
    "address",
    "status",
    "error",
    "about",
    "key",
    "api_version",
    "idempotency_key",
    "user_agent",
    "sent",
    "milliseconds",
)
MOST_WAITING = 20_000
MOST_BYTES = 32 << 20
"""Entries, and bytes of their JSON, that a process keeps while the database is away; then the oldest go."""
AT_ONCE = 1000
PAUSE = 1.0
"""Seconds between two rounds of writing."""
Entry = dict[str, Any]


class RequestLog:
    """The entries of one process that are not written yet."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._keeping, self._writing, self._stop = threading.Lock(), threading.Lock(), threading.Event()

    def add(self, tenant: str, entry: Entry) -> None:
        """Keep an entry until it is written; a value for each of COLUMNS, which JSON can say."""
        content = msgspec.json.encode(entry)
        with self._keeping:
            self._waiting.append((tenant, content))
            self._bytes += len(content)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._waiting) > MOST_WAITING or self._bytes > MOST_BYTES:
            self._bytes -= len(self._waiting.popleft()[1])

    def _taken(self) -> list[tuple[str, bytes]]:
        with self._keeping:
            taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self._bytes -= sum(len(content) for _, content in taken)
        return taken

    def _put_back(self, left: list[tuple[str, bytes]]) -> None:
        with self._keeping:
            self._waiting.extendleft(reversed(left))
            self._bytes += sum(len(content) for _, content in left)
            self._drop_oldest()

    def start(self) -> None:
        """Write what comes in, in a thread that ends with the process, which writes the rest."""
        atexit.register(self.close)
        threading.Thread(target=self._work, name="request-log", daemon=True).start()

    def close(self) -> None:
        """End the thread and write what is left."""
        self._stop.set()
        self._try()

    def _work(self) -> None:
        while not self._stop.wait(PAUSE):
            self._try()

    def _try(self) -> None:
        try:
            self.write()
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout) as error:
            log.warning("requests are not logged for the moment: %s", str(error).partition("\n")[0])
        except Exception:
            log.exception("requests could not be logged")

    def write(self) -> None:
        """Write what waits, one transaction for each tenant. What cannot be written for now waits again."""
        with self._writing:
            while taken := self._taken():
                by_tenant: dict[str, list[bytes]] = defaultdict(list)
                for tenant, entry in taken:
                    by_tenant[tenant].append(entry)
                for tenant in list(by_tenant):
                    try:
                        self._write(tenant, by_tenant[tenant])
                    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
                        self._put_back([(name, each) for name, some in by_tenant.items() for each in some])
                        raise
                    except Exception:
                        log.exception("%s requests of %s could not be logged", len(by_tenant[tenant]), tenant)
                    del by_tenant[tenant]

    def _write(self, tenant: str, entries: list[bytes]) -> None:
        with self.db.transaction(tenant) as tx:
            tx.run("set local synchronous_commit = off")
            bulk.insert_many(tx, "api_requests", COLUMNS, [msgspec.Raw(entry) for entry in entries])
