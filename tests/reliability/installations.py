"""Installations for tests of backups: each with a data folder and a database of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from typer.testing import CliRunner

from billow import app as application
from billow import commands, settings
from billow.__main__ import cli
from billow.app import App
from billow.core.payments import Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store import migrate
from billow.store.backup import Installation, take
from billow.store.backup_file import Manifest, Reader
from billow.store.clocks import utc_now
from billow.store.restore import Target, restored
from tests.conftest import Api, new_caller


@dataclass
class Place:
    """A data folder, and the database that goes with it."""

    data: Path
    url: str

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "BILLOW_DATABASE_URL": self.url,
            "BILLOW_DATA": str(self.data),
            "BILLOW_LOG_LEVEL": "error",
            **more,
        }

    def backup(self, file: Path) -> Manifest:
        return take(Installation(self.url, self.data, None), file, utc_now())

    @contextmanager
    def restored(self, file: Path) -> Iterator[str]:
        with Reader(file) as backup, restored(backup, Target(self.data, None, self.url, None)) as url:
            yield url

    def restore(self, file: Path) -> None:
        """All that `billow restore` does."""
        with self.restored(file) as url, self.opened(url) as built:
            commands.agree_with_gateway(built, self.data / "gateway.sqlite")

    @contextmanager
    def opened(self, url: str | None = None) -> Iterator[App]:
        migrate.migrate(url or self.url)
        built = application.build(settings.load(self.environment()), url or self.url)
        try:
            yield built
        finally:
            built.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            conn.execute("set search_path = billow")
            return conn.execute(sql).fetchall()


def subscribe(api: Api, number: int = 1, **more: Any) -> list[str]:
    """Customers who pay a licence each month; their ids."""
    form = {
        "currency": "usd",
        "unit_amount": "2000",
        "product_data[name]": "Pro",
        "recurring[interval]": "month",
    }
    price = api.post("/v1/prices", form)["id"]
    card = "pm_card_visa"
    paying = {"payment_method": card, "invoice_settings[default_payment_method]": card, **more}
    found = []
    for place in range(number):
        customer = api.post("/v1/customers", {"email": f"ann{place}@example.com", **paying})["id"]
        made = api.post("/v1/subscriptions", {"customer": customer, "items[0][price]": price})
        assert made["status"] == "active", made
        found.append(customer)
    return found


def disagreements(app: App, tenant: str, memory: Path) -> list[str]:
    """Charges that only the gateway or only the books know."""
    gateway = Simulated(memory)
    truth = {one.attempt: one.amount for one in gateway.charges() if isinstance(one.outcome, Succeeded)}
    gateway.close()
    with app.db.transaction(tenant) as tx:
        ours = dict(
            tx.tuples("select id, amount from attempts where state = 'succeeded' and kind = 'charge'")
        )
        unsettled = [id for (id,) in tx.tuples("select id from attempts where state = 'processing'")]
    return sorted(
        [f"only the gateway took {id}" for id in truth.keys() - ours.keys()]
        + [f"only the books know {id}" for id in ours.keys() - truth.keys()]
        + [f"{id} is under way" for id in unsettled]
    )


def command(*words: str, **environment: str) -> tuple[int, str]:
    """Run a command of billow in this process: its exit status, and what it said."""
    kept, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
    try:
        done = CliRunner().invoke(cli, words, env=environment)
    finally:
        os.environ.clear()
        os.environ.update(kept)
        signal.signal(signal.SIGTERM, handler)
    return done.exit_code, f"{done.output}{done.exception or ''}"


__all__ = ["Place", "command", "disagreements", "new_caller", "subscribe"]
