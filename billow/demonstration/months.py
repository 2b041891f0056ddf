"""Advance three months at Nimbus: report usage, advance the clock, and let a few payments fail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from billow.demonstration.client import Client, Json
from billow.demonstration.company import COMPANIES, START, Nimbus, give_card

MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
END = MONTHS[-1] + timedelta(days=2, hours=2)
"""Two days after the last renewal, so that its first retry has happened."""
STEPS = 7
"""The steps of a month; after each, the usage of that time is reported."""
EVENTS = 9_600
"""Meter events in a step."""
DRAFT_HOUR = timedelta(hours=1, minutes=5)
KINDS = ("compute_hours",) * 60 + ("api_calls",) * 35 + ("stored_gb",) * 5


@dataclass(slots=True)
class Counted:
    """How many of the sent events were accepted, and how many were duplicates."""

    accepted: int = 0
    duplicates: int = 0


Moved = Callable[[datetime, int], None]
"""Called after each step with the simulated instant and the number of events counted so far."""


def lived(client: Client, nimbus: Nimbus, moved: Moved) -> Counted:
    """Run from the first day to the last, step by step. The seed makes every run the same."""
    chance, counted = Random(2026), Counted()
    for month, (start, end) in enumerate(pairwise(MONTHS)):
        borders = [start + (end - start) * step / STEPS for step in range(STEPS + 1)]
        for step, (since, until) in enumerate(pairwise(borders)):
            client.advance(nimbus.clock, until)
            report(client, list(measured(chance, nimbus, since, until)), counted)
            moved(until, counted.accepted)
            troubles(client, nimbus, month, step)
        # The usage of the last step is reported after the period's end; the draft includes it for an hour.
        client.advance(nimbus.clock, end + DRAFT_HOUR)
    client.advance(nimbus.clock, END)
    moved(END, counted.accepted)
    return counted


def report(client: Client, events: list[Json], counted: Counted) -> None:
    """Report the usage of a step in one request. One in seven is sent twice, as if its answer was lost."""
    answers = [client.bulk(events)]
    if counted.accepted % (STEPS * EVENTS) == 0:
        answers.append(client.bulk(events))
    for answer in answers:
        counted.accepted += answer["accepted"]
        counted.duplicates += answer["duplicates"]


def measured(chance: Random, nimbus: Nimbus, since: datetime, until: datetime) -> Iterator[Json]:
    """Make the random usage of a step: the larger the company, the more events and gigabytes."""
    users = [company for company in COMPANIES if company.size]
    first, last = int(since.timestamp()), int(until.timestamp()) - 1
    weeks = (since - START).days // 7
    for number, company in enumerate(chance.choices(users, [user.size for user in users], k=EVENTS)):
        kind = chance.choice(KINDS)
        if kind == "compute_hours":
            value = f"{chance.randint(1, 9) * 25 / 100:.2f}"
        elif kind == "api_calls":
            value = str(chance.randint(1, 500))
        else:
            value = f"{company.size * 350 + weeks * company.size * 12 + chance.randint(0, 40)}"
        yield {
            "event_name": kind,
            "identifier": f"{first}-{number}",
            "timestamp": chance.randint(first, last),
            "payload": {"stripe_customer_id": nimbus.customers[company.name], "value": value},
        }


def troubles(client: Client, nimbus: Nimbus, month: int, step: int) -> None:
    """Kite's card declines and is replaced; Granite pays two invoices, not a third; Lumen's card declines."""
    names = ("Kite Travel", "Lumen School", "Granite Bank")
    kite, lumen, granite = (nimbus.customers[name] for name in names)
    match month, step:
        case 0, 4:
            give_card(client, kite, "pm_card_chargeCustomerFail")
        case 1, 0:  # the renewal was declined, and so were the first retries; the next one finds this card
            give_card(client, kite, "pm_card_mastercard")
        case (0, 3) | (1, 3):
            pay_by_transfer(client, granite)
        case 2, 4:
            give_card(client, lumen, "pm_card_chargeCustomerFail")


def pay_by_transfer(client: Client, customer: str) -> None:
    [invoice] = client.get("/v1/invoices", customer=customer, status="open")["data"]
    client.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
