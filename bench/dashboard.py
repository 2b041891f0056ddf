"""How long does a screen of the dashboard take when there are many customers and invoices?

    python bench/dashboard.py [CUSTOMERS] [INVOICES] [--json]

100,000 customers and a million invoices of three years, with their ledger transfers, are written straight
into a database of its own, without the triggers that note words for searches. Then an owner signs in, and
each screen is asked twenty times, one at a time, of the application in this process: what the server takes.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from api import CUSTOMERS

from billow import app as application
from billow import settings
from billow.flows.operators import invitations, passwords
from billow.store import migrate
from billow.store.embedded import Embedded
from billow.store.tx import ROLE, SCHEMA

TIMES = 20
MOST_MS = 100
"""What a screen may take on the server."""
PASSWORD = "only for this bench"  # noqa: S105
EMAIL = "owner@bench.example"
INVOICES = """
    insert into invoices
        (id, created, amount_due, amount_paid, amount_paid_off_stripe, attempt_count, attempted, auto_advance,
         billing_reason, collection_method, currency, customer, customer_email, customer_name,
         customer_tax_exempt, metadata, number, period_start, period_end, starting_balance, status, subtotal,
         subtotal_excluding_tax, total, total_excluding_tax, due_date, finalized_at, paid_at)
    select 'in_bench' || lpad(n::text, 12, '0'), at, 2000, case when late then 0 else 2000 end, 0, 1, true,
        true, 'subscription_cycle', case when late then 'send_invoice' else 'charge_automatically' end, 'usd',
        customer, 'person' || who || '@example.com', 'Person Number' || who, 'none', '{}', 'B-' || n,
        at - interval '1 month', at, 0, case when late then 'open' else 'paid' end, 2000, 2000, 2000, 2000,
        case when late then at + interval '30 days' end, at, case when late then null else at end
    from (select n, n %% %(customers)s + 1 as who, n %% 100 = 0 as late,
              'cus_bench' || lpad((n %% %(customers)s + 1)::text, 12, '0') as customer,
              now() - (%(invoices)s - n) * interval '3 years' / %(invoices)s as at
          from generate_series(1, %(invoices)s) as n) made
"""
TRANSFERS = """
    insert into ledger_transfers
        (id, created, debit, credit, amount, currency, event, source, sequence, customer, invoice)
    select 'lt_' || sequence || id, created, debit, credit, amount, 'usd', event, id, sequence, customer, id
    from invoices, lateral (values
        (1, 'receivable:' || customer, 'revenue:prod_bench', 2000, 'invoice.finalized'),
        (2, 'clearing:simulated', 'receivable:' || customer, 2000, 'payment.succeeded'),
        (3, 'gateway_fees', 'clearing:simulated', 88, 'gateway.fee')
    ) as moved (sequence, debit, credit, amount, event)
    where sequence = 1 or status = 'paid'
"""
SCREENS = {
    "home": "",
    "customers": "/customers",
    "customers, a search": "/customers?q=Number4711",
    "one customer": "/customers/cus_bench000000000042",
    "invoices": "/invoices",
    "invoices, overdue": "/invoices?tab=late",
    "invoices, a later page": "/invoices?starting_after=in_bench000000000777",
    "one invoice": "/invoices/in_bench000000000777",
    "find a number": "/search?q=B-4711",
    "subscriptions": "/subscriptions",
    "products": "/products",
    "ledger": "/ledger",
    "journal": "/ledger/journal",
    "revenue of this year": "/reports/revenue",
    "receivables by age": "/reports/aging",
    "recurring revenue": "/reports/mrr",
}


def fill(url: str, tenant: str, customers: int, invoices: int) -> float:
    """Write customers, invoices and transfers; return how long that took."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")
        conn.execute(f"set role {ROLE}")
        conn.execute(f"set search_path = {SCHEMA}")
        conn.execute("select set_config('billow.tenant', %s, false)", (tenant,))
        begun = time.perf_counter()
        conn.execute(CUSTOMERS, (customers,))
        conn.execute(INVOICES, {"customers": customers, "invoices": invoices})
        conn.execute(TRANSFERS)
        taken = time.perf_counter() - begun
        conn.execute("reset role")
        conn.execute("vacuum analyze")
    return taken


def signed_in(built: Any) -> Any:
    """Return a client of an owner who has signed in."""
    now = built.db.wall()
    with built.db.connection() as conn, conn.transaction():
        token = invitations.invite(conn, built.account, "owner", EMAIL, now, timedelta(hours=1))
        found = invitations.find(conn, token, now)
        assert found is not None
        invitations.accept(conn, found, EMAIL, "Owner", passwords.hashed(PASSWORD), "127.0.0.1", now)
    client = built.wsgi.test_client()
    shown = client.get("/dashboard/sign-in").text
    form = dict(re.findall(r'name="(token|to)" value="([^"]*)"', shown))
    answer = client.post("/dashboard/sign-in", data={**form, "email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def measured(client: Any, base: str) -> list[dict[str, Any]]:
    results = []
    for what, path in SCREENS.items():
        taken = []
        for _ in range(TIMES + 2):
            begun = time.perf_counter()
            answer = client.get(base + path)
            taken.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code in (200, 303), (path, answer.status_code, answer.text[:500])
        times = sorted(taken[2:])
        results.append(
            {
                "what": what,
                "p50_ms": round(statistics.median(times), 1),
                "p95_ms": round(times[int(len(times) * 0.95) - 1], 1),
                "kb": round(len(answer.data) / 1000),
            }
        )
    return results


def run(customers: int, invoices: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="billow-bench-") as name:
        folder = Path(name)
        server = Embedded(folder / "postgres")
        server.start()
        try:
            migrate.migrate(server.url)
            built = application.build(settings.load({"BILLOW_DATA": str(folder / "data")}), server.url)
            print(f"writing {customers:,} customers and {invoices:,} invoices ...", file=sys.stderr)
            taken = fill(server.url, f"{built.account}/test", customers, invoices)
            print(f"written in {taken:.0f} s", file=sys.stderr)
            found = measured(signed_in(built), f"/dashboard/{built.account}/test")
            built.close()
            return found
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("customers", nargs="?", type=int, default=100_000)
    parser.add_argument("invoices", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run(given.customers, given.invoices)
    if given.json:
        print(json.dumps(found))
        return
    for row in found:
        late = "" if row["p50_ms"] <= MOST_MS else f"  more than {MOST_MS} ms"
        print(
            f"{row['what']:<26}{row['p50_ms']:>9,.1f} ms{row['p95_ms']:>9,.1f} ms p95{row['kb']:>6} kB{late}"
        )


if __name__ == "__main__":
    main()
