"""The words in which stories of billing in advance are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.world import Customer, Subscription, World, day, moment

Rows = list[tuple[Any, ...]]


def stamp(text: str) -> int:
    return int(moment(text).timestamp())


def until(text: str, *prices: str, **more: Any) -> dict[str, Any]:
    """A billing schedule until an instant, of all items or those with these prices."""
    named = [{"type": "price", "price": price} for price in prices]
    only: dict[str, Any] = {"applies_to": named} if named else {}
    return {"bill_until": {"type": "timestamp", "timestamp": stamp(text)}, **only, **more}


def lasting(count: int, interval: str = "month") -> dict[str, Any]:
    return {"bill_until": {"type": "duration", "duration": {"interval": interval, "interval_count": count}}}


def lines(invoice: dict[str, Any]) -> Rows:
    """What a line costs, and for which days."""
    return [
        (line["amount"], day(line["period"]["start"]), day(line["period"]["end"]))
        for line in invoice["lines"]["data"]
    ]


def bills(anna: Customer) -> list[Rows]:
    return [lines(invoice.data) for invoice in anna.invoices]


def billed_until(plan: Subscription) -> list[str | None]:
    return [item["billed_until"] and day(item["billed_until"]) for item in plan.now["items"]["data"]]


def waiting(world: World, anna: Customer) -> Rows:
    page = world.get("/v1/invoiceitems", customer=anna.id, pending=True, limit=100)
    return [
        (item["amount"], day(item["period"]["start"]), day(item["period"]["end"])) for item in page["data"]
    ]


JANUARY = (3100, "2025-01-01", "2025-02-01")
FEBRUARY = (3100, "2025-02-01", "2025-03-01")
MARCH = (3100, "2025-03-01", "2025-04-01")
APRIL = (3100, "2025-04-01", "2025-05-01")


def quarter(world: World, *extra: str, **more: Any) -> tuple[Customer, Subscription, str]:
    """Pro at 31 dollars a month from January on, billed for three months."""
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    plan = anna.subscribes_to(pro, *extra, **{"billing_schedules": [lasting(3)], **more})
    return anna, plan, pro


def wait(world: World, when: str) -> None:
    """A test clock goes no further than two intervals at once."""
    at = datetime.fromtimestamp(world.seconds, UTC)
    while (at := at + timedelta(days=25)) < moment(when):
        world.at(f"{at:%Y-%m-%d %H:%M}")
    world.at(when)


def item_of(plan: Subscription) -> str:
    return str(plan.now["items"]["data"][0]["id"])
