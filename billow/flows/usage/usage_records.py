"""Record and sum usage by subscription item, as versions before 2025-03-31.basil do."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, seconds
from billow.api.listing import checked_limit
from billow.api.params import Params
from billow.api.render import page
from billow.api.resource import route
from billow.core import usage
from billow.core.errors import Refused, require
from billow.flows.usage.meter_events import admitted
from billow.resources.billing_period import BillingPeriod
from billow.resources.meter import Meter
from billow.resources.meter_event import MeterEvent
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import new_id
from billow.store.tx import Tx
from billow.store.usage import Span, store

LAST = "2025-02-24.acacia"
PATH = "/v1/subscription_items/{id}"


class UsageRecord(Params):
    action: str = f.choice(SHOWN, "increment", "set", default="increment")
    quantity: int = f.integer(min=0, required=True)
    timestamp: datetime | str | None = f.timestamp(choices=("now",))


class Paging(Params):
    limit: int = f.integer(default=10)
    starting_after: str | None = f.text()


@route("POST", f"{PATH}/usage_records", UsageRecord, of="billing_meter_events", until=LAST)
def create(tx: Tx, id: str, wanted: UsageRecord) -> dict[str, Any]:
    """Record usage of a metered item as an event of the meter of its price; `set` is refused.

    A meter counts for a customer, not for an item: where several items of the customer have the same meter,
    each would bill the usage, so it is refused.
    """
    item, subscription, meter = metered_item(tx, id)
    require(
        wanted.action == "increment",
        "Usage is recorded as events of a meter, which add up: action must be increment.",
        param="action",
    )
    check_alone(tx, item, subscription, meter)
    at = wanted.timestamp if isinstance(wanted.timestamp, datetime) else None
    [kept] = admitted(
        tx,
        [
            MeterEvent(
                event_name=meter.event_name,
                payload={
                    meter.customer_mapping["event_payload_key"]: subscription.customer,
                    meter.value_settings["event_payload_key"]: str(wanted.quantity),
                },
                identifier=new_id("mevt_"),
                timestamp=seconds(at),
            )
        ],
    )
    if isinstance(kept, Refused):
        raise kept
    return {
        "id": new_id("mbur_"),
        "object": "usage_record",
        "livemode": tx.livemode,
        "quantity": wanted.quantity,
        "subscription_item": item.id,
        "timestamp": seconds(kept.at),
    }


def metered_item(tx: Tx, id: str) -> tuple[SubscriptionItem, Subscription, Meter]:
    """Find a metered item with its subscription and meter, or refuse."""
    item = rows.find(tx, SubscriptionItem, id)
    meter = meter_of(tx, item)
    if meter is None:
        raise Refused(f"Cannot record usage of the subscription item {id}: its price is not metered.")
    return item, rows.find(tx, Subscription, item.subscription), rows.find(tx, Meter, meter)


def meter_of(tx: Tx, item: SubscriptionItem) -> str | None:
    """Return the id of the meter of an item's price, or None."""
    return (rows.find(tx, Price, item.price).recurring or {}).get("meter")


def check_alone(tx: Tx, item: SubscriptionItem, subscription: Subscription, meter: Meter) -> None:
    """Refuse usage that another running item of the customer would bill as well."""
    others = rows.select(
        tx,
        SubscriptionItem,
        "id <> %(id)s and subscription in (select id from subscriptions where customer = %(customer)s"
        " and status not in ('canceled', 'incomplete_expired'))"
        " and price in (select id from prices where recurring->>'meter' = %(meter)s)",
        id=item.id,
        customer=subscription.customer,
        meter=meter.id,
    )
    require(
        not others,
        f"The meter {meter.id} is also that of {', '.join(other.id for other in others)} of this customer,"
        " so each of them would bill this usage. Give each item a price with a meter of its own.",
    )


@route("GET", f"{PATH}/usage_record_summaries", Paging, of="billing_meter_event_summaries", until=LAST)
def summaries(tx: Tx, id: str, wanted: Paging) -> dict[str, Any]:
    """Sum the usage of an item for the current period and each one that was billed, the newest first.

    Without a meter there are none.
    """
    url = PATH.format(id=id) + "/usage_record_summaries"
    if meter_of(tx, rows.find(tx, SubscriptionItem, id)) is None:
        return paged([], wanted, url)
    item, subscription, meter = metered_item(tx, id)
    billed = rows.select(
        tx,
        BillingPeriod,
        "subscription_item = %(id)s and kind = 'metered'",
        "order by period_start desc",
        id=id,
    )
    periods: list[tuple[datetime, datetime, str | None]] = [
        (item.current_period_start, item.current_period_end, None)
    ]
    periods += [(each.period_start, each.period_end, each.invoice) for each in billed]
    spans = [
        Span(str(place), meter.id, subscription.customer, start, end)
        for place, (start, end, _) in enumerate(periods)
    ]
    windows = store(tx).windows(tx, spans)
    formula = meter.default_aggregation["formula"]
    shown = [
        {
            "id": f"sis_{item.id.removeprefix('si_')}{seconds(start)}",
            "object": "usage_record_summary",
            "invoice": invoice,
            "livemode": tx.livemode,
            "period": {"start": seconds(start), "end": seconds(end)},
            "subscription_item": item.id,
            "total_usage": whole(usage.aggregate(formula, windows[str(place)])),
        }
        for place, (start, end, invoice) in enumerate(periods)
    ]
    return paged(shown, wanted, url)


def whole(quantity: Decimal) -> int | float:
    """Return a quantity as a JSON number, which is an integer wherever it can be."""
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def paged(shown: list[dict[str, Any]], wanted: Paging, url: str) -> dict[str, Any]:
    checked_limit(wanted.limit)
    ids = [each["id"] for each in shown]
    if wanted.starting_after is not None:
        if wanted.starting_after not in ids:
            raise Refused(
                f"No such usage record summary: '{wanted.starting_after}'",
                param="starting_after",
                code="resource_missing",
            )
        shown = shown[ids.index(wanted.starting_after) + 1 :]
    return page(shown[: wanted.limit], len(shown) > wanted.limit, url)
