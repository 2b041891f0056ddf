"""Live through the year: advance the clock, report usage, and let the stories happen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from billow.demonstration.calendar_year import Year, hours_between, within
from billow.demonstration.client import Client, Json
from billow.demonstration.company import COMPANIES, Nimbus
from billow.demonstration.stories import Story, stories_of

EVENTS = 4_000
"""Meter events in a step."""
KINDS = ("compute_hours",) * 60 + ("api_calls",) * 35 + ("stored_gb",) * 5


@dataclass(slots=True)
class Counted:
    """How many of the sent events were accepted, and how many were duplicates."""

    accepted: int = 0
    duplicates: int = 0


Moved = Callable[[datetime, int], None]
"""Called after each step with the simulated instant and the number of events counted so far."""


def lived(client: Client, nimbus: Nimbus, year: Year, moved: Moved) -> Counted:
    """Run from the first day to the last. The seed makes two runs of a year the same."""
    chance, counted, stories = Random(2026), Counted(), stories_of(year)
    since = year.start
    happen(client, nimbus, stories, since)
    for until in year.borders():
        while stories and stories[0].at < until:
            client.advance(nimbus.clock, stories[0].at)
            happen(client, nimbus, stories, stories[0].at)
        client.advance(nimbus.clock, until)
        happen(client, nimbus, stories, until)
        if until - since > timedelta(
            hours=2
        ):  # not the hour of the drafts, whose usage comes with the next step
            report(client, list(measured(chance, nimbus, year, since, until)), counted)
            since = until
        moved(until, counted.accepted)
    return counted


def happen(client: Client, nimbus: Nimbus, stories: list[Story], now: datetime) -> None:
    """Let all happen that is due, and take it from the list."""
    while stories and stories[0].at <= now:
        story = stories.pop(0)
        story.act(client, nimbus, story.name)


def report(client: Client, events: list[Json], counted: Counted) -> None:
    """Report the usage of a step in one request; that of the first one twice, as if its answer was lost."""
    answers = [client.bulk(events)]
    if not counted.accepted:
        answers.append(client.bulk(events))
    for answer in answers:
        counted.accepted += answer["accepted"]
        counted.duplicates += answer["duplicates"]


def measured(chance: Random, nimbus: Nimbus, year: Year, since: datetime, until: datetime) -> Iterator[Json]:
    """Make the usage of a step: by the size of companies, the hour, the day of the week and the month."""
    users = [company for company in COMPANIES if company.size and company.name in nimbus.customers]
    hours, weights = hours_between(since, until)
    if not users or not hours:
        return
    months = (since - year.start).days // 30
    times = within(chance, hours, weights, EVENTS)
    chosen = chance.choices(users, [user.size for user in users], k=EVENTS)
    for number, (company, time) in enumerate(zip(chosen, times, strict=True)):
        kind = chance.choice(KINDS)
        if kind == "compute_hours":
            value = f"{chance.randint(1, 9) * (25 + months) / 100:.2f}"
        elif kind == "api_calls":
            value = str(chance.randint(1, 500 + 20 * months))
        else:
            value = f"{company.size * 350 + months * company.size * 25 + chance.randint(0, 40)}"
        yield {
            "event_name": kind,
            "identifier": f"{int(since.timestamp())}-{number}",
            "timestamp": time,
            "payload": {"stripe_customer_id": nimbus.customers[company.name], "value": value},
        }
