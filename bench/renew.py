"""How many subscriptions are renewed in a second: N due at once, each with a licensed and a metered item.

    python bench/renew.py [N] [--workers 1] [--batch 500] [--json]

A renewal is the whole of flows/subscriptions/renew.py: usage is summed and priced, lines and a draft are
written, the items move on, every event is told, and the timers are set. Beside it, in the same run, a bare
copy of the same number of invoice rows, and the ratio of the two. Statements are counted for a batch of 1 and
for one of `--batch`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from billow import app as application
from billow import settings
from billow.api import rows
from billow.app import App
from billow.flows.subscriptions import renew
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs, migrate
from billow.store.embedded import Embedded
from billow.store.ids import new_id, secret
from billow.store.tx import Tx
from billow.store.usage import Measured, store

START = datetime(2026, 1, 31, tzinfo=UTC)
DUE = datetime(2026, 2, 28, tzinfo=UTC)


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
    for start in range(0, count, 2000):
        with built.db.transaction(tenant, now=START) as tx:
            fill_some(tx, *prices, min(2000, count - start))


def fill_some(tx: Tx, licensed: Price, metered: Price, meter: Meter, count: int) -> None:
    made = [
        Customer(email=f"c{n}@example.com", invoice_prefix=secret("", 8).upper(), currency="usd")
        for n in range(count)
    ]
    customers = rows.insert_many(tx, made, event=None)
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


def statements(built: App, tenant: str, refs: list[str]) -> int:
    """How many statements one batch takes; nothing of it is kept."""
    count = 0

    class Stop(Exception):
        pass

    try:
        with built.db.transaction(tenant, now=DUE) as tx:
            original = type(tx.conn).cursor

            def counted(conn: Any, *args: Any, **kwargs: Any) -> Any:
                nonlocal count
                count += 1
                return original(conn, *args, **kwargs)

            type(tx.conn).cursor = counted  # type: ignore[method-assign]
            try:
                renew.renew(tx, refs)
            finally:
                type(tx.conn).cursor = original  # type: ignore[method-assign]
            raise Stop
    except Stop:
        return count


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


def renewals(url: str, folder: str, batch: int) -> None:
    """What each worker process does."""
    built = application.build(settings.load({"BILLOW_DATA": folder}), url)
    built.db.wall = lambda: DUE
    jobs.KINDS["subscription.renew"] = replace(jobs.KINDS["subscription.renew"], batch=max(batch, 500))
    while jobs.run_due(built.db, clock="wall", until=DUE, lane="billing", batch=batch):
        pass
    built.close()


def measure(count: int, workers: int, batch: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="billow-bench-"))
    server = Embedded(folder / "postgres")
    server.start()
    try:
        migrate.migrate(server.url)
        built = application.build(settings.load({"BILLOW_DATA": str(folder)}), server.url)
        tenant = f"{built.account}/test"
        fill(built, tenant, count)
        with built.db.transaction(tenant) as tx:
            refs = [
                row["ref"]
                for row in tx.all(
                    "select ref from jobs where kind = 'subscription.renew' limit %(n)s", n=batch
                )
            ]
        counted = {1: statements(built, tenant, refs[:1]), len(refs): statements(built, tenant, refs)}
        started = time.perf_counter()
        if workers == 1:
            renewals(server.url, str(folder), batch)
        else:
            command = [sys.executable, __file__, "--worker", server.url, str(folder), "--batch", str(batch)]
            for process in [subprocess.Popen(command) for _ in range(workers)]:
                assert process.wait() == 0
        seconds = time.perf_counter() - started
        with built.db.transaction(tenant) as tx:
            row = tx.one("select count(*) n, sum(total)::bigint total from invoices")
        assert row is not None and row["n"] == count, row
        result = {
            "subscriptions": count,
            "workers": workers,
            "batch": batch,
            "seconds": round(seconds, 2),
            "renewals_per_second": round(count / seconds),
            "statements": counted,
            "total": row["total"],
            "bare_copy_per_second": round(bare_copy(built, tenant)),
        }
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
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        renewals(*given.worker, given.batch)
        return
    result = measure(given.count, given.workers, given.batch)
    print(
        json.dumps(result)
        if given.json
        else "\n".join(f"{name:24} {value}" for name, value in result.items())
    )


if __name__ == "__main__":
    main()
