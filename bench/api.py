"""How long does a page take when there are many customers: lists, filters and searches?

    python bench/api.py [N] [--json]

N customers (a million unless said) are written straight into a database of its own, without the triggers that
note words for searches: the words are noted in one statement, and some compared with what the triggers
note. Then each request is asked a hundred times, one at a time, of the application in this process (what the
server takes: the key, the query, the JSON of a page), in turns in the newest version of the API and in the
oldest, and of `billow up` over HTTP (what a client waits).
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from ingest import KEY, own_server  # type: ignore[import-not-found]

from billow import app as application
from billow import settings
from billow.api.versions.known import KNOWN, NEWEST
from billow.store.embedded import Embedded
from billow.store.tx import ROLE, SCHEMA

MOST_MS = 20
"""What a page of a hundred may take on the server."""
TIMES = 100
FIRST = 1577836800  # 2020-01-01; a customer came every minute
CUSTOMERS = """
    insert into customers
        (id, created, email, name, phone, invoice_prefix, invoice_settings, metadata, address)
    select 'cus_bench' || lpad(n::text, 12, '0'), timestamptz '2020-01-01Z' + n * interval '1 minute',
        'person' || n || '@example.com', 'Person Number' || n, '+41 44 ' || n, 'B' || n,
        '{"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null}',
        jsonb_build_object('order', (n %% 1000)::text, 'own', n::text),
        '{"city": "Bern", "country": "CH", "line1": null, "line2": null, "postal_code": "1", "state": null}'
    from generate_series(1, %s) as n
"""
WORDS = """
    insert into search_terms (tenant, noun, field, term, id)
    select tenant, 'customers', 'metadata.' || key, lower(value), id
    from customers, jsonb_each_text(metadata)
    union
    select tenant, 'customers', field, word, id
    from customers,
        lateral (values ('email', email), ('name', name), ('phone', phone)) as said (field, words),
        unnest(search_words(words)) as word
    order by 3, 4, 5
"""
NOTED = (
    "select field, term, id from search_terms where id in ('cus_bench000000000001', 'cus_bench000000000321')"
)
Ask = Callable[[str, dict[str, Any]], float]


def fill(database: str, count: int) -> float:
    """The customers of the default account; how long it took, every index and word included."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")
        conn.execute(f"set role {ROLE}")
        conn.execute(f"set search_path = {SCHEMA}")
        tenant = conn.execute("select tenant from api_keys limit 1").fetchone()
        assert tenant
        conn.execute("select set_config('billow.tenant', %s, false)", tenant)
        begun = time.perf_counter()
        conn.execute(CUSTOMERS, (count,))
        conn.execute(WORDS)
        taken = time.perf_counter() - begun
        conn.execute("vacuum analyze customers")
        conn.execute("vacuum analyze search_terms")
        noted = sorted(conn.execute(NOTED).fetchall())
        conn.execute("reset role")
        conn.execute("set session_replication_role = origin")
        conn.execute(f"set role {ROLE}")
        conn.execute(
            "update customers set name = name, metadata = metadata where id in (%s, %s)",
            ("cus_bench000000000001", "cus_bench000000000321"),
        )
        assert noted == sorted(conn.execute(NOTED).fetchall()), "the triggers note other words"
    return taken


def requests(count: int) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What is asked, of places all over the table."""
    places = [200 + (place * 7919) % (count - 400) for place in range(TIMES)]
    ids = [f"cus_bench{place:012}" for place in places]
    came = [FIRST + place * 60 for place in places]
    listed, found = "/v1/customers", "/v1/customers/search"
    return {
        "the newest 100": [(listed, {"limit": 100})] * TIMES,
        "100 in the very middle": [(listed, {"limit": 100, "starting_after": f"cus_bench{count // 2:012}"})]
        * TIMES,
        "the oldest 100": [(listed, {"limit": 100, "starting_after": "cus_bench000000000101"})] * TIMES,
        "100 after one": [(listed, {"limit": 100, "starting_after": id}) for id in ids],
        "100 before one": [(listed, {"limit": 100, "ending_before": id}) for id in ids],
        "100 made before": [(listed, {"limit": 100, "created[lt]": at}) for at in came],
        "100 of a day": [
            (listed, {"limit": 100, "created[gte]": at, "created[lt]": at + 86400}) for at in came
        ],
        "100 of a day, turned over": [
            (listed, {"limit": 100, "created[lt]": at, "created[gte]": at - 86400, "starting_after": id})
            for at, id in zip(came, ids, strict=True)
        ],
        "by email": [(listed, {"email": f"person{place}@example.com"}) for place in places],
        "search by email": [(found, {"query": f'email:"PERSON{place}@example.com"'}) for place in places],
        "search by name": [(found, {"query": f'name:"person number{place}"'}) for place in places],
        "search by metadata, one": [(found, {"query": f'metadata["own"]:"{place}"'}) for place in places],
        "search by metadata, 100 of many": [
            (found, {"query": f'metadata["order"]:"{place % 1000}"', "limit": 100}) for place in places
        ],
        "search inside emails": [(found, {"query": f'email~"son{place}@"'}) for place in places[:3]],
    }


def over_http(url: str) -> Ask:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=120)

    def ask(path: str, query: dict[str, Any]) -> float:
        begun = time.perf_counter()
        connection.request(
            "GET", f"{path}?{urllib.parse.urlencode(query)}", headers={"Authorization": f"Bearer {KEY}"}
        )
        answer = connection.getresponse()
        text = answer.read()
        taken = time.perf_counter() - begun
        assert answer.status == 200 and json.loads(text)["data"], (path, query, text[:300])
        return taken

    return ask


def on_server(wsgi: Any, version: str = NEWEST) -> Ask:
    """The same without a socket: the application is called as a thread of the server calls it."""

    def ask(path: str, query: dict[str, Any]) -> float:
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": urllib.parse.urlencode(query),
            "HTTP_AUTHORIZATION": f"Bearer {KEY}",
            "HTTP_STRIPE_VERSION": version,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": None,
        }
        begun = time.perf_counter()
        text = b"".join(wsgi(environ, lambda status, headers: said.append(status)))
        taken = time.perf_counter() - begun
        assert said == ["200 OK"] and json.loads(text)["data"], (path, query, text[:300])
        return taken

    return ask


def measured(asks: dict[str, Ask], count: int) -> list[dict[str, Any]]:
    results = []
    for what, asked in requests(count).items():
        result: dict[str, Any] = {"what": what}
        taken: dict[str, list[float]] = {where: [] for where in asks}
        for place, (path, query) in enumerate([*asked[:5], *asked]):
            for where, ask in asks.items():  # in turns, so that other load slows all alike
                took = ask(path, query) * 1000
                taken[where] += [took] if place >= len(asked[:5]) else []
        for where, all_times in taken.items():
            times = sorted(all_times)
            result |= {f"{where}_p50_ms": statistics.median(times)}
            result |= {f"{where}_p95_ms": times[min(int(len(times) * 0.95), len(times) - 1)]}
        results.append(result)
    return results


def run(folder: Path, count: int) -> tuple[float, list[dict[str, Any]]]:
    server = Embedded(folder / "postgres")
    server.start()
    try:
        with own_server(server.url, folder) as url:
            print(f"writing {count:,} customers ...", file=sys.stderr)
            taken = fill(server.url, count)
            given = {"BILLOW_DATABASE_URL": server.url, "BILLOW_DATA": str(folder / "data")}
            given["BILLOW_RATE_LIMIT_TEST"] = "1000"  # two versions are asked in turns
            built = application.build(settings.load(given), server.url)
            try:
                asks = {
                    "server": on_server(built.wsgi),
                    "oldest": on_server(built.wsgi, KNOWN[0]),
                    "http": over_http(url),
                }
                return taken, measured(asks, count)
            finally:
                built.close()
    finally:
        server.stop()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("customers", type=int, nargs="?", default=1_000_000)
    asked.add_argument("--json", action="store_true")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="billow-bench-") as name:
        taken, results = run(Path(name), wanted.customers)
    load = os.getloadavg()[0]
    if wanted.json:
        print(json.dumps({"customers": wanted.customers, "load": load, "results": results}, indent=1))
        return
    print(
        f"{wanted.customers:,} customers, written in {taken:.1f} s; {os.cpu_count()} cores, load {load:.1f}"
    )
    for result in results:
        server, p95 = result["server_p50_ms"], result["server_p95_ms"]
        print(
            f"{result['what']:32} server p50 {server:7.1f} p95 {p95:7.1f} ms"
            f"   in {KNOWN[0]} x {result['oldest_p50_ms'] / server:4.2f}"
            f"   HTTP p50 {result['http_p50_ms']:7.1f} p95 {result['http_p95_ms']:7.1f} ms"
            f"{'' if p95 < MOST_MS else f'   more than {MOST_MS} ms'}"
        )


if __name__ == "__main__":
    main()
