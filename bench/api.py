"""How long does a page take when there are many customers: lists, filters and searches, over HTTP.

    python bench/api.py [N] [--json]

N customers (200,000 unless said) are written straight into a database of its own; then `billow up` is
asked, one request at a time. Times are what the client waits: HTTP, the key, the query, the JSON of a page.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any

import psycopg
from ingest import KEY, own_server  # type: ignore[import-not-found]

from billow.store.embedded import Embedded
from billow.store.tx import ROLE, SCHEMA

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


def fill(database: str, count: int) -> float:
    """The customers of the default account; how long it took, every index and note included."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(f"set role {ROLE}")
        conn.execute(f"set search_path = {SCHEMA}")
        tenant = conn.execute("select tenant from api_keys limit 1").fetchone()
        assert tenant
        conn.execute("select set_config('billow.tenant', %s, false)", tenant)
        begun = time.perf_counter()
        conn.execute(CUSTOMERS, (count,))
        taken = time.perf_counter() - begun
        conn.execute("analyze customers")
        conn.execute("analyze search_terms")
    return taken


def requests(count: int) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What is asked, a hundred times each, of places all over the table."""
    places = [200 + (place * 7919) % (count - 400) for place in range(100)]
    ids = [f"cus_bench{place:012}" for place in places]
    listed, found = "/v1/customers", "/v1/customers/search"
    return {
        "the newest 100": [(listed, {"limit": 100})] * 100,
        "100 after one": [(listed, {"limit": 100, "starting_after": id}) for id in ids],
        "100 before one": [(listed, {"limit": 100, "ending_before": id}) for id in ids],
        "100 of a month": [(listed, {"limit": 100, "created[lt]": 1577836800 + p * 60}) for p in places],
        "by email": [(listed, {"email": f"person{place}@example.com"}) for place in places],
        "search by email": [(found, {"query": f'email:"PERSON{place}@example.com"'}) for place in places],
        "search by name": [(found, {"query": f'name:"person number{place}"'}) for place in places],
        "search by metadata, one": [(found, {"query": f'metadata["own"]:"{place}"'}) for place in places],
        "search by metadata, many": [(found, {"query": f'metadata["order"]:"{p % 1000}"'}) for p in places],
        "search inside emails": [(found, {"query": f'email~"son{place}@"'}) for place in places[:10]],
    }


def measured(url: str, count: int) -> list[dict[str, Any]]:
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

    results = []
    for what, asked in requests(count).items():
        for path, query in asked[:5]:
            ask(path, query)
        times = sorted(ask(path, query) * 1000 for path, query in asked)
        p95 = times[int(len(times) * 0.95)]
        results.append({"what": what, "p50_ms": statistics.median(times), "p95_ms": p95})
    return results


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("customers", type=int, nargs="?", default=200_000)
    asked.add_argument("--json", action="store_true")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="billow-bench-") as name:
        server = Embedded(Path(name) / "postgres")
        server.start()
        try:
            with own_server(server.url, Path(name)) as url:
                taken = fill(server.url, wanted.customers)
                results = measured(url, wanted.customers)
        finally:
            server.stop()
    if wanted.json:
        print(json.dumps(results, indent=1))
        return
    print(f"{wanted.customers:,} customers, written in {taken:.1f} s")
    for result in results:
        print(f"{result['what']:28} p50 {result['p50_ms']:7.1f} ms   p95 {result['p95_ms']:7.1f} ms")


if __name__ == "__main__":
    main()
