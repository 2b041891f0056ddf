"""Demonstrate billow with a small cloud company's year, over HTTP, within two minutes."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from billow.core.plain_text import plain
from billow.demonstration import measured, telling
from billow.demonstration.calendar_year import STEPS, Year, year_until
from billow.demonstration.client import Client, Json
from billow.demonstration.company import COMPANIES, CURRENCIES, MODELS, Nimbus, founded, seated
from billow.demonstration.machine import Machine, started
from billow.demonstration.receiver import Receiver, listening
from billow.demonstration.timeline import EVENTS, Counted, lived

SETTINGS = {"BILLOW_MAIL_FROM": "billing@nimbus.example", "BILLOW_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8"}
WATCHED = ["invoice.finalized", "invoice.paid", "invoice.payment_failed", "customer.subscription.updated"]
LAST_WORDS_SECONDS = 20
"""How long to wait for the last webhooks and mails."""


OWNER = "you@nimbus.example"
"""The mail address of the dashboard's first owner; no mail is sent to it."""


def run(console: Console, months: int, once: bool) -> None:
    """Run the demonstration, then keep the server running until Ctrl-C, unless `once`. No process is left."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    try:
        console.print("Starting PostgreSQL, the server and the worker …")
        with (
            started(Path(os.environ.get("BILLOW_DATA") or "data"), SETTINGS) as machine,
            listening() as receiver,
        ):
            console.print(
                f"billow answers at [bold]{machine.client.url}[/bold],"
                f" its data is in {telling.marked(shown(machine.folder))}"
            )
            tell(console, machine, receiver, months, begun)
            if not once:
                console.print("\nbillow keeps answering. [bold]Ctrl-C[/bold] ends it.")
                machine.process.wait()
    except KeyboardInterrupt:
        console.print("\nStopped: server, worker and database have ended.")
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(console: Console, machine: Machine, receiver: Receiver, months: int, begun: float) -> None:
    client = machine.client
    seated(machine)
    year = year_until(listen(client, receiver), months)
    real_input(console, machine)
    nimbus = opened(console, machine, year)
    counted = passed(console, client, nimbus, year)
    invoices = client.every("/v1/invoices", created={"gte": int(year.start.timestamp())})
    webhooks = wait_for_webhooks(client, receiver)
    names = {id: name for name, id in nimbus.customers.items()}
    names |= {product["id"]: product["name"] for product in client.every("/v1/products")}
    pdf = keep_pdf(machine, best(invoices))
    done(console, machine, counted, invoices, webhooks)
    telling.heading(console, f"The books, on {day(year.end)}")
    for by in ("month", "product"):
        console.print(telling.revenue(machine, names, year.start, year.end, by))
    console.print(telling.aging(machine, names, year.end))
    console.print(telling.trial_balance(machine, year.end))
    telling.heading(console, f"Why is it this amount? billow explain {best(invoices)['id']}")
    for line in telling.explained(machine, best(invoices)["id"], names):
        console.out(plain(line), highlight=False)
    further(console, machine, best(invoices), pdf, begun)


def day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def listen(client: Client, receiver: Receiver) -> datetime:
    """Have the events sent to the receiver; return when that was set up, by the server's clock."""
    made = client.post("/v1/webhook_endpoints", url=receiver.url, enabled_events=WATCHED)
    receiver.secret = made["secret"]
    return datetime.fromtimestamp(made["created"], UTC)


def real_input(console: Console, machine: Machine) -> None:
    """Bill an hour of a production service, if its files are beside the checkout."""
    telling.heading(console, "Real input: an hour of requests to two language model services")
    if not measured.there():
        console.print(f"Left out: {', '.join(measured.FILES.values())} are not in {measured.FOLDER}.")
        return
    invoices = measured.billed(machine)
    rows = [row for invoice in invoices.values() for row in telling.lines_of(invoice)]
    title = "28,185 requests make two invoices"
    console.print(telling.table(title, ["invoice", "line", "amount"], rows, words=2))


def opened(console: Console, machine: Machine, year: Year) -> Nimbus:
    telling.heading(console, f"Nimbus, a small cloud company, opens on {day(year.start)}")
    nimbus = founded(machine, year)
    console.print(telling.table("What it sells", ["product", "price model"], list(MODELS.items()), words=2))
    console.print(
        f"{len(COMPANIES)} customers come in the course of a year, and pay in {len(CURRENCIES)} currencies:"
        " in Germany with its VAT, businesses elsewhere in the EU by reverse charge, consumers there with the"
        " VAT of their country, and others without. Some change, fail to pay, dispute, leave or come back."
    )
    return nimbus


def passed(console: Console, client: Client, nimbus: Nimbus, year: Year) -> Counted:
    """Advance the test clock by the year, and show progress bars."""
    telling.heading(console, f"{(year.end - year.start).days} days pass")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bars:
        days = bars.add_task("days", total=(year.end - year.start).days, note="")
        events = bars.add_task("usage events", total=len(year.months) * STEPS * EVENTS, note="")
        begun = time.monotonic()

        def moved(now: datetime, count: int) -> None:
            rate = count / (time.monotonic() - begun)
            bars.update(days, completed=(now - year.start).days, note=f"{now:%d %b %Y}")
            bars.update(events, completed=count, note=f"{rate:,.0f}/s")

        return lived(client, nimbus, year, moved)


# ------------------------------------------------------------------------------------- what it did


def wait_for_webhooks(client: Client, receiver: Receiver) -> str:
    """Wait for the webhooks, which may lag a little, and return how many of them arrived."""
    wanted = len({event["id"] for type in WATCHED for event in client.every("/v1/events", type=type)})
    deadline = time.monotonic() + LAST_WORDS_SECONDS
    while receiver.counts.total() < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return f"{receiver.counts.total()} of {wanted}"


def best(invoices: list[Json]) -> Json:
    """Return the invoice with the highest total, as the most interesting one."""
    return max(invoices, key=lambda invoice: (invoice["total"], invoice["number"]))


def keep_pdf(machine: Machine, invoice: Json) -> Path:
    file = machine.folder / f"{invoice['number']}.pdf"
    file.write_bytes(machine.client.fetch(invoice["invoice_pdf"]))
    return file


def done(console: Console, machine: Machine, counted: Counted, invoices: list[Json], webhooks: str) -> None:
    paid = [invoice for invoice in invoices if invoice["status"] == "paid"]
    due = [invoice for invoice in invoices if invoice["status"] == "open"]
    recovered = [invoice for invoice in paid if invoice["attempt_count"] > 1]
    dunned = [invoice for invoice in due if invoice["next_payment_attempt"]]
    letters = len(list((machine.folder / "outbox").glob("*.eml")))
    repeated = f"{counted.duplicates:,} of them were sent twice and counted once"
    rows = [
        ["usage events counted", f"{counted.accepted:,}", repeated],
        ["invoices", f"{len(invoices)}", summed(invoices, "total")],
        ["  paid", f"{len(paid)}", summed(paid, "amount_paid")],
        ["  of these after retries", f"{len(recovered)}", telling.marked(of(recovered))],
        ["  open", f"{len(due)}", summed(due, "amount_remaining")],
        ["  of these in dunning", f"{len(dunned)}", telling.marked(of(dunned))],
        ["e-mails in the outbox", f"{letters}", telling.marked(shown(machine.folder / "outbox"))],
        ["webhooks delivered", webhooks, "each with a signature that was verified"],
    ]
    telling.heading(console, "What it did")
    made = telling.table("", ["what", "how many", ""], rows)
    made.columns[2].justify = "left"
    console.print(made)


def summed(invoices: list[Json], amount: str) -> str:
    return telling.sums((invoice["currency"], invoice[amount]) for invoice in invoices)


def of(invoices: list[Json]) -> str:
    return ", ".join(sorted({invoice["customer_name"] for invoice in invoices}))


def further(console: Console, machine: Machine, invoice: Json, pdf: Path, begun: float) -> None:
    telling.heading(console, "Where to go next")
    rows = [
        ["the dashboard", machine.ask("operators", "invite", OWNER).strip().splitlines()[-1]],
        ["the API", f"{machine.client.url}/openapi.json"],
        ["its key", machine.client.key],
        ["this invoice", invoice["hosted_invoice_url"]],
        ["as a file", shown(pdf)],
        ["its journal", f"{program()} journal --data {shown(machine.folder)}"],
        ["start it again", f"{program()} up --data {shown(machine.folder)}"],
        ["to read", "README.md, docs/guide/start.md, examples/"],
    ]
    for name, where in rows:
        console.print(f"{name:<16}{where}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"\nAll of it took {time.monotonic() - begun:.0f} seconds.")


def program() -> str:
    """Return how billow was called, so that it can be called again."""
    called = Path(sys.argv[0])
    return shown(called) if called.name == "billow" else "python -m billow"


def shown(path: Path) -> str:
    """Return a path relative to the working directory, if it is below it."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
