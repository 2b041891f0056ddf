"""How fast is measured use taken in, over HTTP and durably, and how near is that to what the disk can do?

    python bench/ingest.py                           starts a server of its own on an empty database
    python bench/ingest.py --url U --key K          against a running one (--database for the COPY beside it)

Bulk requests hold 10,000 events, of which a fifth are duplicates. Beside them the same rows are copied into a
plain table without keys, indexes or sums, one commit per 10,000: the limit of this machine, this minute.
"""

import argparse
import gzip
import http.client
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from billow.store.embedded import Embedded

BATCH, DUPLICATES, CUSTOMERS = 10_000, 0.2, 200
VARIANTS = [(2, False), (4, False), (2, True), (4, True)]
SINGLE_SECONDS, SINGLE_CONNECTIONS = 5.0, 8
KEY = "sk_test_benchmark00000000000000"
COLUMNS = (
    "tenant text, digest uuid, meter text, customer text, identifier text, series bigint, at timestamptz,"
    " value numeric, payload jsonb, created timestamptz, arrival bigint, canceled_at timestamptz"
)


@dataclass(frozen=True)
class Target:
    host: str
    port: int
    key: str

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=120)

    def post(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, media: str, **more: str
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": media, **more}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text[:500])
        return json.loads(text)

    def form(self, path: str, **fields: str) -> Any:
        body = urllib.parse.urlencode(fields).encode()
        return self.post(self.connect(), path, body, "application/x-www-form-urlencoded")


@contextmanager
def own_server(database: str, folder: Path) -> Iterator[str]:
    """`billow up` on a free port, until the end."""
    port = str(18420 + os.getpid() % 1000)
    environment = {
        **os.environ,
        "BILLOW_DATABASE_URL": database,
        "BILLOW_TEST_KEY": KEY,
        "BILLOW_PORT": port,
        "BILLOW_RATE_LIMIT_TEST": "0",
    }
    command = [sys.executable, "-m", "billow", "up", "--data", str(folder / "data"), "--port", port]
    server = subprocess.Popen(command, env=environment, stdout=sys.stderr)
    try:
        for _ in range(300):
            if _answers(int(port)):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    try:
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        probe.request("GET", "/healthz")
        return probe.getresponse().status == 200
    except OSError:
        return False


# ------------------------------------------------------------------------------------- what is sent


def events(count: int, customers: Sequence[str], run: str, now: int) -> list[dict[str, Any]]:
    """Use of the last hour, a fifth of it sent a second time."""
    chance, made = random.Random(run), []
    for number in range(count):
        if made and chance.random() < DUPLICATES:
            made.append(chance.choice(made[-BATCH:]))
            continue
        payload = {"stripe_customer_id": chance.choice(customers), "value": str(chance.randint(1, 10_000))}
        made.append(
            {
                "event_name": "bench",
                "identifier": f"{run}-{number:09d}-{chance.getrandbits(64):016x}",
                "timestamp": now - chance.randrange(3600),
                "payload": payload,
            }
        )
    return made


def batches(made: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    return (made[place : place + BATCH] for place in range(0, len(made), BATCH))


# ------------------------------------------------------------------------------------- what is measured


def spread(latencies: Sequence[float]) -> dict[str, float]:
    ordered = sorted(latencies)
    return {"p50_ms": statistics.median(ordered) * 1000, "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000}


def at_once(connections: int, work: Callable[[int], None]) -> float:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def bulk(target: Target, made: Sequence[dict[str, Any]], connections: int, zipped: bool) -> dict[str, Any]:
    bodies = [json.dumps(batch, separators=(",", ":")).encode() for batch in batches(made)]
    more = {"Content-Encoding": "gzip"} if zipped else {}
    bodies = [gzip.compress(body, 6) for body in bodies] if zipped else bodies
    queue, latencies, answers = iter(bodies), [], []
    turn = threading.Lock()

    def work(_: int) -> None:
        connection = target.connect()
        while True:
            with turn:
                body = next(queue, None)
            if body is None:
                return
            started = time.perf_counter()
            answers.append(
                target.post(connection, "/v1/billing/meter_events/bulk", body, "application/json", **more)
            )
            latencies.append(time.perf_counter() - started)

    seconds = at_once(connections, work)
    distinct = len({event["identifier"] for event in made})
    assert sum(answer["accepted"] for answer in answers) == distinct, "every event counts exactly once"
    assert sum(answer["duplicates"] for answer in answers) == len(made) - distinct
    return {
        "what": f"bulk, {connections} connections{', gzip' if zipped else ''}",
        "events": len(made),
        "seconds": seconds,
        "per_second": len(made) / seconds,
        **spread(latencies),
    }


def singles(target: Target, customers: Sequence[str], connections: int, run: str) -> dict[str, Any]:
    latencies: list[float] = []
    stop = time.perf_counter() + SINGLE_SECONDS

    def work(number: int) -> None:
        connection = target.connect()
        for count in itertools.count():
            if time.perf_counter() > stop:
                return
            fields = {
                "event_name": "bench",
                "identifier": f"{run}-{number}-{count}",
                "payload[value]": "1",
                "payload[stripe_customer_id]": customers[count % len(customers)],
            }
            started = time.perf_counter()
            target.post(
                connection,
                "/v1/billing/meter_events",
                urllib.parse.urlencode(fields).encode(),
                "application/x-www-form-urlencoded",
            )
            latencies.append(time.perf_counter() - started)

    seconds = at_once(connections, work)
    return {
        "what": f"single events, {connections} connections",
        "events": len(latencies),
        "seconds": seconds,
        "per_second": len(latencies) / seconds,
        **spread(latencies),
    }


def copied(database: str, made: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same rows, as fast as PostgreSQL takes them: durable, but neither deduplicated nor summed up."""
    rows = [
        (
            "acct_0000000000000000/test",
            f"{number:032x}",
            "mtr_" + "0" * 24,
            event["payload"]["stripe_customer_id"],
            event["identifier"],
            number,
            f"epoch {event['timestamp']}",
            event["payload"]["value"],
            None,
            "2026-01-01 00:00:00+00",
            number,
            None,
        )
        for number, event in enumerate(made)
    ]
    moments = {row[6]: time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(int(row[6][6:]))) for row in rows}
    texts = [
        "".join(
            "\t".join("\\N" if v is None else str(moments.get(v, v)) for v in row) + "\n" for row in batch
        )
        for batch in (rows[place : place + BATCH] for place in range(0, len(rows), BATCH))
    ]
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("create schema if not exists bench")
        conn.execute("drop table if exists bench.plain")
        conn.execute(f"create table bench.plain ({COLUMNS})")
        started = time.perf_counter()
        for text in texts:
            with conn.cursor() as cursor, cursor.copy("copy bench.plain from stdin") as stream:
                stream.write(text)
        seconds = time.perf_counter() - started
        conn.execute("drop schema bench cascade")
    return {
        "what": "bare COPY, 1 connection",
        "events": len(made),
        "seconds": seconds,
        "per_second": len(made) / seconds,
    }


def measured(target: Target, database: str | None, count: int) -> list[dict[str, Any]]:
    run, now = f"run{time.time_ns():x}", int(time.time())
    target.form(
        "/v1/billing/meters",
        display_name="bench",
        event_name="bench",
        **{"default_aggregation[formula]": "sum"},
    )
    customers = [target.form("/v1/customers", name=f"Bench {number}")["id"] for number in range(CUSTOMERS)]
    each = max(BATCH, count // len(VARIANTS))
    bulk(target, events(2 * BATCH, customers, f"{run}-warm", now), 2, False)
    found = []
    for number, (connections, zipped) in enumerate(VARIANTS):
        made = events(each, customers, f"{run}-{number}", now)
        limit = copied(database, made) if database else None
        result = bulk(target, made, connections, zipped)
        if limit:
            result["copy_per_second"] = limit["per_second"]
            result["ratio"] = result["per_second"] / limit["per_second"]
        found.append(result)
    for connections in (1, SINGLE_CONNECTIONS):
        found.append(singles(target, customers, connections, f"{run}-single{connections}"))
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--url")
    asked.add_argument("--key", default=KEY)
    asked.add_argument("--database")
    asked.add_argument("--events", type=int, default=1_000_000)
    asked.add_argument("--json", action="store_true")
    wanted = asked.parse_args()
    if wanted.url:
        results = measured(_target(wanted.url, wanted.key), wanted.database, wanted.events)
    else:
        with tempfile.TemporaryDirectory(prefix="billow-bench-") as name:
            server = Embedded(Path(name) / "postgres")
            server.start()
            try:
                with own_server(server.url, Path(name)) as url:
                    results = measured(_target(url, KEY), server.url, wanted.events)
            finally:
                server.stop()
    if wanted.json:
        print(json.dumps(results, indent=1))
        return
    for result in results:
        beside = (
            f"{result['ratio']:6.1%} of COPY ({result['copy_per_second']:,.0f}/s)"
            if "ratio" in result
            else ""
        )
        print(
            f"{result['what']:32} {result['per_second']:10,.0f} events/s   p50 {result['p50_ms']:6.1f} ms"
            f"   p99 {result['p99_ms']:6.1f} ms   {beside}"
        )


def _target(url: str, key: str) -> Target:
    parts = urllib.parse.urlsplit(url)
    return Target(parts.hostname or "127.0.0.1", parts.port or 80, key)


if __name__ == "__main__":
    main()
