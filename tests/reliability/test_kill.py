"""Server and worker are killed at random moments of a billing run: nothing is lost and nothing happens twice.

BILLOW_SUBSCRIPTIONS and BILLOW_KILLS make it larger, BILLOW_SEED repeats a run.
"""

import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from billow import app as application
from billow import settings
from billow.core.payments import Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store.embedded import Embedded
from billow.store.tx import Database, Tx
from tests.support import invariants
from tests.support.world import flat, moment

KEY = "sk_test_theKeyOfTheReliabilityTest"
KILLS = int(os.environ.get("BILLOW_KILLS", "6"))
SUBSCRIPTIONS = int(os.environ.get("BILLOW_SUBSCRIPTIONS", "200"))
SEED = int(os.environ.get("BILLOW_SEED", str(random.randrange(10**6))))
CLOCKS = 8
START, END = "2025-01-01", "2025-02-01 02:00"

#: Each process of the installation finds this first: its gateway acts, and is slow to say so.
SLOW_GATEWAY = """
import time
from billow.providers.gateways.simulated import Simulated

act = Simulated.charge

def charge(self, charge):
    outcome = act(self, charge)
    time.sleep(0.02)
    return outcome

Simulated.charge = charge
"""


@dataclass
class Installation:
    """`billow up` in a folder of its own, and what can be done to it."""

    data: Path
    port: int
    process: "subprocess.Popen[bytes]"
    killed: list[str] = field(default_factory=list)

    # ---------------------------------------------------------------------------- asking

    def ask(
        self, method: str, path: str, form: dict[str, Any], key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        body = urllib.parse.urlencode(flat(form))
        url = f"http://127.0.0.1:{self.port}{path}"
        data = body.encode() if method == "POST" else None
        request = urllib.request.Request(url if data else f"{url}?{body}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {KEY}")
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def insist(self, method: str, path: str, key: str | None = None, **form: Any) -> dict[str, Any] | None:
        """Ask until there is an answer, as a good client does: the same key again.

        None: a request that died between two of its transactions holds its key; a job settles what it began.
        """
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                status, answer = self.ask(method, path, form, key)
            except (OSError, ValueError):
                status, answer = 0, {}
            if status == 200:
                return answer
            if status == 409:
                return None
            unknown = status == 500 and "not known yet" in answer["error"]["message"]
            assert unknown or status in (0, 429, 503), (status, answer)
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} was not answered in a minute")

    def post(self, path: str, key: str, **form: Any) -> dict[str, Any]:
        answer = self.insist("POST", path, key, **form)
        assert answer is not None, path
        return answer

    def database(self) -> Database:
        """Its database, which runs already, and is theirs to stop."""
        read = settings.load({"BILLOW_DATA": str(self.data)})
        server = Embedded(read.embedded or self.data)
        server.start()
        db = Database(server.url, size=4)
        db.outside = application.outside_of(read, db)
        return db

    # ---------------------------------------------------------------------------- killing

    def child(self, command: str) -> int | None:
        """The process of a command, as it runs now."""
        for pid, parent, words in processes():
            if parent == self.process.pid and words[-2:] == ["billow", command]:
                return pid
        return None

    def kill(self, command: str) -> None:
        """Of the server the whole session, its own worker processes included."""
        pid = self.child(command)
        if pid is None:
            return
        self.killed.append(command)
        if command == "serve":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def processes() -> Iterator[tuple[int, int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
        except (OSError, ValueError):
            continue
        yield int(folder.name), parent, words


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = Path(tempfile.mkdtemp(prefix="billow-kill-"))
    patches = tmp_path_factory.mktemp("patches")
    (patches / "sitecustomize.py").write_text(SLOW_GATEWAY)
    root = str(Path(__file__).parents[2])
    port = free_port()
    environment = {
        **os.environ,
        "BILLOW_TEST_KEY": KEY,
        "BILLOW_LOG_LEVEL": "error",
        "PYTHONPATH": os.pathsep.join([str(patches), root]),
    }
    command = [sys.executable, "-m", "billow", "up", "--data", str(folder), "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    made = Installation(folder, port, process)
    try:
        made.insist("GET", "/v1/customers")
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------- the story


@dataclass
class Shop:
    """What is set up before the run: clocks with customers, each of whom has a licence and used something."""

    system: Installation
    clocks: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)

    def open(self) -> None:
        system = self.system
        seconds = int(moment(START).timestamp())
        meter = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
        id = system.post("/v1/billing/meters", "meter", **meter)["id"]
        form = {"currency": "usd", "product_data": {"name": "Pro"}, "recurring": {"interval": "month"}}
        licence = system.post("/v1/prices", "licence", **form, unit_amount=2000)["id"]
        form["recurring"] = {"interval": "month", "usage_type": "metered", "meter": id}
        calls = system.post("/v1/prices", "calls", **form, unit_amount_decimal="0.5")["id"]
        self.prices = [licence, calls]
        self.clocks = [
            system.post("/v1/test_helpers/test_clocks", f"clock {n}", frozen_time=seconds)["id"]
            for n in range(CLOCKS)
        ]
        with ThreadPoolExecutor(6) as threads:
            self.customers = list(threads.map(self.subscribe, range(SUBSCRIPTIONS)))

    def subscribe(self, number: int) -> str:
        system, clock = self.system, self.clocks[number % CLOCKS]
        card = "pm_card_visa"
        paying = {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        customer = str(system.post("/v1/customers", f"customer {number}", test_clock=clock, **paying)["id"])
        items = [{"price": price} for price in self.prices]
        system.post("/v1/subscriptions", f"subscription {number}", customer=customer, items=items)
        use = {"event_name": "calls", "timestamp": int(moment(START).timestamp()) + 60}
        payload = {"stripe_customer_id": customer, "value": 1000 + number}
        system.post("/v1/billing/meter_events", f"use {number}", **use, payload=payload)
        return customer

    def advance(self) -> None:
        seconds = int(moment(END).timestamp())
        for clock in self.clocks:
            self.system.insist(
                "POST",
                f"/v1/test_helpers/test_clocks/{clock}/advance",
                f"advance {clock}",
                frozen_time=seconds,
            )

    def ready(self) -> bool:
        page = self.system.insist("GET", "/v1/test_helpers/test_clocks", limit=100) or {}
        statuses = {clock["status"] for clock in page["data"]}
        assert "internal_failure" not in statuses
        return statuses == {"ready"}


class Buyer(threading.Thread):
    """Somebody who buys all the while, with a key for each purchase, and asks again when nobody answers."""

    def __init__(self, system: Installation, customer: str) -> None:
        super().__init__()
        self.system, self.customer = system, customer
        self.enough = threading.Event()
        self.failure: BaseException | None = None
        self.tried = 0

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.tried += 1
                self.system.insist(
                    "POST",
                    "/v1/payment_intents",
                    f"purchase {self.tried}",
                    amount=100 + self.tried,
                    currency="usd",
                    customer=self.customer,
                    payment_method=self.method(),
                    confirm=True,
                    off_session=True,
                    description=f"purchase {self.tried}",
                )
        except BaseException as error:
            self.failure = error

    def method(self) -> str:
        customer = self.system.insist("GET", f"/v1/customers/{self.customer}")
        assert customer is not None
        return str(customer["invoice_settings"]["default_payment_method"])


def a_minute_passes(db: Database) -> None:
    """What waits for an answer that may never come is looked at again, as it would be in a minute."""
    with db.connection() as conn:
        conn.execute(
            "update jobs set run_at = now() where clock = 'wall' and run_at > now()"
            " and kind in ('attempt.resolve', 'test_clock.advance')"
        )


def wait(until: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"{what} within {seconds} s"
        time.sleep(0.2)


def test_no_invoice_is_lost_or_doubled_whatever_is_killed_and_when(installation: Installation) -> None:
    print(f"BILLOW_SEED={SEED} BILLOW_KILLS={KILLS} BILLOW_SUBSCRIPTIONS={SUBSCRIPTIONS}")
    chance = random.Random(SEED)
    shop = Shop(installation)
    shop.open()
    db = installation.database()
    buyer = Buyer(installation, shop.customers[0])
    buyer.start()
    shop.advance()
    for victim in itertools.islice(itertools.cycle(chance.sample(["work", "serve"], 2)), KILLS):
        time.sleep(chance.uniform(0.3, 2.0))
        installation.kill(victim)
        wait(lambda victim=victim: installation.child(victim) is not None, f"{victim} is back", 20)
        a_minute_passes(db)
    buyer.enough.set()
    buyer.join()

    def over() -> bool:
        a_minute_passes(db)
        with db.connection() as conn:
            # The housekeeping of every night, and what is done every month, are always due some time.
            row = conn.execute(
                "select count(*) from jobs where clock = 'wall' and not parked"
                " and kind not in ('store.prune', 'cards.expiring', 'statements.monthly')"
            ).fetchone()
        return shop.ready() and row is not None and row[0] == 0

    wait(over, "the run is over", 60 + SUBSCRIPTIONS / 5)
    assert buyer.failure is None
    assert len(installation.killed) == KILLS
    with db.transaction(tenant_of(db)) as tx:
        wrong = [
            *every_customer_has_two_paid_invoices(tx, shop.customers),
            *the_gateway_agrees(tx, installation),
            *no_purchase_is_made_twice(tx, buyer),
        ]
    assert not wrong, "\n".join([f"BILLOW_SEED={SEED}", *wrong])
    for clock in shop.clocks:
        invariants.check_all(db, tenant_of(db), clock)
    db.close()


def tenant_of(db: Database) -> str:
    with db.connection() as conn:
        row = conn.execute("select tenant from api_keys limit 1").fetchone()
    assert row is not None
    return str(row[0])


# ------------------------------------------------------------------------------------- what must be true


def every_customer_has_two_paid_invoices(tx: Tx, customers: Iterable[str]) -> Iterator[str]:
    """The first and the renewal, numbered 1 and 2, for the licence and for exactly what was used."""
    found: dict[str, list[dict[str, Any]]] = {}
    columns = "customer, status, right(number, 4) as number, total, amount_paid, billing_reason"
    for row in tx.all(f"select {columns} from invoices order by customer, number"):
        found.setdefault(row.pop("customer"), []).append(row)
    for number, customer in enumerate(customers):
        used = (1000 + number + 1) // 2
        wanted = [
            {
                "status": "paid",
                "number": place,
                "total": total,
                "amount_paid": total,
                "billing_reason": reason,
            }
            for place, total, reason in (
                ("0001", 2000, "subscription_create"),
                ("0002", 2000 + used, "subscription_cycle"),
            )
        ]
        if found.get(customer) != wanted:
            yield f"{customer}: {found.get(customer)}, wanted {wanted}"


def the_gateway_agrees(tx: Tx, system: Installation) -> Iterator[str]:
    """What the gateway took is what our charges say, attempt by attempt; and it took nothing twice."""
    gateway = Simulated(system.data / "gateway.sqlite")
    truth = {
        taken.attempt: taken.amount for taken in gateway.charges() if isinstance(taken.outcome, Succeeded)
    }
    gateway.close()
    ours = dict(tx.tuples("select id, amount from attempts where state = 'succeeded'"))
    if truth != ours:
        yield f"only the gateway: {truth.keys() - ours.keys()}; only we: {ours.keys() - truth.keys()}"
    [(charges, total)] = tx.tuples(
        "select count(*), sum(amount)::bigint from charges where status = 'succeeded'"
    )
    if (charges, total) != (len(truth), sum(truth.values())):
        yield f"{charges} charges of {total}, the gateway {len(truth)} of {sum(truth.values())}"
    twice = "select payment_intent from attempts where state = 'succeeded' group by 1 having count(*) > 1"
    yield from (f"{row} was paid twice" for row in tx.tuples(twice))


def no_purchase_is_made_twice(tx: Tx, buyer: Buyer) -> Iterator[str]:
    """Every purchase but the last ones is there, once: a key that was answered is never acted on again."""
    made = dict(
        tx.tuples(
            "select description, count(*) from payment_intents"
            " where description like 'purchase %%' group by 1"
        )
    )
    yield from (f"{name}: {count} times" for name, count in made.items() if count != 1)
    missing = {f"purchase {number}" for number in range(1, buyer.tried + 1)} - made.keys()
    yield from (f"{name} is missing" for name in sorted(missing))
