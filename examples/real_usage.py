"""What does an hour of real, measured use cost? Counted, priced, invoiced and paid with Stripe's own library.

    python examples/real_usage.py http://127.0.0.1:8420 sk_test_ChangeMeBeforeYouGoLive1 [FOLDER]

FOLDER holds `azure_llm_inference_2023_code.csv` and `azure_llm_inference_2023_conv.csv` of the Azure Public
Dataset (CC BY 4.0): an hour of requests to a code completion and to a chat service, with the tokens of each.
Without a folder a small set that is built in takes their place.
"""

import csv
import gzip
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import stripe

START = datetime(2023, 11, 16, 18, tzinfo=UTC)
MEASURED = START + timedelta(hours=2)
"""Use is reported when it has happened: the clock stands here when the events are sent."""
PERIOD_END = datetime(2023, 12, 16, 18, tzinfo=UTC)
DRAFT_HOUR = timedelta(hours=1, minutes=5)
"""An invoice stays a draft for an hour, so that late events still count; then it is finalized and paid."""

RATES = {"context_tokens": "0.0003", "generated_tokens": "0.0015"}
"""US cents a token: 3 and 15 dollars a million."""
AT_ONCE = 10_000
"""Events in one request of the bulk endpoint, at most."""


@dataclass(frozen=True)
class Request:
    """One request to a language model, as it was measured."""

    at: datetime
    context_tokens: int
    generated_tokens: int


@dataclass(frozen=True)
class Customer:
    """Who used what, and the lines in US cents that must be on the invoice."""

    name: str
    requests: list[Request]
    lines: tuple[int, int]


# ------------------------------------------------------------------------------------- what was used


def azure(folder: Path) -> list[Customer]:
    """18,059,974 and 245,896 tokens make 54.18 + 3.69 USD; 22,361,870 and 4,088,665 make 67.09 + 61.33."""
    code, chat = (folder / f"azure_llm_inference_2023_{name}.csv" for name in ("code", "conv"))
    return [Customer("code", read(code), (5418, 369)), Customer("chat", read(chat), (6709, 6133))]


def read(file: Path) -> list[Request]:
    """The times have seven decimals and no zone: they are UTC."""
    with file.open(newline="") as rows:
        return [
            Request(
                datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC),
                int(row["ContextTokens"]),
                int(row["GeneratedTokens"]),
            )
            for row in csv.DictReader(rows)
        ]


def built_in() -> list[Customer]:
    """3,000,000 and 20,000 tokens make 9.00 + 0.30 USD; 740,700 and 40,680 make 222.21 and 61.02 cents."""
    first = START + timedelta(minutes=10)
    code = [Request(first + timedelta(seconds=n), 30_000, 200) for n in range(100)]
    chat = [Request(first + timedelta(seconds=n), 12_345, 678) for n in range(60)]
    return [Customer("code", code, (900, 30)), Customer("chat", chat, (222, 61))]


# ------------------------------------------------------------------------------------- the story


class Story:
    """The same steps that a company takes with Stripe; only the bulk endpoint is billow's own."""

    def __init__(self, base: str, key: str) -> None:
        self.base, self.key = base.rstrip("/"), key
        # stripe-python retries by itself; the keys that it makes up keep a retry from doing things twice.
        self.client = stripe.StripeClient(key, base_addresses={"api": self.base}, max_network_retries=2)

    def run(self, customers: list[Customer], say=print) -> None:
        clock = self.client.v1.test_helpers.test_clocks.create(
            {"frozen_time": seconds(START), "name": "real usage"}
        )
        # Meters are found by the name of their events: a name of its own lets the story run twice.
        names = {use: f"{use}_{clock.id[-8:]}" for use in RATES}
        prices = [self.price(use, event_name) for use, event_name in names.items()]
        ids = [self.customer(customer.name, clock.id, prices) for customer in customers]
        self.advance(clock.id, MEASURED)
        for customer, id in zip(customers, ids, strict=True):
            accepted = self.report(customer, id, names)
            say(f"{customer.name}: {len(customer.requests):,} requests, {accepted:,} events counted")
        self.advance(clock.id, PERIOD_END)
        self.advance(clock.id, PERIOD_END + DRAFT_HOUR)
        for customer, id in zip(customers, ids, strict=True):
            self.show(customer, id, say)

    def price(self, use: str, event_name: str) -> str:
        """A meter, a product and a metered price, for one kind of tokens."""
        meter = self.client.v1.billing.meters.create(
            {
                "display_name": use.replace("_", " ").capitalize(),
                "event_name": event_name,
                "default_aggregation": {"formula": "sum"},
            }
        )
        product = self.client.v1.products.create({"name": meter.display_name, "unit_label": "token"})
        return self.client.v1.prices.create(
            {
                "product": product.id,
                "currency": "usd",
                "unit_amount_decimal": RATES[use],
                "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
            }
        ).id

    def customer(self, name: str, clock: str, prices: list[str]) -> str:
        """A customer who lives in the clock's time, with a card that pays, and a monthly subscription."""
        customer = self.client.v1.customers.create(
            {"name": name, "email": f"{name}@example.com", "test_clock": clock}
        )
        card = self.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        self.client.v1.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": card.id}}
        )
        self.client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": price} for price in prices]}
        )
        return customer.id

    def report(self, customer: Customer, id: str, names: dict[str, str]) -> int:
        """Ten thousand events a request. Their identifiers make it harmless to send them again."""
        batches = list(in_batches(self.events(customer, id, names)))
        answers = [self.post_bulk(batch) for batch in batches]
        assert all(answer["errors"] == [] and answer["duplicates"] == 0 for answer in answers), answers
        again = self.post_bulk(batches[0])
        assert (again["accepted"], again["duplicates"]) == (0, len(batches[0])), again
        return sum(answer["accepted"] for answer in answers)

    def events(self, customer: Customer, id: str, names: dict[str, str]) -> Iterator[dict]:
        for number, request in enumerate(customer.requests):
            for use, event_name in names.items():
                yield {
                    "event_name": event_name,
                    "identifier": f"{id}/{number}/{use}",
                    "timestamp": request.at.isoformat(),
                    "payload": {"stripe_customer_id": id, "value": str(getattr(request, use))},
                }

    def post_bulk(self, events: list[dict]) -> dict:
        """Gzipped lines of JSON."""
        body = gzip.compress("\n".join(json.dumps(event) for event in events).encode())
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
        }
        request = urllib.request.Request(f"{self.base}/v1/billing/meter_events/bulk", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def advance(self, clock: str, to: datetime) -> None:
        """Move the clock, and wait until all that fell due on the way has happened."""
        clocks = self.client.v1.test_helpers.test_clocks
        moved = clocks.advance(clock, {"frozen_time": seconds(to)})
        deadline = time.monotonic() + 60
        while moved.status == "advancing" and time.monotonic() < deadline:
            time.sleep(0.1)
            moved = clocks.retrieve(clock)
        assert moved.status == "ready", f"the clock is {moved.status}: does a worker run?"

    def show(self, customer: Customer, id: str, say) -> None:
        """The invoice of the month, held against what it must be; its file, and what was told of it."""
        [invoice, *_] = self.client.v1.invoices.list({"customer": id}).data
        lines = self.client.v1.invoices.line_items.list(invoice.id).data
        say(f"\n{customer.name}: invoice {invoice.number}, {dollars(invoice.total)}, {invoice.status}")
        for line in lines:
            say(f"  {line.description:<60} {dollars(line.amount):>12}")
        assert sorted(line.amount for line in lines) == sorted(customer.lines)
        assert invoice.total == invoice.amount_paid == sum(customer.lines) and invoice.status == "paid"
        say(f"  {invoice.invoice_pdf}")
        with urllib.request.urlopen(invoice.invoice_pdf, timeout=60) as pdf:
            assert pdf.read(5) == b"%PDF-"
        events = self.client.v1.events.list({"type": "invoice.*", "limit": 100}).data
        # An upcoming invoice has no id: it is not there yet.
        about = [event for event in reversed(events) if event.type != "invoice.upcoming"]
        told = [event.type for event in about if event.data.object["id"] == invoice.id]
        say(f"  {', '.join(told)}")
        assert told[0] == "invoice.created" and "invoice.paid" in told


def in_batches(events: Iterator[dict]) -> Iterator[list[dict]]:
    while batch := list(islice(events, AT_ONCE)):
        yield batch


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d} USD"


def main(arguments: list[str]) -> None:
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    base, key, *folder = arguments
    Story(base, key).run(azure(Path(folder[0])) if folder else built_in())


if __name__ == "__main__":
    main(sys.argv[1:])
