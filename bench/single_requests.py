"""How long does one request take, how many SQL statements does it need, and how many are answered a second?

    python bench/single_requests.py                     about a minute, against a server of its own
    python bench/single_requests.py --localstripe       the same clients against localstripe (PyPI), in turns
    python bench/single_requests.py --only event,list   some of the requests; --json for programs

On one connection: the median and the least milliseconds of each kind of request. Statements are counted in
the log of the database, as round trips: several statements that are sent as one count once. With eight
clients: how many are answered in a second. The server is `billow serve` without a worker, so that nothing but
the requests is measured. Everything is asked over HTTP, so this script also measures an older version of
billow (bench/against.py).
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from ingest import KEY  # type: ignore[import-not-found]
from load import Connection, flat  # type: ignore[import-not-found]

from billow.store.embedded import Embedded

LOCALSTRIPE = "localstripe==1.15.10"
CLIENTS = 8
WARM = 6
COUNTED = 3
"""Repetitions in which statements are counted; the least counts, since a key is looked up now and then."""
STATEMENT = re.compile(r"LOG:  (?:statement: |execute )")
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2035, "cvc": "123"}
Act = Callable[[], Awaitable[Any]]


@dataclass
class Shop:
    """What a seller asks of a server: each method is one request, and `sign_up` is several."""

    port: int
    imitation: bool = False
    """localstripe: it has plans and no prices, and makes its cards from numbers."""
    connection: Connection = field(init=False)
    known: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = Connection(self.port)

    def another(self) -> "Shop":
        """The same seller on a connection of its own."""
        return Shop(self.port, self.imitation, self.known, self.numbers)

    async def ask(self, method: str, path: str, **form: Any) -> Any:
        status, body = await self.connection.ask(method, f"/v1/{path}", flat(form))
        if status != 200:
            raise RuntimeError(f"{method} {path} answered {status}: {body[:500]!r}")
        return json.loads(body)

    async def prepare(self) -> None:
        product = await self.ask("POST", "products", name="Platform", type="service")
        if self.imitation:
            plan = {"amount": 1000, "currency": "usd", "interval": "month", "product": product["id"]}
            self.known["item"] = {"plan": (await self.ask("POST", "plans", **plan))["id"]}
        else:
            price = {"unit_amount": 1000, "currency": "usd", "recurring": {"interval": "month"}}
            made = await self.ask("POST", "prices", product=product["id"], **price)
            self.known["item"] = {"price": made["id"]}
            aggregation = {"formula": "sum"}
            await self.ask(
                "POST",
                "billing/meters",
                display_name="Calls",
                event_name="calls",
                default_aggregation=aggregation,
            )
        self.known["customer"] = await self._payer()

    async def _payer(self) -> str:
        customer: str = (await self.create())["id"]
        card = "pm_card_visa"
        if self.imitation:
            card = (await self.ask("POST", "payment_methods", type="card", card=CARD))["id"]
        method = await self.ask("POST", f"payment_methods/{card}/attach", customer=customer)
        settings = {"default_payment_method": method["id"]}
        await self.ask("POST", f"customers/{customer}", invoice_settings=settings)
        return customer

    # What is asked

    async def event(self) -> Any:
        payload = {"stripe_customer_id": self.known["customer"], "value": 1}
        identifier = f"event-{next(self.numbers)}"
        return await self.ask(
            "POST", "billing/meter_events", event_name="calls", payload=payload, identifier=identifier
        )

    async def create(self) -> Any:
        number = next(self.numbers)
        return await self.ask("POST", "customers", name=f"Person {number}", email=f"p{number}@example.com")

    async def retrieve(self) -> Any:
        return await self.ask("GET", f"customers/{self.known['customer']}")

    async def list(self) -> Any:
        return await self.ask("GET", "customers", limit=10)

    async def subscribe(self) -> Any:
        """A subscription whose first invoice is paid at once."""
        made = await self.ask(
            "POST", "subscriptions", customer=self.known["customer"], items=[self.known["item"]]
        )
        if made["status"] != "active":
            raise RuntimeError(f"a subscription is {made['status']}")
        self.subscriptions.append(made)
        return made

    async def preview(self) -> Any:
        id, changed = self._changed()
        return await self.ask(
            "POST", "invoices/create_preview", subscription=id, subscription_details={"items": [changed]}
        )

    async def change(self) -> Any:
        id, changed = self._changed()
        return await self.ask("POST", f"subscriptions/{id}", items=[changed])

    def _changed(self) -> tuple[str, dict[str, Any]]:
        """A subscription, another one each time, and a new quantity for its item."""
        number = next(self.numbers)
        chosen = self.subscriptions[number % len(self.subscriptions)]
        return chosen["id"], {"id": chosen["items"]["data"][0]["id"], "quantity": 2 + number}

    async def cancel(self) -> Any:
        return await self.ask("DELETE", f"subscriptions/{self.subscriptions.pop()['id']}")

    async def sign_up(self) -> Any:
        customer = await self._payer()
        return await self.ask("POST", "subscriptions", customer=customer, items=[self.known["item"]])


# ------------------------------------------------------------------------------------- what is measured

ONE_CONNECTION = {
    "event": ("a usage event", 150),
    "create": ("a customer made", 80),
    "retrieve": ("a customer retrieved", 150),
    "list": ("ten customers listed", 150),
    "subscribe": ("a subscription paid at once", 40),
    "preview": ("a changed quantity previewed", 25),
    "change": ("a quantity changed", 25),
    "cancel": ("a subscription canceled", 20),
}
"""Each request, in the order in which it is measured, and how often."""
MANY = {
    "event": "usage events",
    "retrieve": "customers retrieved",
    "list": "lists of ten customers",
    "create": "customers made",
    "sign_up": "customers signed up (4 requests; localstripe 5)",
}


async def one_connection(shop: Shop, name: str, log: Path, logging: Callable[[bool], None]) -> dict[str, Any]:
    what, times = ONE_CONNECTION[name]
    act: Act = getattr(shop, name)
    for _ in range(WARM):
        await act()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - begun) * 1000)
    logging(True)
    try:
        counts = [await counted(act, log) for _ in range(COUNTED)]
    finally:
        logging(False)
    result = {"what": what, "median_ms": statistics.median(taken), "least_ms": min(taken)}
    return {**result, "statements": min(counts)}


async def counted(act: Act, log: Path) -> int:
    """How many round trips to the database one request makes."""
    before = log.stat().st_size
    await act()
    with log.open("rb") as lines:
        lines.seek(before)
        return len(STATEMENT.findall(lines.read().decode(errors="replace")))


async def many(shop: Shop, name: str, seconds: float) -> float:
    """How many are answered in a second, of `CLIENTS` that each ask as soon as they are answered."""
    end, done = time.perf_counter() + seconds, 0

    async def client(one: Shop) -> None:
        nonlocal done
        act: Act = getattr(one, name)
        while time.perf_counter() < end:
            await act()
            done += 1
        one.connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client(shop.another()) for _ in range(CLIENTS)))
    return done / (time.perf_counter() - begun)


# ------------------------------------------------------------------------------------- the servers


@contextmanager
def billow(folder: Path) -> Iterator[tuple[int, Embedded]]:
    """`billow serve` on a database of its own."""
    database = Embedded(folder / "postgres")
    database.start()
    port = 18500 + os.getpid() % 400
    environment = {
        **os.environ,
        "BILLOW_DATABASE_URL": database.url,
        "BILLOW_TEST_KEY": KEY,
        "BILLOW_DATA": str(folder / "data"),
        "BILLOW_RATE_LIMIT_TEST": "0",
    }
    command = [sys.executable, "-m", "billow"]
    try:
        subprocess.run([*command, "migrate"], env=environment, check=True, stdout=sys.stderr)
        with running([*command, "serve", "--port", str(port)], port, environment):
            yield port, database
    finally:
        database.stop()


@contextmanager
def localstripe(folder: Path) -> Iterator[int]:
    """localstripe in an environment of its own, which keeps everything in memory."""
    made = folder / "localstripe"
    venv.create(made, with_pip=True)
    subprocess.run(
        [made / "bin" / "python", "-m", "pip", "install", "--quiet", LOCALSTRIPE],
        check=True,
        stdout=sys.stderr,
    )
    port = 18950 + os.getpid() % 40
    command = [str(made / "bin" / "localstripe"), "--from-scratch", "--port", str(port)]
    with running(command, port, dict(os.environ), cwd=folder):
        yield port


@contextmanager
def running(
    command: Sequence[str], port: int, environment: dict[str, str], cwd: Path | None = None
) -> Iterator[None]:
    """A server, from when it answers until the end."""
    server = subprocess.Popen(command, env=environment, stdout=sys.stderr, cwd=cwd)
    try:
        asyncio.run(answering(port, server))
        yield
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


async def answering(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            await Connection(port).ask("GET", "/v1/customers")
            return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
    raise RuntimeError("the server does not answer")


def logging_of(database: Embedded) -> Callable[[bool], None]:
    """Turns the log of statements on and off, for connections that are open already as well."""

    def turn(on: bool) -> None:
        with psycopg.connect(database.url, autocommit=True) as conn:
            conn.execute(f"alter system set log_statement = '{'all' if on else 'none'}'")
            conn.execute("select pg_reload_conf()")
        time.sleep(0.3)

    return turn


# ------------------------------------------------------------------------------------- in all


async def asked(shops: dict[str, Shop], database: Embedded, only: set[str], seconds: float) -> list[Any]:
    for shop in shops.values():
        await shop.prepare()
    found = []
    logging, log = logging_of(database), Path(database.folder) / "postgres.log"
    for name in ONE_CONNECTION:
        needs = name in ("preview", "change", "cancel") and not shops["billow"].subscriptions
        if name in only and needs:
            for _ in range(ONE_CONNECTION["cancel"][1] + WARM + COUNTED):
                await shops["billow"].subscribe()
        if name in only:
            found.append(await one_connection(shops["billow"], name, log, logging))
    for name, what in MANY.items():
        if name not in only:
            continue
        rates: dict[str, Any] = {"what": f"{CLIENTS} clients, {what}"}
        for where, shop in shops.items():
            if where == "billow" or name != "event":
                rates["per_second" if where == "billow" else f"{where}_per_second"] = await many(
                    shop, name, seconds
                )
        found.append(rates)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--localstripe", action="store_true")
    parser.add_argument("--only", default=",".join({**ONE_CONNECTION, **MANY}))
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="billow-bench-") as name, ExitStack() as servers:
        port, database = servers.enter_context(billow(Path(name)))
        shops = {"billow": Shop(port)}
        if wanted.localstripe:
            shops["localstripe"] = Shop(servers.enter_context(localstripe(Path(name))), imitation=True)
        results = asyncio.run(asked(shops, database, set(wanted.only.split(",")), wanted.seconds))
    if wanted.json:
        print(json.dumps({"load": os.getloadavg()[0], "results": results}, indent=1))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for result in results:
        if "median_ms" in result:
            print(
                f"{result['what']:32} median {result['median_ms']:7.2f} ms"
                f"   least {result['least_ms']:7.2f} ms   {result['statements']:4} statements"
            )
        else:
            beside = result.get("localstripe_per_second")
            also = f"   localstripe {beside:9,.0f}" if beside else ""
            print(f"{result['what']:60} {result['per_second']:9,.0f} a second{also}")


if __name__ == "__main__":
    main()
