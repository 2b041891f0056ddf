"""How do three months pass at Nimbus: use is measured, time moves, a few customers have their troubles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from billow.demonstration.client import Client, Json
from billow.demonstration.company import COMPANIES, START, Nimbus, give_card

MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
END = MONTHS[-1] + timedelta(days=2, hours=2)
"""Two days after the last renewal: its first retry has happened."""
STEPS = 7
"""Into how many steps a month is cut: after each one the use of that time is reported."""
EVENTS = 9_600
"""Events that are measured in a step."""
DRAFT_HOUR = timedelta(hours=1, minutes=5)
KINDS = ("compute_hours",) * 60 + ("api_calls",) * 35 + ("stored_gb",) * 5


@dataclass(slots=True)
class Counted:
    """What became of the events that were sent."""

    accepted: int = 0
    duplicates: int = 0


Moved = Callable[[datetime, int], None]
"""Told after each step: the simulated instant, and how many events were counted so far."""


def lived(client: Client, nimbus: Nimbus, moved: Moved) -> Counted:
    """From the first day to the last, step by step. The same seed makes the same three months."""
    chance, counted = Random(2026), Counted()
    for month, (start, end) in enumerate(pairwise(MONTHS)):
        borders = [start + (end - start) * step / STEPS for step in range(STEPS + 1)]
        for step, (since, until) in enumerate(pairwise(borders)):
            client.advance(nimbus.clock, until)
            report(client, list(measured(chance, nimbus, since, until)), counted)
            moved(until, counted.accepted)
            troubles(client, nimbus, month, step)
        # The last step's use came after the period's end: the draft still takes it in, for an hour.
        client.advance(nimbus.clock, end + DRAFT_HOUR)
    client.advance(nimbus.clock, END)
    moved(END, counted.accepted)
    return counted


def report(client: Client, events: list[Json], counted: Counted) -> None:
    """A step's use in one request. One in seven is sent twice, as if its answer had been lost on the way."""
    answers = [client.bulk(events)]
    if counted.accepted % (STEPS * EVENTS) == 0:
        answers.append(client.bulk(events))
    for answer in answers:
        counted.accepted += answer["accepted"]
        counted.duplicates += answer["duplicates"]


def measured(chance: Random, nimbus: Nimbus, since: datetime, until: datetime) -> Iterator[Json]:
    """The use of a step, spread over it by chance: the larger the company, the more events and gigabytes."""
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
