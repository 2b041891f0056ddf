"""How long does a screen of the dashboard take when there are many customers and invoices?

    python bench/dashboard.py [CUSTOMERS] [INVOICES] [--json]

100,000 customers with subscriptions and a million invoices of three years, with their lines and ledger
transfers, are written straight into a database of its own, without triggers; the sums that reports read are
made once. Then an owner signs in, and each screen is asked up to twenty times, one at a time, of the
application in this process: what the server takes. Reports are those of this year so far.
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
from api import CUSTOMERS, WORDS

from billow import app as application
from billow import settings
from billow.flows.operators import invitations, passwords
from billow.pages.dashboard import reports_page
from billow.store import migrate
from billow.store.embedded import Embedded
from billow.store.tx import ROLE, SCHEMA

TIMES = 20
LEAST, LONGEST_MS = 3, 3000
"""What is slow is asked fewer times, but a few."""
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
LINES = """
    insert into invoice_lines
        (id, created, amount, currency, description, discountable, invoice, metadata, quantity_decimal, kind,
         position, customer, proration, product, unit_amount_decimal, period_start, period_end, net, earned)
    select 'il_' || id, created, 2000, 'usd', 'A month', true, id, '{}', 1, 'licensed', 0,
        customer, false, 'prod_bench', 2000, created, created + interval '1 month', 2000,
        case when created + interval '1 month' < now() then 2000 else 0 end
    from invoices
"""
TRANSFERS = """
    insert into ledger_transfers
        (id, created, debit, credit, amount, currency, event, source, sequence, customer, invoice, line)
    select 'lt_' || place || id, at, debit, credit, amount, 'usd', event, id, 0, customer, id,
        case when place in (1, 4) then 'il_' || id end
    from invoices, lateral (values
        (1, created, 'receivable:' || customer, 'deferred_revenue', 2000, 'invoice.finalized'),
        (2, paid_at, 'clearing:simulated', 'receivable:' || customer, 2000, 'payment.succeeded'),
        (3, paid_at, 'gateway_fees', 'clearing:simulated', 88, 'gateway.fee'),
        (4, created + interval '1 month', 'deferred_revenue', 'revenue:prod_bench', 2000,
            'revenue.recognized')
    ) as moved (place, at, debit, credit, amount, event)
    where at < now()
"""
SUBSCRIPTIONS = """
    insert into subscriptions
        (id, created, billing_cycle_anchor, billing_mode, cancel_at_period_end, cancellation_details,
         collection_method, currency, customer, metadata, payment_settings, start_date, status,
         trial_settings, emitted)
    select 'sub_bench' || lpad(n::text, 12, '0'), at, at, '{"type": "flexible"}', false,
        '{"comment": null, "feedback": null, "reason": null}', 'charge_automatically', 'usd',
        'cus_bench' || lpad(n::text, 12, '0'), '{}',
        '{"payment_method_options": null, "payment_method_types": null,
          "save_default_payment_method": "off"}',
        at, case when n %% 50 = 0 then 'canceled' else 'active' end,
        '{"end_behavior": {"missing_payment_method": "create_invoice"}}', true
    from (select n, now() - (%(customers)s - n) * interval '3 years' / %(customers)s as at
          from generate_series(1, %(customers)s) as n) made
"""
MOVEMENTS = """
    insert into recurring_movements (customer, currency, day, before, change, after, kind)
    select customer, 'usd', day::date, before, after - before, after, kind
    from subscriptions, lateral (values
        (created, 0, 2000, 'new'),
        (created + interval '90 days', 2000, 3000, 'expansion'),
        (created + interval '400 days', 3000, case when status = 'canceled' then 0 else 2500 end,
            case when status = 'canceled' then 'churn' else 'contraction' end)
    ) as moved (day, before, after, kind)
    where day < now()
"""
RECURRING_DAYS = """
    insert into recurring_days (currency, day, kind, change, customers)
    select currency, day, kind, sum(change),
        count(*) filter (where before = 0) - count(*) filter (where after = 0)
    from recurring_movements group by 1, 2, 3
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
    "accounts of customers": "/ledger/accounts/receivable?currency=usd",
    "one account": "/ledger/accounts/clearing?currency=usd&of=simulated",
    "events": "/events",
    "payments": "/payments",
    **{f"report: {name}": f"/reports/{name}" for name in sorted(reports_page.TITLES)},
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
        conn.execute(LINES)
        conn.execute(TRANSFERS)
        conn.execute(SUBSCRIPTIONS, {"customers": customers})
        conn.execute(MOVEMENTS)
        for statement in (RECURRING_DAYS, WORDS, "select make_ledger_sums()"):
            conn.execute(statement)
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
        taken: list[float] = []
        while len(taken) < TIMES + 2 and (len(taken) < LEAST or sum(taken) < LONGEST_MS):
            begun = time.perf_counter()
            answer = client.get(base + path)
            taken.append((time.perf_counter() - begun) * 1000)
            if answer.status_code not in (200, 303):
                print(f"{what}: {answer.status_code} after {taken[-1]:,.0f} ms", file=sys.stderr)
        times = sorted(taken[1:])
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
