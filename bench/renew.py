"""How many subscriptions are renewed in a second: N due at once, each with a licensed and a metered item; and
how many of their invoices are finalized, and collected from a card.

    python bench/renew.py [N] [--workers 1] [--batch 500] [--json]

A renewal is the whole of flows/subscriptions/renew.py: usage is summed and priced, lines and a draft are
written, the items move on, events are emitted, and the timers are set. An hour later the drafts are
finalized (flows/invoices/finalize.py) and collected (flows/payments/collect.py). Beside it, in the same run,
a bare copy of the same number of invoice rows, and the ratio of the two. Statements are counted for a batch
of 1 and for one of `--batch`; of collections, for a tenth of the invoices. With one
worker, `cpu_ms` is what of its own time the worker computes for each, without PostgreSQL's; it is less at
the mercy of what else the machine does.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from billow import app as application
from billow import settings
from billow.api import rows
from billow.app import App
from billow.core import payments
from billow.flows.outside.seller import version_of
from billow.providers.gateways import StoredMethod, instruments
from billow.resources import payment_method as methods
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.meter import Meter
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs, migrate
from billow.store.embedded import Embedded
from billow.store.ids import new_id, secret
from billow.store.session import Statements
from billow.store.tx import Tx
from billow.store.usage import Measured, store
from billow.store.work import LANES

START = datetime(2026, 1, 31, tzinfo=UTC)
DUE = datetime(2026, 2, 28, tzinfo=UTC)
STEPS = {
    "subscription.renew": ("renewals", DUE),
    "invoice.finalize": ("finalized", DUE + timedelta(hours=1)),
    "invoice.collect": ("collected", DUE + timedelta(hours=1)),
}
"""The kinds of jobs that are measured: what each is called in the result, and when it is due."""
LANE = "measured"


def catalog(tx: Tx) -> tuple[Price, Price, Meter]:
    product = rows.insert(tx, Product(id=new_id("prod_"), name="Platform", updated=tx.now), event=None)
    meter = rows.insert(
        tx,
        Meter(
            display_name="Calls", event_name="calls", updated=tx.now, default_aggregation={"formula": "sum"}
        ),
        event=None,
    )
    recurring = {"interval": "month", "interval_count": 1, "meter": None, "trial_period_days": None}
    licensed = rows.insert(
        tx,
        Price(
            product=product.id,
            currency="usd",
            unit_amount=2000,
            unit_amount_decimal=Decimal(2000),
            type="recurring",
            recurring={**recurring, "usage_type": "licensed"},
        ),
        event=None,
    )
    tiers = [
        {
            "up_to": 1000,
            "unit_amount": None,
            "unit_amount_decimal": "0.5",
            "flat_amount": None,
            "flat_amount_decimal": None,
        },
        {
            "up_to": None,
            "unit_amount": None,
            "unit_amount_decimal": "0.25",
            "flat_amount": None,
            "flat_amount_decimal": None,
        },
    ]
    metered = rows.insert(
        tx,
        Price(
            product=product.id,
            currency="usd",
            billing_scheme="tiered",
            tiers_mode="graduated",
            tiers=tiers,
            type="recurring",
            recurring={**recurring, "usage_type": "metered", "meter": meter.id},
        ),
        event=None,
    )
    return licensed, metered, meter


def fill(built: App, tenant: str, count: int) -> None:
    """Customers with subscriptions that are due, and ten measured uses each."""
    with built.db.transaction(tenant, now=START) as tx:
        prices = catalog(tx)
        version_of(tx)  # kept once for each seller: whoever needs it first is waited for
    for start in range(0, count, 2000):
        with built.db.transaction(tenant, now=START) as tx:
            fill_some(tx, *prices, min(2000, count - start))


def fill_some(tx: Tx, licensed: Price, metered: Price, meter: Meter, count: int) -> None:
    made = [
        Customer(email=f"c{n}@example.com", invoice_prefix=secret("", 8).upper(), currency="usd")
        for n in range(count)
    ]
    customers = rows.insert_many(tx, made, event=None)
    give_cards(tx, customers)
    agreed = [
        Subscription(
            billing_cycle_anchor=START,
            currency="usd",
            customer=customer.id,
            start_date=START,
            status="active",
        )
        for customer in customers
    ]
    subscriptions = rows.insert_many(tx, agreed, event=None)
    period = {"current_period_start": START, "current_period_end": DUE}
    items = [
        SubscriptionItem(price=price.id, quantity=quantity, subscription=subscription.id, **period)
        for subscription in subscriptions
        for price, quantity in ((licensed, 3), (metered, None))
    ]
    rows.insert_many(tx, items)
    used = [
        Measured(
            meter.id,
            customer.id,
            f"{customer.id}-{day}",
            START + timedelta(days=day, minutes=7),
            Decimal(137 + day),
        )
        for customer in customers
        for day in range(10)
    ]
    store(tx).record(tx, used)
    jobs.put_many(tx, "subscription.renew", [(subscription.id, DUE) for subscription in subscriptions])


def give_cards(tx: Tx, customers: list[Customer]) -> None:
    """Attach a card to each customer, which pays."""
    found = instruments.find("pm_card_visa")
    assert not isinstance(found, payments.Declined)
    stored = StoredMethod(found.token, found.card(START).details())
    cards = rows.insert_many(
        tx,
        [
            PaymentMethod(**methods.shown(stored.method, {}), customer=customer.id, token=stored.reference)
            for customer in customers
        ],
        event=None,
    )
    rows.update_many(
        tx,
        [
            (customer, {"invoice_settings": {**customer.invoice_settings, "default_payment_method": card.id}})
            for customer, card in zip(customers, cards, strict=True)
        ],
        event=None,
    )


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many statements are sent within the block."""
    sent: list[Any] = []

    def noting(original: Any) -> Any:
        def send(where: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(statement)
            return original(where, statement, *args, **kwargs)

        return send

    ways = [(psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"), (Statements, "run"), (Statements, "send")]
    originals = [getattr(where, name) for where, name in ways]
    for (where, name), original in zip(ways, originals, strict=True):
        setattr(where, name, noting(original))
    try:
        yield lambda: len(sent)
    finally:
        for (where, name), original in zip(ways, originals, strict=True):
            setattr(where, name, original)


def statements(built: App, tenant: str, kind: str, refs: list[str], due: datetime) -> int:
    """How many statements one batch takes; nothing of it is kept."""

    class Stop(Exception):
        pass

    try:
        with built.db.transaction(tenant, now=due) as tx, counted() as count:
            jobs.KINDS[kind].run(tx, refs)
            tx.end()
            raise Stop
    except Stop:
        return count()


def collected(built: App, due: datetime, size: int) -> int:
    """Collect one batch of invoices; return the statements, with those that claim the jobs."""
    with counted() as count:
        run(built, "invoice.collect", due, size, limit=1)
    return count()


def statements_of(built: App, tenant: str, kind: str, due: datetime, batch: int, few: int) -> dict[int, int]:
    """Return the statements of a batch of one, and of a full one.

    Collecting cannot be undone, since the gateway is asked; its second batch is of a few invoices.
    """
    if kind == "invoice.collect":
        return {size: collected(built, due, size) for size in (1, few)}
    with built.db.transaction(tenant) as tx:
        found = tx.all("select ref from jobs where kind = %(kind)s limit %(n)s", kind=kind, n=batch)
    refs = [row["ref"] for row in found]
    return {len(some): statements(built, tenant, kind, some, due) for some in (refs[:1], refs)}


def bare_copy(built: App, tenant: str) -> float:
    """Rows a second of a plain copy of the invoices just made into a table of the same columns."""
    with built.db.transaction(tenant) as tx:
        names = ", ".join(f'"{name}"' for name in Invoice.columns)
        tx.run(f"create temporary table bare on commit drop as select {names} from invoices limit 0")
        with (
            tx.conn.cursor() as cursor,
            cursor.copy(f"copy (select {names} from invoices) to stdout") as stream,
        ):
            data = [bytes(block) for block in stream]
        started = time.perf_counter()
        with tx.conn.cursor() as cursor, cursor.copy(f"copy bare ({names}) from stdin") as stream:
            for block in data:
                stream.write(block)
        return len(data) / (time.perf_counter() - started)


def run(built: App, kind: str, due: datetime, batch: int, limit: int | None = None) -> None:
    """Run the due jobs of one kind, and of no other, in as many threads as a worker has for them."""
    built.db.wall = lambda: due
    known = jobs.KINDS[kind]
    size = max(batch, known.batch) if known.batch > 1 else 1
    jobs.KINDS[kind] = replace(known, batch=size, lane=LANE)

    def run_all() -> None:
        while jobs.run_due(built.db, clock="wall", until=due, lane=LANE, limit=limit, batch=batch):
            if limit:
                break

    threads = 1 if limit else LANES[known.lane]
    try:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(run_all) for _ in range(threads)]:
                done.result()
    finally:
        jobs.KINDS[kind] = known


def work(url: str, folder: str, kind: str, batch: int) -> None:
    """What each worker process does."""
    built = application.build(settings.load({"BILLOW_DATA": folder}), url)
    run(built, kind, STEPS[kind][1], batch)
    built.close()


def work_together(url: str, folder: Path, kind: str, workers: int, batch: int) -> None:
    """Run all jobs of a kind in worker processes; what they take to start counts."""
    command = [sys.executable, __file__, "--worker", url, str(folder), kind, "--batch", str(batch)]
    for process in [subprocess.Popen(command) for _ in range(workers)]:
        if process.wait():
            raise SystemExit(f"A worker failed at {kind}.")


def measure(count: int, workers: int, batch: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="billow-bench-"))
    server = Embedded(folder / "postgres")
    server.start()
    try:
        migrate.migrate(server.url)
        built = application.build(settings.load({"BILLOW_DATA": str(folder)}), server.url)
        tenant = f"{built.account}/test"
        fill(built, tenant, count)
        result: dict[str, Any] = {"subscriptions": count, "workers": workers, "batch": batch}
        for kind, (name, due) in STEPS.items():
            found = statements_of(built, tenant, kind, due, batch, few=max(count // 10, 2))
            result[f"{name}_statements"] = found
            left = count - sum(found) if kind == "invoice.collect" else count
            started, computing = time.perf_counter(), time.process_time()
            if workers == 1:
                run(built, kind, due, batch)
                result[f"{name}_cpu_ms"] = round((time.process_time() - computing) / left * 1000, 3)
            else:
                work_together(server.url, folder, kind, workers, batch)
            result[f"{name}_per_second"] = round(left / (time.perf_counter() - started))
        with built.db.transaction(tenant) as tx:
            row = tx.one(
                "select count(*) filter (where status = 'paid') n, sum(total)::bigint total from invoices"
            )
        if row is None or row["n"] != count:
            raise SystemExit(f"Not all of {count} invoices are paid: {row}")
        result |= {"total": row["total"], "bare_copy_per_second": round(bare_copy(built, tenant))}
        built.close()
        return {**result, "ratio": round(result["bare_copy_per_second"] / result["renewals_per_second"], 1)}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(*given.worker, given.batch)
        return
    result = measure(given.count, given.workers, given.batch)
    print(
        json.dumps(result)
        if given.json
        else "\n".join(f"{name:24} {value}" for name, value in result.items())
    )


if __name__ == "__main__":
    main()
