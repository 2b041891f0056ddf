"""What does a billing run do to the API: a mixed load at 60 % of capacity, without and with a run beside it.

    python bench/load.py            300 s, 1,500 subscriptions, against a `billow up` of its own
    python bench/load.py --seconds 20 --subscriptions 200 --probe 5      a quick try

Capacity is what 16 clients get through that ask without a pause. The load itself is open: requests begin at a
constant rate, whether the ones before them were answered or not, and a latency counts from the instant at
which a request was meant to begin. One webhook endpoint hears of every event and answers at once.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "sk_test_benchmark00000000000000"
START = 1735689600  # 2025-01-01
DUE = START + 32 * 86400
SHARE = 0.6
MIX = {"create": 20, "retrieve": 30, "list": 15, "usage": 25, "change": 10}
CLOCKS = 3
SETTLED = 3.0
"""Seconds after a phase began from which requests are counted."""


# ------------------------------------------------------------------------------------- one HTTP client


class Connection:
    """A kept connection; `ask` writes one request and reads the whole answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> tuple[int, bytes]:
        text = urllib.parse.urlencode(flat(form or {}))
        if method == "GET" and text:
            path, text = f"{path}?{text}", ""
        body = text.encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        answer = (await self._exchange(head.encode() + body)).decode("latin-1").lower()
        assert self.reader is not None
        status = int(answer[9:12])
        length = answer.partition("content-length:")[2].partition("\r\n")[0]
        data = await self.reader.readexactly(int(length))
        if "connection: close" in answer:
            self.close()
        return status, data

    async def _exchange(self, message: bytes) -> bytes:
        """The head of the answer. A kept connection that the server has closed meanwhile is opened again."""
        if self.writer is not None and self.reader is not None and not self.reader.at_eof():
            try:
                self.writer.write(message)
                return await self.reader.readuntil(b"\r\n\r\n")
            except (OSError, asyncio.IncompleteReadError) as error:
                if getattr(error, "partial", b""):
                    raise
        self.close()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(message)
        return await self.reader.readuntil(b"\r\n\r\n")

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def flat(form: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values under the names that Stripe's forms give them."""
    found: dict[str, str] = {}
    for name, value in form.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            found |= flat(value, key)
        elif isinstance(value, list):
            found |= flat({str(place): item for place, item in enumerate(value)}, key)
        else:
            found[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


class Pool:
    """Connections for requests at once; who finds none waits, and that counts."""

    def __init__(self, port: int, most: int) -> None:
        self.free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for _ in range(most):
            self.free.put_nowait(Connection(port))

    async def ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> tuple[int, bytes]:
        connection = await self.free.get()
        try:
            return await connection.ask(method, path, form)
        except (OSError, asyncio.IncompleteReadError):
            connection.close()
            raise
        finally:
            self.free.put_nowait(connection)

    async def good(self, method: str, path: str, form: dict[str, Any] | None = None) -> Any:
        status, data = await self.ask(method, path, form)
        assert status == 200, (method, path, status, data[:500])
        return json.loads(data)


# ------------------------------------------------------------------------------------- the shop


@dataclass
class Shop:
    """What the load is about: subscriptions that customers change, and others that the run renews."""

    pool: Pool
    customers: list[str] = field(default_factory=list)
    subscriptions: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    counter: Iterator[int] = field(default_factory=itertools.count)

    async def open(self, changed: int, renewed: int, receiver: str) -> None:
        ask = self.pool.good
        sums = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
        meter = (await ask("POST", "/v1/billing/meters", sums))["id"]
        form = {"currency": "usd", "product_data": {"name": "Pro"}}
        month = {"interval": "month"}
        licence = await ask("POST", "/v1/prices", {**form, "recurring": month, "unit_amount": 2000})
        metered = {**month, "usage_type": "metered", "meter": meter}
        calls = await ask("POST", "/v1/prices", {**form, "recurring": metered, "unit_amount_decimal": "0.5"})
        self.items = [{"price": licence["id"]}, {"price": calls["id"]}]
        for _ in range(CLOCKS):
            path = "/v1/test_helpers/test_clocks"
            self.clocks.append((await ask("POST", path, {"frozen_time": START}))["id"])
        jobs = [self.subscribe(None) for _ in range(changed)]
        jobs += [self.subscribe(self.clocks[place % CLOCKS]) for place in range(renewed)]
        await asyncio.gather(*jobs)
        await ask("POST", "/v1/webhook_endpoints", {"url": receiver, "enabled_events": ["*"]})

    async def subscribe(self, clock: str | None) -> None:
        card = "pm_card_visa"
        form: dict[str, Any] = {"payment_method": card, "name": "Bench"}
        form["invoice_settings"] = {"default_payment_method": card}
        form |= {"test_clock": clock} if clock else {}
        customer = (await self.pool.good("POST", "/v1/customers", form))["id"]
        made = await self.pool.good("POST", "/v1/subscriptions", {"customer": customer, "items": self.items})
        if clock is None:
            self.customers.append(customer)
            self.subscriptions.append(made["id"])

    def request(self, chance: random.Random) -> tuple[str, str, dict[str, Any]]:
        """One request of the mix."""
        what = chance.choices(list(MIX), list(MIX.values()))[0]
        customer = chance.choice(self.customers)
        number = next(self.counter)
        if what == "create":
            return "POST", "/v1/customers", {"name": f"Ann {number}", "email": f"ann{number}@example.com"}
        if what == "retrieve":
            return "GET", f"/v1/customers/{customer}", {}
        if what == "list":
            return "GET", "/v1/invoices", {"customer": customer, "limit": 10}
        if what == "usage":
            payload = {"stripe_customer_id": customer, "value": "3"}
            return "POST", "/v1/billing/meter_events", {"event_name": "calls", "payload": payload}
        subscription = chance.choice(self.subscriptions)
        return "POST", f"/v1/subscriptions/{subscription}", {"metadata": {"change": number}}

    async def renew(self) -> float:
        """Seconds until every clock has arrived a month later, invoices paid."""
        begun = time.perf_counter()
        for clock in self.clocks:
            path = f"/v1/test_helpers/test_clocks/{clock}"
            await self.pool.good("POST", f"{path}/advance", {"frozen_time": DUE})
        for clock in self.clocks:
            path = f"/v1/test_helpers/test_clocks/{clock}"
            while (status := (await self.pool.good("GET", path))["status"]) != "ready":
                assert status == "advancing", status
                await asyncio.sleep(0.5)
        return time.perf_counter() - begun


# ------------------------------------------------------------------------------------- what is measured


@dataclass
class Answers:
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.perf_counter)

    def spread(self) -> dict[str, float]:
        ordered = sorted(self.latencies)
        if not ordered:
            return {"requests": 0}
        at = lambda share: ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000  # noqa: E731
        return {
            "requests": len(ordered),
            "p50_ms": round(statistics.median(ordered) * 1000, 1),
            "p99_ms": round(at(0.99), 1),
            "most_ms": round(ordered[-1] * 1000, 1),
        }


async def send(shop: Shop, chance: random.Random, meant: float, answers: Answers) -> None:
    try:
        status, _ = await shop.pool.ask(*shop.request(chance))
    except (OSError, asyncio.IncompleteReadError) as error:
        answers.statuses[type(error).__name__] += 1
        return
    answers.statuses[str(status)] += 1
    if meant - answers.began > SETTLED:
        answers.latencies.append(time.perf_counter() - meant)


async def capacity(shop: Shop, connections: int, seconds: float) -> float:
    """Requests a second of clients that never pause."""
    until, done = time.perf_counter() + seconds, 0
    chance = random.Random(1)

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await shop.pool.good(*shop.request(chance))
            done += 1

    await asyncio.gather(*(client() for _ in range(connections)))
    return done / seconds


async def constant(shop: Shop, rate: float, stop: asyncio.Event, answers: Answers) -> None:
    """Begin requests at a constant rate until told to stop; then wait for those that are under way."""
    chance, under_way = random.Random(2), set()
    for number in itertools.count():
        meant = answers.began + number / rate
        if (wait := meant - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if stop.is_set():
            break
        task = asyncio.create_task(send(shop, chance, meant, answers))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


async def phase(shop: Shop, rate: float, seconds: float, run: bool) -> dict[str, Any]:
    answers, stop = Answers(), asyncio.Event()
    load = asyncio.create_task(constant(shop, rate, stop, answers))
    result: dict[str, Any] = {}
    if run:
        await asyncio.sleep(SETTLED)
        result["run_seconds"] = round(await shop.renew(), 1)
    else:
        await asyncio.sleep(seconds)
    stop.set()
    await load
    spent = time.perf_counter() - answers.began
    errors = sum(count for status, count in answers.statuses.items() if status != "200")
    result |= {"rate": round(sum(answers.statuses.values()) / spent, 1), "errors": errors}
    if errors:
        result["statuses"] = dict(answers.statuses)
    return {**result, **answers.spread()}


# ------------------------------------------------------------------------------------- the processes


@contextmanager
def installation(root: Path, folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    given = {
        "BILLOW_TEST_KEY": KEY,
        "BILLOW_RATE_LIMIT_TEST": "0",
        "BILLOW_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8",
        "BILLOW_LOG_LEVEL": "warning",
        "PYTHONPATH": str(root),
    }
    command = [sys.executable, "-m", "billow", "up", "--data", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **given}, stdout=sys.stderr, cwd=root)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def used(top: int) -> dict[str, Counter[str]]:
    """Memory (KiB) and CPU (ticks) of all below a process, by what it is; PostgreSQL's own together."""
    parents, words, kept, ticks = {}, {}, {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            # The proportional size: PostgreSQL's processes share their buffers, which count once.
            sizes = (entry / "smaps_rollup").read_text().splitlines()
            rollup = next((line for line in sizes if line[:4] == "Pss:"), "")
        except OSError:
            continue
        id = int(entry.name)
        parents[id], words[id] = int(stat[1]), line
        ticks[id] = sum(int(value) for value in stat[11:15])  # of children that have ended, too
        kept[id] = int(rollup.split()[1]) if rollup else 0
    found: dict[str, Counter[str]] = {}
    for id in kept:
        above = id
        while above not in (0, top):
            above = parents.get(above, 0)
        if above == top:
            found.setdefault(called(words[id]), Counter()).update(kib=kept[id], ticks=ticks[id])
    return found


def spent(before: dict[str, Counter[str]], after: dict[str, Counter[str]]) -> str:
    """Seconds of CPU by process: what a crowded machine does not blur."""
    hertz = os.sysconf("SC_CLK_TCK")
    seconds = {name: (after[name]["ticks"] - before.get(name, Counter())["ticks"]) / hertz for name in after}
    return ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items() if value > 0.05)


def called(line: str) -> str:
    if "postgres" in line:
        return "postgres"
    return next((name for name in ("billow serve", "billow work", "billow up") if name in line), "others")


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, Counter[str]]]:
    """A webhook endpoint that answers at once and keeps its connections."""
    heard: Counter[str] = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower():
                length = head.partition("content-length:")[2].partition("\r\n")[0]
                await reader.readexactly(int(length))
                heard["deliveries"] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side, or the bench, has ended
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", heard
    finally:
        server.close()


async def ready(port: int) -> None:
    for _ in range(600):
        try:
            if (await Connection(port).ask("GET", "/healthz"))[0] == 200:
                return
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("billow up does not answer")


async def measured(wanted: argparse.Namespace, folder: Path) -> dict[str, Any]:
    port = 18420 + os.getpid() % 1000
    with installation(wanted.root, folder, port) as process:
        await ready(port)
        async with receiver() as (url, heard):
            shop = Shop(Pool(port, wanted.connections))
            print(f"making {wanted.subscriptions:,} subscriptions ...", file=sys.stderr)
            await shop.open(200, wanted.subscriptions, url)
            most = wanted.capacity or await capacity(shop, 16, wanted.probe)
            result: dict[str, Any] = {"capacity": round(most, 1)}
            rate = most * SHARE
            await asyncio.sleep(SETTLED)
            begun = used(process.pid)
            if wanted.idle:
                result["idle"] = {"run_seconds": round(await shop.renew(), 1)}
                result["idle"]["cpu"] = spent(begun, used(process.pid))
            else:
                result["without"] = await phase(shop, rate, wanted.seconds, run=False)
                middle = used(process.pid)
                result["without"]["cpu"] = spent(begun, middle)
                result["with"] = await phase(shop, rate, wanted.seconds, run=True)
                result["with"]["cpu"] = spent(middle, used(process.pid))
                result["p99_ratio"] = round(result["with"]["p99_ms"] / result["without"]["p99_ms"], 2)
            after = used(process.pid)
            growth = {name: after.get(name, Counter())["kib"] - begun[name]["kib"] for name in begun}
            result["growth_mib"] = {name: round(kib / 1024, 1) for name, kib in growth.items()}
            result["deliveries"] = heard["deliveries"]
    return result


def shown(result: dict[str, Any]) -> Iterable[str]:
    yield f"capacity {result['capacity']} requests/s; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    for name in ("idle", "without", "with"):
        if name in result:
            yield f"{name:10} " + "  ".join(f"{key} {value}" for key, value in result[name].items())
    yield "growth     " + ", ".join(f"{name} {mib} MiB" for name, mib in result["growth_mib"].items())
    yield f"deliveries {result['deliveries']}" + (
        f"   p99 with the run / without it: {result['p99_ratio']}" if "p99_ratio" in result else ""
    )


def main(given: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=300, help="of load without a run")
    asked.add_argument("--subscriptions", type=int, default=1500)
    asked.add_argument("--probe", type=float, default=15, help="seconds in which capacity is found")
    asked.add_argument("--capacity", type=float, default=0, help="taken as known, as from another run")
    asked.add_argument("--connections", type=int, default=64)
    asked.add_argument("--idle", action="store_true", help="the run alone, without any load")
    asked.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="another checkout")
    asked.add_argument("--json", action="store_true")
    wanted = asked.parse_args(given)
    folder = Path(tempfile.mkdtemp(prefix="billow-bench-"))
    folder.chmod(0o755)
    try:
        result = asyncio.run(measured(wanted, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result, indent=1) if wanted.json else "\n".join(shown(result)))


if __name__ == "__main__":
    main()
