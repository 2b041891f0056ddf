"""A worker is stopped (SIGSTOP) for longer than its leases last and then goes on: is anything done twice?"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from billow import app as application
from billow import settings
from billow.app import App
from billow.core.payments import Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store import migrate
from tests.conftest import Api, new_caller
from tests.support import invariants
from tests.support.installation import new_database
from tests.support.webhook_receivers import Receiver, eventually, listening
from tests.test_tidy import ROOT

CUSTOMERS = 5
LEASE = 2
"""Seconds, instead of a minute or two: of a transaction, of an attempt and of a receiver."""
FIRST = 5
"""Seconds until the first period ends."""

#: A worker that stops itself once, at the place that is named; at none where no place is.
WORKER = """
import os, signal, sys, threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from billow import app, settings
from billow.flows.events import delivery as deliver
from billow.flows.papers import invoice_document as paper
from billow.flows.payments import collect
from billow.providers.gateways.simulated import Simulated
from billow.providers.mail.outbox import Outbox
from billow.store import jobs, turns
from billow.store.work import Worker

place, lease = sys.argv[1], int(sys.argv[2])
object.__setattr__(turns.JOB, "idle", lease * 1000)
collect.RESOLVE = deliver.LEASE = timedelta(seconds=lease)
begun = []
nobody_writes = threading.RLock()
enter = Simulated._transaction

@contextmanager
def alone(gateway):
    with nobody_writes, enter(gateway) as memory:
        yield memory

# All threads stop at once. No other may stop while it holds SQLite's lock: that one has no lease that ends.
Simulated._transaction = alone

def stop(here):
    with nobody_writes:
        if here == place and not begun:
            begun.append(here)
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread goes no step further

def stops(before, call, after):
    def called(*args, **more):
        stop(before)
        result = call(*args, **more)
        stop(after)
        return result
    return called

renew = jobs.KINDS["subscription.renew"]
jobs.KINDS[renew.name] = replace(renew, run=stops(None, renew.run, "in a transaction"))
Simulated.charge = stops("before the gateway", Simulated.charge, "after the gateway")
paper.document_of = stops(None, paper.document_of, "in the transaction of a letter")
send = Outbox.send

def sent(self, message):
    with open(os.path.join(os.environ["BILLOW_DATA"], "sent"), "a") as file:  # it keeps one file of a letter
        file.write(message.message_id + "\\n")
    send(self, message)

Outbox.send = sent
deliver.settle = stops("after a delivery", deliver.settle, None)

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
built = app.build(settings.load(os.environ), os.environ["BILLOW_DATABASE_URL"])
worker = Worker(built.db)
worker.start()
signal.sigwait({signal.SIGTERM})
worker.stop()
built.close()
"""


@dataclass
class Place:
    """An installation without processes; the test starts its workers."""

    app: App
    environment: dict[str, str]

    @contextmanager
    def worker(self, place: str = "") -> Iterator["subprocess.Popen[bytes]"]:
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", WORKER, place, str(LEASE)], env=environment)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(40)

    def time_passes(self) -> None:
        """What is to be done within the next days is done now."""
        with self.app.db.connection() as conn:
            conn.execute(
                "update jobs set run_at = %s where clock = 'wall' and kind in ('invoice.finalize',"
                " 'invoice.collect', 'mail.send', 'attempt.resolve')",
                (self.app.db.wall(),),
            )

    def counted(self, api: Api, sql: str) -> list[tuple[object, ...]]:
        with self.app.db.transaction(api.tenant) as tx:
            return tx.tuples(sql)


@pytest.fixture
def place(server_url: str) -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="billow-stopped-"))
    database = new_database(server_url)
    migrate.migrate(database)
    environment = {
        "BILLOW_DATABASE_URL": database,
        "BILLOW_DATA": str(folder),
        "BILLOW_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8",
    }
    built = application.build(settings.load(environment), database)
    yield Place(built, environment)
    built.close()
    shutil.rmtree(folder, ignore_errors=True)


def is_stopped(process: "subprocess.Popen[bytes]") -> bool:
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def subscribe(place: Place, api: Api) -> None:
    """Customers whose first short period ends in a few seconds, by the clock on the wall."""
    ends = int((place.app.db.wall() + timedelta(seconds=FIRST)).timestamp())
    price = api.post(
        "/v1/prices",
        {
            "currency": "usd",
            "unit_amount": "2000",
            "product_data[name]": "Pro",
            "recurring[interval]": "month",
        },
    )["id"]
    for _ in range(CUSTOMERS):
        card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
        customer = api.post("/v1/customers", card)["id"]
        form = {
            "customer": customer,
            "items[0][price]": price,
            "billing_cycle_anchor": ends,
            "proration_behavior": "none",
        }
        assert api.post("/v1/subscriptions", form)["status"] == "active"


def is_over(place: Place, api: Api, receiver: Receiver) -> bool:
    place.time_passes()
    [(paid,)] = place.counted(api, "select count(*) from invoices where status = 'paid' and total = 2000")
    waiting = place.counted(api, "select id from webhook_deliveries where status = 'pending'")
    unnumbered = place.counted(api, "select id from events where sequence is null")
    return paid == CUSTOMERS and not waiting and not unnumbered and bool(receiver.heard)


def names(receiver: Receiver) -> set[str | None]:
    """Of what it was told; a message that the stopped worker had begun may come last."""
    return {one.event["data"]["object"].get("name") for one in receiver.heard}


def charges(place: Place) -> list[int]:
    gateway = Simulated(Path(place.environment["BILLOW_DATA"]) / "gateway.sqlite")
    taken = [one.amount for one in gateway.charges() if isinstance(one.outcome, Succeeded)]
    gateway.close()
    return taken


@pytest.mark.parametrize(
    "where", ["in a transaction", "before the gateway", "after the gateway", "after a delivery"]
)
def test_a_worker_that_was_stopped_beyond_its_lease_does_nothing_twice(place: Place, where: str) -> None:
    """F24: another has done its work meanwhile; what it does afterwards changes nothing, and it works on."""
    api = new_caller(place.app)
    with listening() as receiver:
        made = api.post("/v1/webhook_endpoints", {"url": receiver.url, "enabled_events[]": "*"})
        with place.worker(where) as asleep:
            subscribe(place, api)

            def fell_asleep() -> bool:
                place.time_passes()
                return is_stopped(asleep)

            eventually(fell_asleep, seconds=40)
            began = time.monotonic()
            with place.worker():
                eventually(lambda: is_over(place, api, receiver), seconds=60)
                assert time.monotonic() - began > LEASE / 2
            before = state(place, api)
            asleep.send_signal(signal.SIGCONT)
            api.post("/v1/customers", {"name": "Zoë"})
            eventually(lambda: "Zoë" in names(receiver), seconds=40)
            assert asleep.poll() is None
        after = state(place, api)
    assert {**after, "events": before["events"]} == before
    assert after["events"] == before["events"] + 1
    assert charges(place) == [2000] * CUSTOMERS
    assert after["invoices"] == [("paid", 2000, "subscription_cycle", CUSTOMERS)]
    heard = Counter(one.event["id"] for one in receiver.heard)
    assert len(heard) == after["events"] and max(heard.values()) <= 2
    told = api.get(f"/v1/webhook_endpoints/{made['id']}/deliveries", {"limit": 100})["data"]
    assert {(one["status"], one["attempts"]) for one in told} == {("succeeded", 1)}
    assert {event["pending_webhooks"] for event in api.get("/v1/events", {"limit": 100})["data"]} == {0}
    invariants.check_all(place.app.db, api.tenant)


def state(place: Place, api: Api) -> dict[str, object]:
    """What would not be the same if anything was done twice."""
    [(events, attempts, moved)] = place.counted(
        api,
        "select (select count(*) from events), (select count(*) from attempts),"
        " (select count(*) from ledger_transfers)",
    )
    invoices = place.counted(
        api, "select status, total, billing_reason, count(*) from invoices where total > 0 group by 1, 2, 3"
    )
    return {"events": events, "attempts": attempts, "transfers": moved, "invoices": invoices}


def test_a_letter_is_not_sent_again_by_who_was_stopped_before_it(place: Place) -> None:
    """F24: its transaction was ended, so that what it fails with afterwards is no failure of the job."""
    api = new_caller(place.app)
    customer = api.post("/v1/customers", {"email": "ann@example.com"})["id"]
    form = {"customer": customer, "collection_method": "send_invoice", "days_until_due": "30"}
    invoice = api.post("/v1/invoices", {**form, "auto_advance": "true"})["id"]
    api.post(
        "/v1/invoiceitems", {"customer": customer, "invoice": invoice, "amount": 2000, "currency": "usd"}
    )
    sent = Path(place.environment["BILLOW_DATA"]) / "sent"
    with place.worker("in the transaction of a letter") as asleep:
        assert api.post(f"/v1/invoices/{invoice}/finalize")["status"] == "open"
        eventually(lambda: is_stopped(asleep), seconds=40)
        with place.worker():
            eventually(lambda: sent.exists() and not mails(place), seconds=40)
        asleep.send_signal(signal.SIGCONT)
        api.post("/v1/customers", {"name": "Zoë"})
        eventually(lambda: not place.counted(api, "select id from events where sequence is null"), seconds=40)
        time.sleep(1)
        place.time_passes()
        eventually(lambda: not mails(place), seconds=10)
        assert asleep.poll() is None
    assert len(sent.read_text().splitlines()) == 1


def mails(place: Place) -> list[tuple[object, ...]]:
    with place.app.db.connection() as conn:
        return conn.execute("select ref, run_at, error from jobs where kind = 'mail.send'").fetchall()
