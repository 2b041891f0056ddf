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
"""Entries that a process keeps while the database is away; of more, the oldest are dropped."""
AT_ONCE = 1000
PAUSE = 1.0
"""Seconds between two rounds of writing."""
Entry = dict[str, Any]


class RequestLog:
    """The entries of one process that are not written yet."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._waiting: deque[tuple[str, Entry]] = deque(maxlen=MOST_WAITING)
        self._writing, self._stop = threading.Lock(), threading.Event()

    def add(self, tenant: str, entry: Entry) -> None:
        """Keep an entry until it is written; a value for each of COLUMNS."""
        self._waiting.append((tenant, entry))

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
            while taken := [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]:
                by_tenant: dict[str, list[Entry]] = defaultdict(list)
                for tenant, entry in taken:
                    by_tenant[tenant].append(entry)
                for tenant in list(by_tenant):
                    try:
                        self._write(tenant, by_tenant[tenant])
                    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
                        left = [(name, entry) for name, entries in by_tenant.items() for entry in entries]
                        self._waiting.extendleft(reversed(left))
                        raise
                    except Exception:
                        log.exception("%s requests of %s could not be logged", len(by_tenant[tenant]), tenant)
                    del by_tenant[tenant]

    def _write(self, tenant: str, entries: list[Entry]) -> None:
        with self.db.transaction(tenant) as tx:
            tx.run("set local synchronous_commit = off")
            bulk.insert_many(tx, "api_requests", COLUMNS, entries)
